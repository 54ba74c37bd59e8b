"""Signing in with Google, and linking an account there to one here."""

import re
import unicodedata
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.accounts import letters, oidc
from fullhouse.accounts.commands.attempts import told
from fullhouse.accounts.commands.claiming import claim
from fullhouse.accounts.commands.entering import enter
from fullhouse.accounts.commands.proving import lock_proven
from fullhouse.accounts.commands.recovering import prove
from fullhouse.accounts.errors import (
    ACCOUNT_DISABLED,
    GOOGLE_IN_USE,
    GOOGLE_NOT_CONFIGURED,
    IDENTITY_UNVERIFIED,
    LAST_WAY_IN,
    SECOND_FACTOR_REQUIRED,
    SESSION_OVER,
)
from fullhouse.accounts.oidc import OIDC_REFUSED, Errand, Identity, Provider
from fullhouse.accounts.parts import Accounts
from fullhouse.accounts.rules import NAME_LONGEST, Profile, SignedIn, normalize_email
from fullhouse.accounts.sessions import Device
from fullhouse.accounts.store import proofs, sessions, users
from fullhouse.accounts.store.users import Credentials
from fullhouse.api.audit import note, note_by_user
from fullhouse.api.principal import Principal
from fullhouse.api.schemas import UNSEEN
from fullhouse.kit.errors import Refused
from fullhouse.kit.ids import new_id

_UNSEEN = re.compile(f"[{UNSEEN}]")


@dataclass(frozen=True, slots=True)
class Departure:
    """A browser on its way to Google.

    Attributes:
        url: where it is sent to.
        errand: sealed; it goes with the browser as a cookie and must come back with it.
    """

    url: str
    errand: str


@dataclass(frozen=True, slots=True)
class Arrival:
    """A browser that came back from Google.

    Attributes:
        return_to: the path on this site where the person wanted to go.
        signed_in: their new session; None when they were signed in before and have linked, or
            when the second factor is still missing.
        challenge: what the second step of signing in has to show, if there is one.
    """

    return_to: str
    signed_in: SignedIn | None = None
    challenge: str | None = None


async def begin_google(accounts: Accounts, return_to: str | None) -> Departure:
    """Send a browser to Google to sign in.

    Raises Refused: GOOGLE_NOT_CONFIGURED, OIDC_UNAVAILABLE.
    """
    return await _depart(accounts, oidc.begin(return_to))


async def begin_google_link(
    accounts: Accounts, principal: Principal, *, password: str | None, return_to: str | None
) -> Departure:
    """Send a browser to Google to link the account there to one's own here.

    Raises Refused: GOOGLE_NOT_CONFIGURED, OIDC_UNAVAILABLE, INVALID_CREDENTIALS,
    TOO_MANY_ATTEMPTS, OVERLOADED.
    """
    _provider(accounts)
    await prove(accounts, principal, password)
    errand = oidc.begin(return_to, user_id=principal.user_id, session_id=principal.session_id)
    return await _depart(accounts, errand)


async def finish_google(
    accounts: Accounts,
    device: Device,
    *,
    errand: str | None,
    state: str | None,
    code: str | None,
    error: str | None,
) -> Arrival:
    """Receive a browser that comes back from Google.

    Args:
        accounts: the parts.
        device: whose session it becomes.
        errand: the cookie with which the browser was sent away.
        state: the query's; with ``code`` or ``error`` it is what Google sends (RFC 6749 §4.1.2).
        code: the query's.
        error: the query's; the person said no, or Google did.

    Raises Refused: GOOGLE_NOT_CONFIGURED, OIDC_LOST, OIDC_REFUSED, OIDC_UNAVAILABLE,
    IDENTITY_UNVERIFIED, GOOGLE_IN_USE, SESSION_OVER, ACCOUNT_DISABLED.
    """
    provider = _provider(accounts)
    begun = oidc.resume(errand, state, accounts.secret)
    if error is not None or not code:
        raise Refused(OIDC_REFUSED)
    identity = await provider.identify(code, begun.code_verifier, begun.nonce)
    if begun.user_id is not None:
        await _link_to_caller(accounts, identity, begun.user_id, begun.session_id)
        return Arrival(begun.return_to)
    try:
        with told(device, "google") as attempt:
            found = await _find_or_make(accounts, identity)
            attempt.user_id = found.user_id
            return Arrival(begun.return_to, await enter(accounts, device, found, "google"))
    except Refused as refused:
        if refused.code is not SECOND_FACTOR_REQUIRED:
            raise
        return Arrival(begun.return_to, challenge=refused.members["challenge"])


async def unlink_google(accounts: Accounts, principal: Principal, *, password: str | None) -> None:
    """Make Google no way into one's account any more; without a link nothing happens.

    Raises Refused: GOOGLE_NOT_CONFIGURED, LAST_WAY_IN, INVALID_CREDENTIALS, TOO_MANY_ATTEMPTS,
    OVERLOADED.
    """
    _provider(accounts)
    user_id = principal.user_id
    async with accounts.database.read() as connection:
        found = await users.find_credentials(connection, user_id=user_id)
    # Said first: to prove oneself again would not help.
    if found is not None and found.password_hash is None:
        raise Refused(LAST_WAY_IN)
    proven = await prove(accounts, principal, password)
    async with accounts.database.begin() as connection:
        user = await lock_proven(connection, principal, proven)
        if user.password_hash is None:
            raise Refused(LAST_WAY_IN)
        gone = await proofs.drop_identities(connection, user_id)
        if gone:
            await note(connection, principal, "user.google_unlinked", "user", user_id)
    if gone:
        _tell(accounts, user.email, linked=False)


def _provider(accounts: Accounts) -> Provider:
    if accounts.google is None:
        raise Refused(GOOGLE_NOT_CONFIGURED)
    return accounts.google


async def _depart(accounts: Accounts, errand: Errand) -> Departure:
    url = await _provider(accounts).authorization_url(
        errand.state, errand.nonce, errand.code_verifier
    )
    return Departure(url, oidc.seal(errand, accounts.secret))


async def _link_to_caller(
    accounts: Accounts, identity: Identity, user_id: UUID, session_id: UUID | None
) -> None:
    """Link an identity to the user who has asked for it, in a session that still lives."""
    async with accounts.database.begin() as connection:
        user = await users.lock_user(connection, user_id)
        if user is None:
            raise Refused(SESSION_OVER)
        if user.disabled_at is not None:
            raise Refused(ACCOUNT_DISABLED)
        # After the user, as everywhere, so that no two transactions wait for each other.
        found = session_id and await sessions.lock_session(connection, session_id)
        if not found:
            raise Refused(SESSION_OVER)
        session, now = found
        if session.is_over(now) or session.user_id != user_id:
            raise Refused(SESSION_OVER)
        is_new = await _link(connection, identity, user_id)
    if is_new:
        _tell(accounts, user.email, linked=True)


async def _link(connection: AsyncConnection, identity: Identity, user_id: UUID) -> bool:
    """Make the identity the user's; False if it is already. Raises Refused(GOOGLE_IN_USE)."""
    if await proofs.add_identity(connection, identity.issuer, identity.subject, user_id):
        await note_by_user(connection, user_id, "user.google_linked", "user", user_id)
        return True
    if await proofs.find_identity(connection, identity.issuer, identity.subject) != user_id:
        raise Refused(GOOGLE_IN_USE)
    return False


def _tell(accounts: Accounts, email: str, *, linked: bool) -> None:
    accounts.post.tell(
        letters.google_changed(email, linked=linked, public_url=accounts.post.public_url)
    )


async def _find_or_make(accounts: Accounts, identity: Identity) -> Credentials:
    """Whose identity this is; who is seen for the first time is found by address, or made.

    Raises Refused: IDENTITY_UNVERIFIED, ACCOUNT_DISABLED, GOOGLE_IN_USE.
    """
    claimed: list[str] | None = None
    linked = False
    async with accounts.database.begin() as connection:
        owner = await proofs.find_identity(connection, identity.issuer, identity.subject)
        if owner is None:
            address = _vouched_address(identity)
            found = await users.find_credentials(connection, email=address)
            is_new = found is None
            if is_new:
                # Somebody may do the same at this moment; then theirs is found below.
                await users.add_user(connection, _new_profile(identity, address), None)
                found = await users.find_credentials(connection, email=address)
            if found is None or found.disabled:
                raise Refused(ACCOUNT_DISABLED)
            owner = found.user_id
            if not found.email_verified:
                claimed = await claim(connection, owner, address)
            # An account with a second factor is not linked before that was shown: whoever gets
            # hold of the address alone must leave no way in behind. It is found by the address
            # again, and can be linked from within.
            if not found.second_factor or claimed is not None:
                linked = await _link(connection, identity, owner) and not is_new
        credentials = await users.find_credentials(connection, user_id=owner)
    for tag in claimed or ():
        accounts.forget(tag)
    if credentials is None:
        raise Refused(ACCOUNT_DISABLED)
    if claimed is not None:
        accounts.post.tell(
            letters.account_claimed(credentials.email, public_url=accounts.post.public_url)
        )
    elif linked:
        _tell(accounts, credentials.email, linked=True)
    return credentials


def _vouched_address(identity: Identity) -> str:
    """The address that the provider vouches for. Raises Refused(IDENTITY_UNVERIFIED)."""
    if identity.email is None or not identity.email_verified:
        raise Refused(IDENTITY_UNVERIFIED)
    try:
        return normalize_email(identity.email)
    except Refused:
        raise Refused(IDENTITY_UNVERIFIED) from None


def _new_profile(identity: Identity, address: str) -> Profile:
    visible = unicodedata.normalize("NFC", _UNSEEN.sub("", identity.name or ""))
    name = " ".join(visible.split())[:NAME_LONGEST].strip()
    return Profile(
        new_id(), name or address.partition("@")[0], address, None, "USER", email_verified=True
    )
