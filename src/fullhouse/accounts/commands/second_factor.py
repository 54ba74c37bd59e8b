"""The second factor: setting it up, proving it, and doing without it again."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.accounts import letters, lockout
from fullhouse.accounts.authenticator import user_tag
from fullhouse.accounts.commands.attempts import told
from fullhouse.accounts.commands.claiming import drop_second_factor
from fullhouse.accounts.commands.entering import begin_session
from fullhouse.accounts.commands.guarding import guarded
from fullhouse.accounts.commands.proving import lock_caller, lock_proven
from fullhouse.accounts.commands.recovering import prove
from fullhouse.accounts.errors import (
    CODE_WRONG,
    SECOND_FACTOR_ABSENT,
    SECOND_FACTOR_EXISTS,
)
from fullhouse.accounts.parts import Accounts
from fullhouse.accounts.rules import SignedIn
from fullhouse.accounts.second_factor import (
    SealBroken,
    SecretSeal,
    hash_recovery_code,
    matched_step,
    new_recovery_codes,
    new_totp_secret,
    otpauth_uri,
)
from fullhouse.accounts.sessions import Device
from fullhouse.accounts.store import proofs, sessions, users
from fullhouse.accounts.store.users import Credentials
from fullhouse.accounts.tokens import CHALLENGE_OVER
from fullhouse.api.audit import note, note_by_user
from fullhouse.api.principal import Principal
from fullhouse.kit.errors import Refused
from fullhouse.kit.listener import notify

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class PendingSecondFactor:
    """What an authenticator app needs; it counts once a code of the app has confirmed it.

    Attributes:
        secret: in base 32, to be typed.
        uri: the same as a QR code says it (otpauth://).
    """

    secret: str
    uri: str


async def begin_second_factor(
    accounts: Accounts, principal: Principal, *, password: str | None
) -> PendingSecondFactor:
    """Make a new secret for an authenticator app; an earlier one that was not confirmed is void.

    Raises Refused: SECOND_FACTOR_EXISTS, INVALID_CREDENTIALS, TOO_MANY_ATTEMPTS, OVERLOADED.
    """
    proven = await prove(accounts, principal, password)
    user_id = principal.user_id
    secret = new_totp_secret()
    sealed = SecretSeal(accounts.secret).seal(user_id, secret)
    async with accounts.database.begin() as connection:
        user = await lock_proven(connection, principal, proven)
        if user.totp_confirmed_at is not None:
            raise Refused(SECOND_FACTOR_EXISTS)
        await users.update_user(connection, user_id, totp_secret=sealed, totp_last_step=None)
    return PendingSecondFactor(secret, otpauth_uri(secret, user.email))


async def confirm_second_factor(
    accounts: Accounts, principal: Principal, *, code: str
) -> tuple[str, ...]:
    """Switch the second factor on with a code of the app; answers the recovery codes, once.

    From here on every sign-in asks for it, so all other sessions, which have not shown it, end.
    Raises Refused: CODE_WRONG, TOO_MANY_ATTEMPTS, SECOND_FACTOR_ABSENT, SECOND_FACTOR_EXISTS,
    UNAUTHENTICATED.
    """
    user_id = principal.user_id
    recovery_codes = new_recovery_codes()
    async with _guarded(accounts, user_id), accounts.database.begin() as connection:
        user = await lock_caller(connection, principal)
        if user.totp_confirmed_at is not None:
            raise Refused(SECOND_FACTOR_EXISTS)
        if user.totp_secret is None:
            raise Refused(SECOND_FACTOR_ABSENT)
        step = await _step_of(accounts, connection, user, code)
        if step is None:
            raise Refused(CODE_WRONG)
        await users.confirm_totp(connection, user_id, step)
        await _put_recovery_codes(connection, user_id, recovery_codes)
        if principal.session_id is not None:
            await sessions.mark_second_factor(connection, principal.session_id)
        await sessions.end_sessions(
            connection, user_id, "second_factor_added", but=principal.session_id
        )
        await note(connection, principal, "user.second_factor_added", "user", user_id)
        await notify(connection, user_tag(user_id))
    accounts.forget(user_tag(user_id))
    _tell(accounts, user.email, enabled=True)
    return recovery_codes


async def renew_recovery_codes(
    accounts: Accounts, principal: Principal, *, password: str | None, code: str
) -> tuple[str, ...]:
    """Put ten new recovery codes in the place of the old ones; answers them, once.

    Raises Refused: CODE_WRONG, INVALID_CREDENTIALS, TOO_MANY_ATTEMPTS, SECOND_FACTOR_ABSENT,
    OVERLOADED.
    """
    proven = await prove(accounts, principal, password)
    user_id = principal.user_id
    recovery_codes = new_recovery_codes()
    async with _guarded(accounts, user_id), accounts.database.begin() as connection:
        user = await _lock_confirmed(connection, principal, proven)
        await _use_code(accounts, connection, user, code)
        await _put_recovery_codes(connection, user_id, recovery_codes)
        await note(connection, principal, "user.recovery_codes_renewed", "user", user_id)
    accounts.post.tell(
        letters.recovery_codes_renewed(user.email, public_url=accounts.post.public_url)
    )
    return recovery_codes


async def remove_second_factor(
    accounts: Accounts, principal: Principal, *, password: str | None, code: str
) -> None:
    """Switch the second factor off, with a code of the app or a recovery code.

    No session counts as one with a second factor after that.
    Raises Refused: CODE_WRONG, INVALID_CREDENTIALS, TOO_MANY_ATTEMPTS, SECOND_FACTOR_ABSENT,
    OVERLOADED.
    """
    proven = await prove(accounts, principal, password)
    user_id = principal.user_id
    async with _guarded(accounts, user_id), accounts.database.begin() as connection:
        user = await _lock_confirmed(connection, principal, proven)
        await _use_code(accounts, connection, user, code)
        await drop_second_factor(connection, user_id)
        await note(connection, principal, "user.second_factor_removed", "user", user_id)
        await notify(connection, user_tag(user_id))
    accounts.forget(user_tag(user_id))
    _tell(accounts, user.email, enabled=False)


async def verify_second_factor(
    accounts: Accounts, device: Device, *, challenge: str, code: str
) -> SignedIn:
    """Do the second step of signing in: the challenge of the first, and a code.

    The code is one of the app, each good once (RFC 6238 §5.2), or a recovery code, which is used
    up. The challenge is good as long as what the first step was proved with is the user's.
    Raises Refused: CODE_WRONG, TOO_MANY_ATTEMPTS, ACCOUNT_DISABLED.
    """
    begun = accounts.challenges.read(challenge)
    with told(device, "second_factor") as attempt:
        attempt.user_id = begun.user_id
        async with _guarded(accounts, begun.user_id), accounts.database.begin() as connection:
            user = await users.lock_user(connection, begun.user_id)
            if user is None or user.totp_confirmed_at is None:
                raise Refused(CODE_WRONG)
            if accounts.challenges.mark(user) != begun.mark:
                raise Refused(CODE_WRONG, CHALLENGE_OVER)
            await _use_code(accounts, connection, user, code)
            return await begin_session(
                accounts, connection, device, user.id, begun.method, second_factor=True
            )


def _guarded(accounts: Accounts, user_id: UUID) -> AbstractAsyncContextManager[None]:
    keys = lockout.second_factor_keys(accounts.secret, user_id)
    return guarded(accounts, keys, [CODE_WRONG])


async def _lock_confirmed(
    connection: AsyncConnection, principal: Principal, proven: Credentials
) -> Any:
    user = await lock_proven(connection, principal, proven)
    if user.totp_confirmed_at is None:
        raise Refused(SECOND_FACTOR_ABSENT)
    return user


async def _use_code(accounts: Accounts, connection: AsyncConnection, user: Any, code: str) -> None:
    """Use a code of the app, or a recovery code, up. Raises Refused(CODE_WRONG)."""
    step = await _step_of(accounts, connection, user, code)
    if step is not None:
        if not await users.take_totp_step(connection, user.id, step):
            raise Refused(CODE_WRONG)
        return
    if not await proofs.take_recovery_code(connection, user.id, hash_recovery_code(code)):
        raise Refused(CODE_WRONG)
    await note_by_user(connection, user.id, "user.recovery_code_used", "user", user.id)


async def _step_of(
    accounts: Accounts, connection: AsyncConnection, user: Any, code: str
) -> int | None:
    """The time step to which the code belongs; None for no code of the user's app."""
    try:
        secret = SecretSeal(accounts.secret).open(user.id, user.totp_secret)
    except SealBroken:
        # The server's secret was replaced. A recovery code still lets the person in.
        log.error("second_factor_unreadable", user_id=str(user.id))
        return None
    return matched_step(secret, code, await proofs.current_time(connection))


async def _put_recovery_codes(
    connection: AsyncConnection, user_id: UUID, codes: tuple[str, ...]
) -> None:
    hashes = [hash_recovery_code(code) for code in codes]
    await proofs.put_recovery_codes(connection, user_id, hashes)


def _tell(accounts: Accounts, email: str, *, enabled: bool) -> None:
    accounts.post.tell(
        letters.second_factor_changed(email, enabled=enabled, public_url=accounts.post.public_url)
    )
