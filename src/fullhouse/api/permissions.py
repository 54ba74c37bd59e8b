"""Who may do what: the one table of permissions, and what each route asks for.

A route names what it asks for as ``access=``: nothing (``PUBLIC``), a signed-in person
(``SIGNED_IN``), a permission in the organization that the object belongs to (``member(…)``) or a
platform role (``ADMIN_ONLY``). ``tests/contract/test_permissions.py`` makes the matrix of all
routes, roles and organizations from these declarations and asks the server each of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Literal

ADMIN = "ADMIN"
EDITOR = "EDITOR"
ORGANIZER = "ORGANIZER"
USER = "USER"

PlatformRole = Literal["USER", "ORGANIZER", "EDITOR", "ADMIN"]
MemberRole = Literal["owner", "manager", "editor", "box_office", "scanner", "viewer"]


class Permission(StrEnum):
    """One thing that somebody may do in an organization; the scopes of API keys are these too."""

    EVENTS_READ = "events:read"
    EVENTS_WRITE = "events:write"
    EVENTS_CANCEL = "events:cancel"
    VENUES_WRITE = "venues:write"
    BOOKINGS_READ = "bookings:read"
    BOOKINGS_WRITE = "bookings:write"
    PLACES_WRITE = "places:write"
    CHECK_IN = "check-in"
    MEMBERS_READ = "members:read"
    MEMBERS_WRITE = "members:write"
    KEYS_WRITE = "api-keys:write"
    ORGANIZATION_WRITE = "organization:write"
    AUDIT_READ = "audit-log:read"


_P = Permission

# For people: ``docs/reference/permissions.md`` is made from these sentences and the tables below.
MEANING_OF_PERMISSION: Mapping[Permission, str] = {
    _P.EVENTS_READ: "See drafts, and list the organization's own events.",
    _P.EVENTS_WRITE: "Make, change, publish, copy and delete shows, events, categories, showtimes "
    "and their pictures, and bring in tables of them.",
    _P.EVENTS_CANCEL: "Cancel events and showtimes, which ends what was booked and owes it back.",
    _P.VENUES_WRITE: "Make, change and delete venues and halls, and give halls seat maps.",
    _P.BOOKINGS_READ: "See what others have booked here, with their names and addresses.",
    _P.BOOKINGS_WRITE: "Confirm bookings at the counter, and cancel them for their buyers.",
    _P.PLACES_WRITE: "Block and free places, and change how many are on sale.",
    _P.CHECK_IN: "Let people in; opens nothing yet, as its routes come with the tickets.",
    _P.MEMBERS_READ: "See the organization and who is in it.",
    _P.MEMBERS_WRITE: "Invite members, change their roles, remove them; only owners "
    "appoint and dismiss owners and managers.",
    _P.KEYS_WRITE: "List, make and revoke API keys.",
    _P.ORGANIZATION_WRITE: "Rename the organization, and close it.",
    _P.AUDIT_READ: "Read who changed what in the organization.",
}
MEANING_OF_MEMBER_ROLE: Mapping[str, str] = {
    "owner": "Answers for the organization, which always has one, and may do everything in it.",
    "manager": "Runs the daily business; keys, and the organization itself, stay with owners.",
    "editor": "Prepares what is sold, and sees no buyers.",
    "box_office": "Sells at the counter, and changes no event.",
    "scanner": "Stands at the door.",
    "viewer": "Looks on, and changes nothing.",
}
MEANING_OF_PLATFORM_ROLE: Mapping[str, str] = {
    "USER": "Buys, and does in each organization what the role as its member allows.",
    "ORGANIZER": "A USER who may also found organizations, and owns those.",
    "EDITOR": "A USER who also looks after the content of every organization, and sells nothing.",
    "ADMIN": "Runs the platform: may do everything in every organization, and handles users.",
}

_LOOK = frozenset({_P.EVENTS_READ, _P.BOOKINGS_READ, _P.MEMBERS_READ})
_CONTENT = frozenset({_P.EVENTS_READ, _P.EVENTS_WRITE, _P.VENUES_WRITE})
_COUNTER = frozenset(
    {_P.EVENTS_READ, _P.BOOKINGS_READ, _P.BOOKINGS_WRITE, _P.PLACES_WRITE, _P.CHECK_IN}
)
_EVERYTHING = frozenset(Permission)

# What a member of an organization may do in it.
OF_MEMBER: Mapping[str, frozenset[Permission]] = {
    "owner": _EVERYTHING,
    "manager": _EVERYTHING - {_P.KEYS_WRITE, _P.ORGANIZATION_WRITE},
    "editor": _CONTENT,
    "box_office": _COUNTER,
    "scanner": frozenset({_P.EVENTS_READ, _P.CHECK_IN}),
    "viewer": _LOOK,
}

# What a platform role may do in every organization.
OF_PLATFORM_ROLE: Mapping[str, frozenset[Permission]] = {
    ADMIN: _EVERYTHING,
    EDITOR: _CONTENT,
    ORGANIZER: frozenset(),
    USER: frozenset(),
}

# What an API key can be given: a key makes no keys and appoints nobody.
KEY_SCOPES = _EVERYTHING - {_P.KEYS_WRITE, _P.MEMBERS_WRITE, _P.ORGANIZATION_WRITE}


class Who(Enum):
    """Which sort of caller a route is for."""

    ANYBODY = "anybody"
    USER = "user"  # a signed-in person, for what is their own
    # A signed-in person, for what is their own; and whoever has the permission in the object's
    # organization, keys too.
    OWNER = "owner"
    MEMBER = "member"  # whoever has the permission in the object's organization; keys too
    ROLE = "role"  # a signed-in person with one of the platform roles


@dataclass(frozen=True, slots=True)
class Access:
    """What a route asks of its caller."""

    who: Who
    permission: Permission | None = None
    roles: frozenset[str] = frozenset()


PUBLIC = Access(Who.ANYBODY)
SIGNED_IN = Access(Who.USER)
ADMIN_ONLY = Access(Who.ROLE, roles=frozenset({ADMIN}))
ORGANIZERS = Access(Who.ROLE, roles=frozenset({ADMIN, ORGANIZER}))


def member(permission: Permission) -> Access:
    """For whoever has the permission in the organization that the object belongs to."""
    return Access(Who.MEMBER, permission)


def own_or(permission: Permission) -> Access:
    """For people about what is their own, and for whoever has the permission where it is sold."""
    return Access(Who.OWNER, permission)


# The key under which a route's declaration is found among its options.
OPTION = "access"
