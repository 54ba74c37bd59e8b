"""Refusals that several domains share, free of all else, so that what decides may name them."""

from fullhouse.kit.errors import Code, Kind

ORGANIZATION_REQUIRED = Code(
    "organization_required",
    Kind.INVALID,
    "It is not clear for which organization this is done.",
    "Send organizationId, one of the organizations listed by GET /auth/me.",
)
