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

    EVENTS_READ = "events:read"  # drafts, and the list of own events
    EVENTS_WRITE = "events:write"  # events, categories, showtimes, publishing
    VENUES_WRITE = "venues:write"  # venues, halls, seat maps
    BOOKINGS_READ = "bookings:read"  # other people's bookings
    BOOKINGS_WRITE = "bookings:write"  # confirm at the counter, cancel for a buyer
    PLACES_WRITE = "places:write"  # block seats, resize allotments
    CHECK_IN = "check-in"
    MEMBERS_READ = "members:read"
    MEMBERS_WRITE = "members:write"  # invite, change roles, remove
    KEYS_WRITE = "api-keys:write"
    ORGANIZATION_WRITE = "organization:write"
    AUDIT_READ = "audit-log:read"


_P = Permission
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

# What a platform role may do in every organization. EDITOR edits content and sells nothing.
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
