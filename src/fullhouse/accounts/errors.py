"""What the accounts refuse."""

from fullhouse.accounts.oidc import CODES as OIDC_CODES
from fullhouse.kit.errors import Code, Kind

EMAIL_TAKEN = Code(
    "email_taken",
    Kind.CONFLICT,
    "There is an account with this e-mail address already.",
    "Log in with it, or use another address.",
)
INVALID_CREDENTIALS = Code(
    "invalid_credentials",
    Kind.UNAUTHENTICATED,
    "The e-mail address or the password is wrong or missing.",
    "Correct it, or reset a forgotten password (POST /api/v1/auth/password/forgot); where detail "
    "says so, sign in again. An address without an account is answered the same.",
)
ORGANIZER_REGISTRATION_CLOSED = Code(
    "organizer_registration_closed",
    Kind.FORBIDDEN,
    "Organizers cannot register themselves on this server.",
    "Ask the administrator for an organizer account, or register as USER.",
)
TOO_MANY_ATTEMPTS = Code(
    "too_many_attempts",
    Kind.TOO_MANY,
    "There were too many failed attempts, or too many codes or mails were asked for; each further "
    "one makes the wait longer.",
    "Wait the seconds in Retry-After. Then use the newest code or link that came, or reset a "
    "forgotten password.",
)
ACCOUNT_DISABLED = Code(
    "account_disabled",
    Kind.FORBIDDEN,
    "An administrator has disabled this account.",
    "Write to whoever runs this server.",
)
SECOND_FACTOR_REQUIRED = Code(
    "second_factor_required",
    Kind.UNAUTHENTICATED,
    "The first step is done; this account also asks for a code.",
    "Send the challenge of this answer with a code of the authenticator, or a recovery code, to "
    "POST /api/v1/auth/second-factor/verify.",
)
CODE_WRONG = Code(
    "code_wrong",
    Kind.UNAUTHENTICATED,
    "The code is wrong, has been used, or is no longer good.",
    "By authenticator: send the next code that it shows. By SMS: send the newest code with its "
    "requestId, or ask for another. A recovery code works once.",
)
LINK_INVALID = Code(
    "link_invalid",
    Kind.INVALID,
    "The link has been used, has been replaced by a newer one, or is too old.",
    "Ask for a new message and use its link.",
)
SESSION_OVER = Code(
    "session_over",
    Kind.UNAUTHENTICATED,
    "There is no session to go on with: the refresh cookie is missing, or its session has ended.",
    "Log in again.",
)
CSRF_HEADER_MISSING = Code(
    "csrf_header_missing",
    Kind.FORBIDDEN,
    "A request that is authenticated by a cookie must show that it comes from a page of ours.",
    "Send the header X-Requested-With with any value, or Content-Type: application/json, from "
    "a page of this server or of an origin in FULLHOUSE_CORS_ORIGINS.",
)
PHONE_TAKEN = Code(
    "phone_taken",
    Kind.CONFLICT,
    "The number belongs to another account.",
    "Log in with it, or remove it there first.",
)
SECOND_FACTOR_EXISTS = Code(
    "second_factor_exists",
    Kind.CONFLICT,
    "The account has a second factor already.",
    "Remove it first with DELETE /api/v1/auth/second-factor.",
)
SECOND_FACTOR_ABSENT = Code(
    "second_factor_absent",
    Kind.CONFLICT,
    "The account has no second factor that could be confirmed or changed.",
    "Begin with POST /api/v1/auth/second-factor.",
)
LAST_OWNER = Code(
    "last_owner",
    Kind.CONFLICT,
    "An organization always has an owner, and this is its last one.",
    "Make another member owner first, or close the organization: DELETE /organizations/{id}.",
)
LAST_ADMIN = Code(
    "last_admin",
    Kind.CONFLICT,
    "A platform always has an administrator, and this is its last one.",
    "Make another user ADMIN first.",
)
ALREADY_MEMBER = Code(
    "already_member",
    Kind.CONFLICT,
    "This person is a member of the organization already.",
    "Change their role instead of inviting them.",
)
INVITATION_FOR_ANOTHER = Code(
    "invitation_for_another",
    Kind.FORBIDDEN,
    "The invitation was sent to another e-mail address.",
    "Sign in with the address that it was sent to, or ask for one to yours.",
)
ORGANIZATION_FULL = Code(
    "organization_full",
    Kind.CONFLICT,
    "The organization has as many members, invitations or API keys as it can have.",
    "Remove those that are not needed any more.",
)
GOOGLE_NOT_CONFIGURED = Code(
    "google_not_configured",
    Kind.MISSING,
    "This server offers no sign-in with Google.",
    "Use another way in, or set FULLHOUSE_GOOGLE_CLIENT_ID and FULLHOUSE_GOOGLE_CLIENT_SECRET.",
)
GOOGLE_IN_USE = Code(
    "google_in_use",
    Kind.CONFLICT,
    "This Google account belongs to another account here.",
    "Sign in with Google to get into that one, or remove it there first.",
)
IDENTITY_UNVERIFIED = Code(
    "identity_unverified",
    Kind.FORBIDDEN,
    "Google does not vouch for the e-mail address of this account.",
    "Verify the address at Google, or register with a password.",
)
LAST_WAY_IN = Code(
    "last_way_in",
    Kind.CONFLICT,
    "Without this there would be no way into the account any more.",
    "Set a password first.",
)

CODES = (
    EMAIL_TAKEN,
    INVALID_CREDENTIALS,
    ORGANIZER_REGISTRATION_CLOSED,
    TOO_MANY_ATTEMPTS,
    ACCOUNT_DISABLED,
    SECOND_FACTOR_REQUIRED,
    CODE_WRONG,
    LINK_INVALID,
    SESSION_OVER,
    CSRF_HEADER_MISSING,
    PHONE_TAKEN,
    SECOND_FACTOR_EXISTS,
    SECOND_FACTOR_ABSENT,
    LAST_OWNER,
    LAST_ADMIN,
    ALREADY_MEMBER,
    INVITATION_FOR_ANOTHER,
    ORGANIZATION_FULL,
    GOOGLE_NOT_CONFIGURED,
    GOOGLE_IN_USE,
    IDENTITY_UNVERIFIED,
    LAST_WAY_IN,
    *OIDC_CODES,
)
