"""What the accounts refuse."""

from fullhouse.kit.errors import Code, Kind

EMAIL_TAKEN = Code(
    "email_taken",
    Kind.CONFLICT,
    "There is an account with this e-mail address already.",
    "Log in with it, or register another address.",
)
INVALID_CREDENTIALS = Code(
    "invalid_credentials",
    Kind.UNAUTHENTICATED,
    "The e-mail address or the password is wrong.",
    "Check both; the answer is the same for an address without an account.",
)
ORGANIZER_REGISTRATION_CLOSED = Code(
    "organizer_registration_closed",
    Kind.FORBIDDEN,
    "Organizers cannot register themselves on this server.",
    "Ask the administrator for an organizer account, or register as USER.",
)

CODES = (EMAIL_TAKEN, INVALID_CREDENTIALS, ORGANIZER_REGISTRATION_CLOSED)
