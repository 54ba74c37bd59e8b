"""What a list of venues is asked for: plain values, read from a request's parameters."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from fullhouse.api.lists import refusal
from fullhouse.api.permissions import Permission
from fullhouse.api.principal import Principal

DEFAULT_RADIUS_KM = 25.0

SORT_KEYS = ("name", "city", "createdAt", "distance")

# Whoever keeps venues sees them, and so does everybody else who sees drafts.
READING = (Permission.EVENTS_READ, Permission.VENUES_WRITE)


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads: the organizations of which they see every venue; None for all of them.

    Of other organizations they see what everybody sees.
    """

    organizations: frozenset[UUID] | None = frozenset()

    @classmethod
    def of(cls, visitor: Principal | None) -> "Reader":
        """What a caller, or somebody unknown, may see."""
        if visitor is None:
            return cls()
        seen: set[UUID] = set()
        for permission in READING:
            organizations = visitor.organizations_with(permission)
            if organizations is None:
                return KEEPER
            seen |= organizations
        return cls(frozenset(seen))

    def sees(self, organization_id: UUID | None, *, shown: bool) -> bool:
        """Whether they see a venue of this owner; ``shown``: everybody may."""
        public = shown or organization_id is None or self.organizations is None
        return public or organization_id in (self.organizations or ())


STRANGER = Reader()
# Whoever may change something is shown what came of it.
KEEPER = Reader(None)


@dataclass(frozen=True, slots=True)
class Near:
    """Around a point on earth, in degrees of WGS 84."""

    latitude: float
    longitude: float
    radius_km: float = DEFAULT_RADIUS_KM


@dataclass(frozen=True, slots=True)
class VenueFilters:
    """Which venues; ``None`` leaves a question open.

    ``own_only`` is for organizers' own lists: nothing of others, shown or not.
    """

    reader: Reader = Reader()
    own_only: bool = False
    q: str | None = None
    # Where no venue has all the words: those whose words are almost the same.
    almost: bool = False
    city: str | None = None
    country: str | None = None
    near: Near | None = None

    @property
    def sort_keys(self) -> Sequence[str]:
        """By what the list may be ordered: by distance only where there is a point."""
        return SORT_KEYS if self.near is not None else SORT_KEYS[:-1]

    @property
    def usual_sort(self) -> str:
        """How the list is ordered unless told otherwise."""
        return "name" if self.near is None else "distance"


def near_of(near: str | None, radius_km: float | None) -> Near | None:
    """The point and radius that ``near=47.37,8.54&radiusKm=10`` name; refused if not on earth."""
    if near is None:
        if radius_km is not None:
            raise refusal("radiusKm", "needs a point: send near too")
        return None
    try:
        latitude, longitude = map(float, near.split(","))
    except ValueError:
        raise refusal("near", "is not a latitude and a longitude with a comma between") from None
    # Written so that what is no number at all is refused too.
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise refusal("near", "is no point on earth")
    return Near(latitude, longitude, DEFAULT_RADIUS_KM if radius_km is None else radius_km)
