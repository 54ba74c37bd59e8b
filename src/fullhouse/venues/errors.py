"""What the venues refuse."""

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
    "The venue already has a hall of this name.",
    "Choose another name, or use the hall that exists.",
)
ORGANIZATION_REQUIRED = Code(
    "organization_required",
    Kind.INVALID,
    "It is not clear for which organization this is done.",
    "Send organizationId, one of the organizations listed by GET /auth/me.",
)

CODES = (UNKNOWN_SEAT, SEAT_AMBIGUOUS, SEAT_MAP_INVALID, HALL_EXISTS, ORGANIZATION_REQUIRED)
