"""Signing in: with a password, and with what else asks for a session in the end."""

from dataclasses import replace
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.accounts import lockout
from fullhouse.accounts.commands.attempts import Attempt, told
from fullhouse.accounts.commands.guarding import guarded
from fullhouse.accounts.errors import (
    ACCOUNT_DISABLED,
    INVALID_CREDENTIALS,
    SECOND_FACTOR_REQUIRED,
)
from fullhouse.accounts.parts import Accounts
from fullhouse.accounts.rules import SignedIn, normalize_email, normalize_password
from fullhouse.accounts.sessions import Device, Method
from fullhouse.accounts.store import sessions, users
from fullhouse.accounts.store.users import Credentials
from fullhouse.accounts.tokens import Challenge
from fullhouse.kit.errors import Refused
from fullhouse.kit.ids import new_id


async def log_in(accounts: Accounts, device: Device, *, email: str, password: str) -> SignedIn:
    """Prove with a password who one is.

    An unknown address takes as long and is answered the same as a wrong password (ASVS 6.3.8).
    Raises Refused: INVALID_CREDENTIALS, TOO_MANY_ATTEMPTS, ACCOUNT_DISABLED,
    SECOND_FACTOR_REQUIRED with a challenge, OVERLOADED.
    """
    address = _address_or_nobody(email)
    with told(device, "password") as attempt:
        try:
            found = await _check_password(accounts, device, attempt, address, password)
            return await enter(accounts, device, found, "password")
        except _HashReplaced:
            # By a sign-in at the same moment that made it stronger, or with another password:
            # then this one was right a moment ago and is wrong now.
            found = await _check_password(accounts, device, attempt, address, password)
        try:
            return await enter(accounts, device, found, "password")
        except _HashReplaced:
            raise Refused(INVALID_CREDENTIALS) from None


class _HashReplaced(Exception):
    """The password that was checked is not known to be the user's any more."""


async def _check_password(
    accounts: Accounts, device: Device, attempt: Attempt, address: str, password: str
) -> Credentials:
    """Whose address and password these are, with the hash that is kept from now on.

    Raises Refused: INVALID_CREDENTIALS, TOO_MANY_ATTEMPTS, OVERLOADED.
    """
    keys = lockout.login_keys(accounts.secret, address, device.address)
    # A place for the hash before anything else: what is too much is turned away at no cost.
    async with (
        accounts.hasher.place() as place,
        guarded(accounts, keys.policies, [INVALID_CREDENTIALS], shared=[keys.address]),
    ):
        async with accounts.database.read() as connection:
            found = await users.find_credentials(connection, email=address)
        attempt.user_id = None if found is None else found.user_id
        known_hash = None if found is None else found.password_hash
        # No connection is held while the hash is computed.
        fits, newer_hash = await place.verify_and_update(normalize_password(password), known_hash)
        if not fits or found is None or known_hash is None:
            raise Refused(INVALID_CREDENTIALS)
    if newer_hash is None:
        return found
    async with accounts.database.begin() as connection:
        await users.replace_password_hash(connection, found.user_id, known_hash, newer_hash)
    return replace(found, password_hash=newer_hash)


async def enter(accounts: Accounts, device: Device, found: Credentials, method: Method) -> SignedIn:
    """Begin a session of somebody whose first step is done.

    Raises Refused: ACCOUNT_DISABLED, SECOND_FACTOR_REQUIRED with a challenge.
    """
    if found.disabled:
        raise Refused(ACCOUNT_DISABLED)
    if found.second_factor:
        mark = accounts.challenges.mark(found)
        challenge = accounts.challenges.issue(Challenge(found.user_id, method, mark))
        raise Refused(SECOND_FACTOR_REQUIRED, challenge=challenge)
    known_hash = found.password_hash if method == "password" else None
    async with accounts.database.begin() as connection:
        return await begin_session(
            accounts, connection, device, found.user_id, method, known_hash=known_hash
        )


async def begin_session(
    accounts: Accounts,
    connection: AsyncConnection,
    device: Device,
    user_id: UUID,
    method: Method,
    *,
    second_factor: bool = False,
    known_hash: str | None = None,
) -> SignedIn:
    """Write a new session in the caller's transaction. The user has proved who they are.

    ``known_hash`` is that of the password, if this was the proof.
    """
    # Whoever disables the user or ends all sessions comes before this one or after it.
    held = await users.hold_user(connection, user_id)
    profile = None if held is None else await users.find_profile(connection, user_id)
    if held is None or profile is None:
        raise Refused(INVALID_CREDENTIALS)
    if profile.disabled:
        raise Refused(ACCOUNT_DISABLED)
    if known_hash is not None and held.password_hash != known_hash:
        # A session that began now would outlive the change of password that ended all.
        raise _HashReplaced
    token = accounts.refresh.first(new_id())
    await sessions.add_session(
        connection,
        token,
        user_id,
        device,
        accounts.lifetimes,
        method=method,
        second_factor=second_factor,
    )
    return SignedIn(
        profile,
        token.session_id,
        accounts.tokens.issue(user_id, token.session_id),
        accounts.tokens.lifetime_seconds,
        accounts.refresh.write(token),
        int(accounts.lifetimes.idle.total_seconds()),
    )


def _address_or_nobody(email: str) -> str:
    """The address as it would be kept; what cannot be one is nobody's, and that costs the same."""
    try:
        return normalize_email(email)
    except Refused:
        return ""
