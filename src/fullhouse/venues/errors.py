"""What the venues refuse."""

from fullhouse.api.refusals import ORGANIZATION_REQUIRED as ORGANIZATION_REQUIRED
from fullhouse.kit.errors import Code, Kind

UNKNOWN_SEAT = Code(
    "unknown_seat",
    Kind.INVALID,
    "The seat map of this showtime has no such seat.",
    "Name seats by id, by label (A-12) or by path (Stalls/A-12) as the seat map gives them.",
)
SEAT_AMBIGUOUS = Code(
    "seat_ambiguous",
    Kind.INVALID,
    "More than one seat can be meant by this name.",
    "Use one of the names listed in candidates, or the seat's id.",
)
SEAT_MAP_INVALID = Code(
    "seat_map_invalid",
    Kind.INVALID,
    "The seat map contradicts itself or is beyond the limits.",
    "Correct the places named in errors; labels must differ by more than case, blanks and zeros.",
)
HALL_EXISTS = Code(
    "hall_exists",
    Kind.CONFLICT,
    "The venue already has a hall of this name; case and blanks do not tell names apart.",
    "Choose another name, or use the hall that exists.",
)
VENUE_IN_USE = Code(
    "venue_in_use",
    Kind.CONFLICT,
    "Something is still to take place at the venue.",
    "Cancel or delete what the member events names, move it elsewhere, or wait until it is over.",
)
HALL_IN_USE = Code(
    "hall_in_use",
    Kind.CONFLICT,
    "Something is still to take place in the hall.",
    "Cancel or delete what the member events names, move it to another hall, or wait until it is "
    "over.",
)

CODES = (
    UNKNOWN_SEAT,
    SEAT_AMBIGUOUS,
    SEAT_MAP_INVALID,
    HALL_EXISTS,
    VENUE_IN_USE,
    HALL_IN_USE,
    ORGANIZATION_REQUIRED,
)
