"""Who asks the account routes: somebody new for each request, with all that an account can have.

Such requests end sessions, change passwords and delete accounts. A caller whom all requests share
could soon ask nothing more, and what one request uses up another would look for in vain. So the
document proposes placeholders only; when a request is sent, what the stand-in at hand has takes
their place. Nothing that a stand-in has belongs to anybody else.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import asyncpg
import pyotp

from fullhouse.accounts.one_time import hash_code, hash_token, new_api_key, new_token
from fullhouse.accounts.passwords import PasswordHasher
from fullhouse.accounts.second_factor import SecretSeal, hash_recovery_code, new_totp_secret
from fullhouse.accounts.sessions import RefreshTokens
from fullhouse.accounts.store.users import Credentials
from fullhouse.accounts.tokens import AccessTokens, Challenge, Challenges
from fullhouse.api.permissions import ADMIN, KEY_SCOPES, ORGANIZER, USER
from fullhouse.kit.ids import new_id
from tests.support.asgi import bearer
from tests.support.people import PASSWORD
from tests.support.settings import SECRET

# The platform role of each caller, and the role in the organization that they are in. A scanner
# may do nothing with the account of an organization, but can leave it.
ROLES = {
    "organizer": (ORGANIZER, "owner"),
    "admin": (ADMIN, "scanner"),
    "buyer": (USER, "scanner"),
    "key": (USER, "scanner"),
    "nobody": (USER, "scanner"),
}
ACCOUNT_PATHS = tuple(
    f"/api/v1/{part}" for part in ("auth", "users/me", "organizations", "invitations", "admin")
)

_BATCH = 100
_CODE = "123456"
_TOTP_SECRET = new_totp_secret()
_RECOVERY_CODE = "0000-1111-2222-3333-4444-5555"

# The placeholders. Each is acceptable where it stands, so that the description keeps its meaning.
ME, MY_SESSION, COMPANION, THEIR_SESSION, ORGANIZATION, INVITATION, KEY, SMS_REQUEST = (
    str(UUID(int=number)) for number in range(1, 9)
)
MY_EMAIL, NEW_EMAIL, THEIR_EMAIL = (f"{who}@placeholder.example" for who in ("me", "new", "they"))
PHONE = "+41 79 000 00 00"
RESET, VERIFY, INVITED, CHALLENGE, TOTP = (
    f"placeholder of {what}" for what in ("resetting", "verifying", "joining", "step two", "TOTP")
)

_VALUES: dict[str, list[Any]] = {
    "challenge": [CHALLENGE],
    "code": [TOTP, _RECOVERY_CODE, _CODE],
    "currentPassword": [PASSWORD],
    "email": [MY_EMAIL, NEW_EMAIL, THEIR_EMAIL],
    "invitationId": [INVITATION],
    "keyId": [KEY],
    "organizationId": [ORGANIZATION],
    "password": [PASSWORD],
    "phone": [PHONE],
    "requestId": [SMS_REQUEST],
    "sessionId": [MY_SESSION],
    "token": [RESET, VERIFY, INVITED],
    "userId": [COMPANION, ME],
    "actorId": [ME],
    "language": ["de-CH"],
    "timezone": ["Asia/Kathmandu"],
}
BODIES: dict[str, dict[str, Any]] = {
    "AcceptInvitationBody": {"token": INVITED},
    "AdminUserBody": {"role": "ORGANIZER", "disabled": True},
    "ChangeEmailBody": {"email": NEW_EMAIL, "password": PASSWORD},
    "ChangePasswordBody": {"password": "battery horse correct", "currentPassword": PASSWORD},
    "ConfirmSecondFactorBody": {"code": TOTP},
    "DeleteAccountBody": {"password": PASSWORD},
    "ForgotPasswordBody": {"email": MY_EMAIL},
    "InvitationBody": {"email": NEW_EMAIL, "role": "box_office"},
    "LoginBody": {"email": MY_EMAIL, "password": PASSWORD},
    "PasswordBody": {"password": PASSWORD},
    "ProvenCodeBody": {"code": _RECOVERY_CODE, "password": PASSWORD},
    "RegisterBody": {"name": "Ada", "email": NEW_EMAIL, "password": PASSWORD},
    "RequestPhoneCodeBody": {"phone": PHONE, "password": PASSWORD},
    "ResetPasswordBody": {"token": RESET, "password": "battery horse correct"},
    "VerifyEmailBody": {"token": VERIFY},
    "VerifyPhoneCodeBody": {"phone": PHONE, "code": _CODE, "requestId": SMS_REQUEST},
    "VerifySecondFactorBody": {"challenge": CHALLENGE, "code": _RECOVERY_CODE},
}

_COLUMNS = {
    "users": "id name email phone password_hash role totp_secret totp_confirmed_at",
    "sessions": "id user_id method second_factor address agent idle_until ends_at generation"
    " token_hash",
    "organizations": "id name",
    "memberships": "organization_id user_id role",
    "invitations": "id organization_id email role token_hash invited_by expires_at",
    "api_keys": "id organization_id name shown secret_hash scopes created_by",
    "mail_tokens": "token_hash user_id purpose email expires_at",
    "phone_codes": "id phone user_id code_hash expires_at",
    "recovery_codes": "user_id code_hash",
}
# Their caller must have a second factor; for all others it is in the way.
_NEEDING_A_FACTOR = {
    "POST /api/v1/auth/second-factor/recovery-codes",
    "DELETE /api/v1/auth/second-factor",
}
_numbers = count()


def is_of_accounts(path: str) -> bool:
    """Whether the route is asked by stand-ins."""
    return path.startswith(ACCOUNT_PATHS)


def values_for(path: str) -> dict[str, list[Any]]:
    """What requests to this route, or with bodies of the accounts, may name."""
    if "/admin/" in path:
        return _VALUES | {"sessionId": [THEIR_SESSION, MY_SESSION]}
    return _VALUES


@dataclass
class StandIn:
    """Somebody who asks once: the headers, and what the placeholders stand for."""

    headers: dict[str, str]
    owned: dict[str, str]
    mark: str  # of the companion, for the second step of signing in

    def with_own(self, sent: Any) -> Any:
        """The same with the stand-in's own things in the places of the placeholders."""
        if isinstance(sent, dict):
            return {name: self.with_own(value) for name, value in sent.items()}
        if isinstance(sent, list):
            return [self.with_own(value) for value in sent]
        # These two are good for a while only, so they are made when they are needed.
        if sent == TOTP:
            return pyotp.TOTP(_TOTP_SECRET).now()
        if sent == CHALLENGE:
            companion = UUID(self.owned[COMPANION])
            return Challenges(SECRET).issue(Challenge(companion, "password", self.mark))
        return self.owned.get(sent, sent) if isinstance(sent, str) else sent


class Crowd:
    """As many stand-ins of one kind as it takes, made by the hundred."""

    def __init__(self, kind: str, database_url: str) -> None:
        self._kind = kind
        self._database_url = database_url
        self._asked: Counter[str] = Counter()
        # By whether they have a confirmed second factor; for the others one is begun.
        self._waiting: dict[bool, Iterator[StandIn]] = {False: iter(()), True: iter(())}
        self._reader: StandIn | None = None

    def stand_in(self, label: str, method: str) -> StandIn:
        """Whoever sends the next request to this operation; somebody new if it changes anything."""
        if method == "GET":
            self._reader = self._reader or self._new(has_factor=False)
            return self._reader
        # Every third one is in the wrong state; which one, no other operation has a say in.
        is_wrong = self._asked[label] % 3 == 2
        self._asked[label] += 1
        return self._new(has_factor=(label in _NEEDING_A_FACTOR) != is_wrong)

    def _new(self, *, has_factor: bool) -> StandIn:
        found = next(self._waiting[has_factor], None)
        if found is not None:
            return found
        # In a thread of its own, because this one may have an event loop already.
        with ThreadPoolExecutor(1) as pool:
            made = pool.submit(lambda: asyncio.run(self._make(has_factor))).result()
        self._waiting[has_factor] = iter(made)
        return next(self._waiting[has_factor])

    async def _make(self, has_factor: bool) -> list[StandIn]:
        hasher = PasswordHasher(19_456, 2, 1, 1)
        password_hash = await hasher.hash(PASSWORD)
        hasher.close()
        rows = _Rows(self._kind, password_hash, has_factor=has_factor)
        made = [rows.add_stand_in() for _ in range(_BATCH)]
        connection = await asyncpg.connect(self._database_url)
        try:
            for table, columns in _COLUMNS.items():
                await connection.copy_records_to_table(
                    table, records=rows.of[table], columns=columns.split()
                )
        finally:
            await connection.close()
        return made


class _Rows:
    """What is to be written for a batch of stand-ins, table by table."""

    def __init__(self, kind: str, password_hash: str, *, has_factor: bool) -> None:
        self.of: dict[str, list[tuple[Any, ...]]] = {table: [] for table in _COLUMNS}
        self._kind = kind
        self._platform_role, self._member_role = ROLES[kind]
        self._password_hash = password_hash
        self._has_factor = has_factor
        self._now = datetime.now(UTC)
        self._later = self._now + timedelta(days=1)
        self._tokens = RefreshTokens(SECRET)
        self._seal = SecretSeal(SECRET)

    def add_stand_in(self) -> StandIn:
        """One more, with a companion who can take over whatever they leave."""
        number = next(_numbers)
        owned: dict[str, str] = {}
        me, their = new_id(), new_id()
        owned[ME], owned[COMPANION] = str(me), str(their)
        owned[MY_EMAIL], owned[THEIR_EMAIL] = f"{me}@example.org", f"{their}@example.org"
        owned[NEW_EMAIL] = f"{new_id()}@example.com"
        phone, new_phone = f"+4179{number:07}", f"+4178{number:07}"
        self._add_user(me, phone, self._platform_role, confirmed=self._has_factor)
        self._add_user(their, None, USER, confirmed=True)
        refresh_token = self._add_session(me, me)
        owned[MY_SESSION], owned[THEIR_SESSION] = str(new_id()), str(their)
        self._add_session(UUID(owned[MY_SESSION]), me)
        self._add_session(their, their)
        key = self._add_organizations(owned, me, their)
        self._add_mails(owned, me)
        is_signed_in = self._kind not in ("key", "nobody")
        owned[PHONE] = new_phone if is_signed_in else phone
        owned[SMS_REQUEST] = str(self._add_phone_code(owned[PHONE], me if is_signed_in else None))
        headers = {"Cookie": f"fullhouse_refresh={refresh_token}"}
        if is_signed_in:
            headers |= bearer(AccessTokens(SECRET, 3_600).issue(me, me))
        elif self._kind == "key":
            headers |= bearer(key)
        companion = Credentials(
            their, self._password_hash, owned[THEIR_EMAIL], "", True, False, True, None
        )
        return StandIn(headers, owned, Challenges(SECRET).mark(companion))

    def _add_user(self, user_id: UUID, phone: str | None, role: str, *, confirmed: bool) -> None:
        sealed = self._seal.seal(user_id, _TOTP_SECRET)
        email = f"{user_id}@example.org"
        confirmed_at = self._now if confirmed else None
        self.of["users"].append(
            (user_id, "Ada", email, phone, self._password_hash, role, sealed, confirmed_at)
        )
        if confirmed:
            self.of["recovery_codes"].append((user_id, hash_recovery_code(_RECOVERY_CODE)))

    def _add_session(self, session_id: UUID, user_id: UUID) -> str:
        token = self._tokens.first(session_id)
        until = (self._later, self._later)
        self.of["sessions"].append(
            (session_id, user_id, "password", False, "", "", *until, token.generation, token.hash)
        )
        return self._tokens.write(token)

    def _add_organizations(self, owned: dict[str, str], me: UUID, their: UUID) -> str:
        """One that both are in, and one of the companion's with an invitation; answers a key."""
        shared, other = new_id(), new_id()
        owned[ORGANIZATION], owned[INVITED] = str(shared), new_token()
        self.of["organizations"] += [(shared, "Odeon"), (other, "Roxy")]
        self.of["memberships"] += [
            (shared, their, "owner"),
            (shared, me, self._member_role),
            (other, their, "owner"),
        ]
        invitation = new_id()
        owned[INVITATION] = str(invitation)
        for invitation_id, organization_id, email, token in (
            (invitation, shared, "somebody@example.org", new_token()),
            (new_id(), other, owned[MY_EMAIL], owned[INVITED]),
        ):
            what = (invitation_id, organization_id, email, "viewer", hash_token(token))
            self.of["invitations"].append((*what, their, self._later))
        key, key_id = new_api_key(), new_id()
        owned[KEY] = str(key_id)
        scopes = sorted(KEY_SCOPES)
        self.of["api_keys"].append((key_id, shared, "Website", key.shown, key.hash, scopes, their))
        return key.text

    def _add_mails(self, owned: dict[str, str], me: UUID) -> None:
        for placeholder, purpose in ((RESET, "reset_password"), (VERIFY, "verify_email")):
            owned[placeholder] = token = new_token()
            self.of["mail_tokens"].append(
                (hash_token(token), me, purpose, owned[MY_EMAIL], self._later)
            )

    def _add_phone_code(self, phone: str, user_id: UUID | None) -> UUID:
        request_id = new_id()
        code_hash = hash_code(SECRET, request_id, _CODE)
        self.of["phone_codes"].append((request_id, phone, user_id, code_hash, self._later))
        return request_id
