"""Proving an address, and getting back in: verification, forgotten and changed passwords."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.accounts import letters, lockout
from fullhouse.accounts.authenticator import user_tag
from fullhouse.accounts.commands.claiming import lock_account, shut_ways_in
from fullhouse.accounts.commands.guarding import begin, guarded
from fullhouse.accounts.commands.proving import lock_proven
from fullhouse.accounts.errors import (
    EMAIL_TAKEN,
    INVALID_CREDENTIALS,
    LINK_INVALID,
    TOO_MANY_ATTEMPTS,
)
from fullhouse.accounts.lockout import Guard
from fullhouse.accounts.one_time import hash_token, new_token
from fullhouse.accounts.parts import Accounts
from fullhouse.accounts.passwords import Place
from fullhouse.accounts.rules import (
    RECENT,
    RESET_PASSWORD_WITHIN,
    VERIFY_EMAIL_WITHIN,
    check_new_password,
    normalize_email,
    normalize_password,
)
from fullhouse.accounts.store import proofs, sessions, users
from fullhouse.accounts.store.users import Credentials
from fullhouse.api.audit import note, note_by_user
from fullhouse.api.principal import Principal
from fullhouse.kit.errors import Refused
from fullhouse.kit.listener import notify


async def forget_password(accounts: Accounts, email: str) -> None:
    """Send a link to whoever has this address; for the caller nothing tells if anybody has.

    Raises Refused: VALIDATION_FAILED for what is no address, OVERLOADED.
    """
    address = normalize_email(email)
    # Looked up off the request's path: an address that somebody has takes no longer to answer.
    accounts.post.dispatcher.soon(lambda: _send_reset(accounts, address), "password reset")


async def _send_reset(accounts: Accounts, address: str) -> None:
    async with accounts.database.read() as connection:
        found = await users.find_credentials(connection, email=address)
    if found is None or found.disabled:
        return
    try:
        await begin(accounts, lockout.mail_keys(accounts.secret, address, Guard.RESET_MAIL))
    except Refused as refused:
        if refused.code is TOO_MANY_ATTEMPTS:
            # One with a link that is still good is on its way, or was read: the wait is shorter
            # than the life of the link. A flood of them would help nobody.
            return
        raise
    token = new_token()
    async with accounts.database.begin() as connection:
        user = await users.lock_user(connection, found.user_id)
        if user is None or user.email != address:
            return
        await proofs.add_mail_token(
            connection,
            hash_token(token),
            found.user_id,
            "reset_password",
            address,
            RESET_PASSWORD_WITHIN,
        )
    # A job of its own: while the mail server is away it is repeated, and all this is not.
    accounts.post.mail(
        letters.reset_password(
            address,
            token=token,
            good_for=RESET_PASSWORD_WITHIN,
            public_url=accounts.post.public_url,
        )
    )


async def reset_password(accounts: Accounts, *, token: str, password: str) -> None:
    """Set a new password with the token of a mail; every session ends.

    Where the address had not been proved before, so does every other way in: whoever made it may
    never have had the address.
    Raises Refused: LINK_INVALID, VALIDATION_FAILED, OVERLOADED.
    """
    token_hash = hash_token(token)
    # A place for the hash before anything else: what is too much is turned away at no cost.
    async with accounts.hasher.place() as place:
        async with accounts.database.read() as connection:
            found = await proofs.find_mail_token(connection, token_hash, "reset_password")
            owner = found and await users.find_credentials(connection, user_id=found[0])
        # Before any hash is computed: a guessed token costs us no more than this.
        if not owner:
            raise Refused(LINK_INVALID)
        checked = check_new_password(password, email=owner.email, name=owner.name)
        password_hash = await place.hash(checked)
    async with accounts.database.begin() as connection:
        # First, as everywhere, so that no two transactions wait for each other.
        user = await lock_account(connection, owner.user_id)
        taken = await proofs.take_mail_token(connection, token_hash, "reset_password")
        if user is None or taken is None:
            raise Refused(LINK_INVALID)
        await users.update_user(connection, user.id, password_hash=password_hash)
        await _drop_pending(connection, user)
        tags = [user_tag(user.id)]
        if user.email_verified_at is None:
            tags += await shut_ways_in(connection, user.id)
        # Whoever read the mail has the address.
        await users.verify_email(connection, user.id, taken[1])
        # Also the link to another address, which somebody else may have asked for.
        await proofs.drop_mail_tokens(connection, user.id)
        await sessions.end_sessions(connection, user.id, "password_reset")
        await note_by_user(connection, user.id, "user.password_reset", "user", user.id)
        await notify(connection, *tags)
    for tag in tags:
        accounts.forget(tag)
    accounts.post.tell(letters.password_changed(owner.email, public_url=accounts.post.public_url))
    if user.email_verified_at is None:
        accounts.post.tell(
            letters.account_claimed(owner.email, public_url=accounts.post.public_url)
        )


async def change_password(
    accounts: Accounts, principal: Principal, *, current: str | None, password: str
) -> None:
    """Set another password; every session but the caller's ends.

    Raises Refused: INVALID_CREDENTIALS, TOO_MANY_ATTEMPTS, VALIDATION_FAILED, OVERLOADED.
    """
    user_id = principal.user_id
    # One place for both hashes, before anything else.
    async with accounts.hasher.place() as place:
        proven = await _prove(accounts, place, principal, current, "/currentPassword")
        checked = check_new_password(password, email=proven.email, name=proven.name)
        password_hash = await place.hash(checked)
    async with accounts.database.begin() as connection:
        user = await lock_proven(connection, principal, proven)
        await users.update_user(connection, user_id, password_hash=password_hash)
        await _drop_pending(connection, user)
        # Also the link to another address, which somebody else may have asked for.
        await proofs.drop_tokens_but_of(connection, user_id, user.email)
        await sessions.end_sessions(
            connection, user_id, "password_changed", but=principal.session_id
        )
        await note(connection, principal, "user.password_changed", "user", user_id)
        await notify(connection, user_tag(user_id))
    accounts.forget(user_tag(user_id))
    accounts.post.tell(letters.password_changed(user.email, public_url=accounts.post.public_url))


async def _drop_pending(connection: AsyncConnection, user: Any) -> None:
    """Forget ways in that were begun and not shown yet: they were begun with the old password."""
    await proofs.drop_phone_codes_for(connection, user.id)
    if user.totp_confirmed_at is None:
        await users.update_user(connection, user.id, totp_secret=None, totp_last_step=None)


async def prove(accounts: Accounts, principal: Principal, password: str | None) -> Credentials:
    """Make sure that it is still the user who sits there, before something grave.

    With the password where there is one; else the session must have begun a moment ago.
    Answers what was known of the user then.
    Raises Refused: INVALID_CREDENTIALS, TOO_MANY_ATTEMPTS, OVERLOADED.
    """
    if password is None:
        # Nothing to hash, so nobody has to wait for it.
        return await _prove(accounts, None, principal, None, "/password")
    # A place for the hash before anything else: what is too much is turned away at no cost.
    async with accounts.hasher.place() as place:
        return await _prove(accounts, place, principal, password, "/password")


async def _prove(
    accounts: Accounts,
    place: Place | None,
    principal: Principal,
    password: str | None,
    pointer: str,
) -> Credentials:
    async with accounts.database.read() as connection:
        found = await users.find_credentials(connection, user_id=principal.user_id)
        if found is None or principal.session_id is None:
            raise Refused(INVALID_CREDENTIALS)
        age = await sessions.age_of(connection, principal.session_id)
    if found.password_hash is None:
        if age is None or age > RECENT:
            raise Refused(INVALID_CREDENTIALS, "Sign in again first; then this works for a while.")
        return found
    if password is None or place is None:
        raise Refused(INVALID_CREDENTIALS, f"The password is needed for this, as {pointer}.")
    keys = lockout.password_keys(accounts.secret, principal.user_id)
    async with guarded(accounts, keys, [INVALID_CREDENTIALS]):
        fits, _ = await place.verify_and_update(normalize_password(password), found.password_hash)
        if not fits:
            raise Refused(INVALID_CREDENTIALS, "The password is wrong.")
    return found


async def send_verification(accounts: Accounts, principal: Principal) -> None:
    """Send the link that proves one's address once more. Raises Refused(TOO_MANY_ATTEMPTS)."""
    async with accounts.database.read() as connection:
        found = await users.find_credentials(connection, user_id=principal.user_id)
    if found is None or found.email_verified:
        return
    keys = lockout.mail_keys(accounts.secret, found.email, Guard.VERIFICATION_MAIL)
    await begin(accounts, keys)
    async with accounts.database.begin() as connection:
        user = await users.lock_user(connection, found.user_id)
        if user is None or user.email != found.email:
            return
        token = await _add_verification(connection, found.user_id, found.email)
    _send_verification(accounts, found.email, token)


async def change_email(
    accounts: Accounts, principal: Principal, *, email: str, password: str | None
) -> None:
    """Send a link to another address of one's own; it counts once the link was used.

    Raises Refused: VALIDATION_FAILED, INVALID_CREDENTIALS, TOO_MANY_ATTEMPTS, OVERLOADED.
    """
    address = normalize_email(email)
    proven = await prove(accounts, principal, password)
    await begin(accounts, lockout.mail_keys(accounts.secret, address, Guard.NEW_ADDRESS_MAIL))
    async with accounts.database.begin() as connection:
        await lock_proven(connection, principal, proven)
        token = await _add_verification(connection, principal.user_id, address)
    _send_verification(accounts, address, token)


async def _add_verification(connection: AsyncConnection, user_id: UUID, address: str) -> str:
    """The token that proves this address of the user, who is locked."""
    token = new_token()
    await proofs.add_mail_token(
        connection, hash_token(token), user_id, "verify_email", address, VERIFY_EMAIL_WITHIN
    )
    return token


def _send_verification(accounts: Accounts, address: str, token: str) -> None:
    accounts.post.mail(
        letters.verify_email(
            address,
            token=token,
            good_for=VERIFY_EMAIL_WITHIN,
            public_url=accounts.post.public_url,
        )
    )


async def verify_email(accounts: Accounts, *, token: str) -> None:
    """Prove an address with the token of a mail; another one than before takes its place.

    Raises Refused: LINK_INVALID, EMAIL_TAKEN.
    """
    token_hash = hash_token(token)
    async with accounts.database.begin() as connection:
        found = await proofs.find_mail_token(connection, token_hash, "verify_email")
        # The user first, as everywhere, so that no two transactions wait for each other.
        before = found and await users.lock_user(connection, found[0])
        taken = await proofs.take_mail_token(connection, token_hash, "verify_email")
        if taken is None or before is None:
            raise Refused(LINK_INVALID)
        user_id, address = taken
        if not await users.set_email(connection, user_id, address):
            raise Refused(EMAIL_TAKEN)
        if before.email != address:
            # A link to reset the password went to the old address.
            await proofs.drop_mail_tokens(connection, user_id, "reset_password")
            await note_by_user(connection, user_id, "user.email_changed", "user", user_id)
    if before.email != address:
        accounts.post.tell(
            letters.email_changed(
                before.email, new_address=address, public_url=accounts.post.public_url
            )
        )
