"""Proving an address, and getting back in: verification, forgotten and changed passwords."""

from fullhouse.accounts import letters, lockout
from fullhouse.accounts.authenticator import user_tag
from fullhouse.accounts.commands.guarding import begin, guarded
from fullhouse.accounts.errors import (
    EMAIL_TAKEN,
    INVALID_CREDENTIALS,
    LINK_INVALID,
    TOO_MANY_ATTEMPTS,
)
from fullhouse.accounts.one_time import hash_token, new_token
from fullhouse.accounts.parts import Accounts
from fullhouse.accounts.rules import (
    RECENT,
    RESET_PASSWORD_WITHIN,
    VERIFY_EMAIL_WITHIN,
    check_new_password,
    normalize_email,
    normalize_password,
)
from fullhouse.accounts.store import proofs, sessions, users
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
        await begin(accounts, lockout.mail_keys(accounts.secret, address))
    except Refused as refused:
        if refused.code is TOO_MANY_ATTEMPTS:
            return  # a mail is on its way; a flood of them would help nobody
        raise
    token = new_token()
    async with accounts.database.begin() as connection:
        await proofs.add_mail_token(
            connection,
            hash_token(token),
            found.user_id,
            "reset_password",
            found.email,
            RESET_PASSWORD_WITHIN,
        )
    await accounts.post.mailer.send(
        letters.reset_password(
            found.email,
            token=token,
            good_for=RESET_PASSWORD_WITHIN,
            public_url=accounts.post.public_url,
        )
    )


async def reset_password(accounts: Accounts, *, token: str, password: str) -> None:
    """Set a new password with the token of a mail; every session ends.

    Raises Refused: LINK_INVALID, VALIDATION_FAILED, OVERLOADED.
    """
    token_hash = hash_token(token)
    async with accounts.database.read() as connection:
        found = await proofs.find_mail_token(connection, token_hash, "reset_password")
        owner = found and await users.find_credentials(connection, user_id=found[0])
    # Before any hash is computed: a guessed token costs us nothing.
    if not owner:
        raise Refused(LINK_INVALID)
    checked = check_new_password(password, email=owner.email, name=owner.name)
    password_hash = await accounts.hasher.hash(checked)
    async with accounts.database.begin() as connection:
        taken = await proofs.take_mail_token(connection, token_hash, "reset_password")
        if taken is None or await users.lock_user(connection, owner.user_id) is None:
            raise Refused(LINK_INVALID)
        await users.update_user(connection, owner.user_id, password_hash=password_hash)
        # Whoever read the mail has the address.
        await users.verify_email(connection, owner.user_id, taken[1])
        await proofs.drop_mail_tokens(connection, owner.user_id, "reset_password")
        await sessions.end_sessions(connection, owner.user_id, "password_reset")
        await note_by_user(connection, owner.user_id, "user.password_reset", "user", owner.user_id)
        await notify(connection, user_tag(owner.user_id))
    accounts.forget(user_tag(owner.user_id))
    accounts.post.mail(letters.password_changed(owner.email, public_url=accounts.post.public_url))


async def change_password(
    accounts: Accounts, principal: Principal, *, current: str | None, password: str
) -> None:
    """Set another password; every session but the caller's ends.

    Raises Refused: INVALID_CREDENTIALS, TOO_MANY_ATTEMPTS, VALIDATION_FAILED, OVERLOADED.
    """
    await prove(accounts, principal, current, "/currentPassword")
    user_id = principal.user_id
    async with accounts.database.read() as connection:
        found = await users.find_credentials(connection, user_id=user_id)
    if found is None:
        raise Refused(INVALID_CREDENTIALS)
    checked = check_new_password(password, email=found.email, name=found.name)
    password_hash = await accounts.hasher.hash(checked)
    async with accounts.database.begin() as connection:
        await users.update_user(connection, user_id, password_hash=password_hash)
        await proofs.drop_mail_tokens(connection, user_id, "reset_password")
        await sessions.end_sessions(
            connection, user_id, "password_changed", but=principal.session_id
        )
        await note(connection, principal, "user.password_changed", "user", user_id)
        await notify(connection, user_tag(user_id))
    accounts.forget(user_tag(user_id))
    accounts.post.mail(letters.password_changed(found.email, public_url=accounts.post.public_url))


async def prove(
    accounts: Accounts, principal: Principal, password: str | None, pointer: str = "/password"
) -> None:
    """Make sure that it is still the user who sits there, before something grave.

    With the password where there is one; else the session must have begun a moment ago.
    Raises Refused: INVALID_CREDENTIALS, TOO_MANY_ATTEMPTS, OVERLOADED.
    """
    async with accounts.database.read() as connection:
        found = await users.find_credentials(connection, user_id=principal.user_id)
        if found is None or principal.session_id is None:
            raise Refused(INVALID_CREDENTIALS)
        age = await sessions.age_of(connection, principal.session_id)
    if found.password_hash is None:
        if age is None or age > RECENT:
            raise Refused(INVALID_CREDENTIALS, "Sign in again first; then this works for a while.")
        return
    if password is None:
        raise Refused(INVALID_CREDENTIALS, f"The password is needed for this, as {pointer}.")
    keys = lockout.password_keys(accounts.secret, principal.user_id)
    async with guarded(accounts, keys, [INVALID_CREDENTIALS]):
        fits, _ = await accounts.hasher.verify_and_update(
            normalize_password(password), found.password_hash
        )
        if not fits:
            raise Refused(INVALID_CREDENTIALS, "The password is wrong.")


async def send_verification(accounts: Accounts, principal: Principal) -> None:
    """Send the link that proves one's address once more. Raises Refused(TOO_MANY_ATTEMPTS)."""
    async with accounts.database.read() as connection:
        found = await users.find_credentials(connection, user_id=principal.user_id)
    if found is None or found.email_verified:
        return
    await _send_verification(accounts, principal, found.email)


async def change_email(
    accounts: Accounts, principal: Principal, *, email: str, password: str | None
) -> None:
    """Send a link to another address of one's own; it counts once the link was used.

    Raises Refused: VALIDATION_FAILED, INVALID_CREDENTIALS, TOO_MANY_ATTEMPTS, OVERLOADED.
    """
    address = normalize_email(email)
    await prove(accounts, principal, password)
    await _send_verification(accounts, principal, address)


async def _send_verification(accounts: Accounts, principal: Principal, address: str) -> None:
    await begin(accounts, lockout.mail_keys(accounts.secret, address))
    token = new_token()
    async with accounts.database.begin() as connection:
        await proofs.add_mail_token(
            connection,
            hash_token(token),
            principal.user_id,
            "verify_email",
            address,
            VERIFY_EMAIL_WITHIN,
        )
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
    async with accounts.database.begin() as connection:
        taken = await proofs.take_mail_token(connection, hash_token(token), "verify_email")
        if taken is None:
            raise Refused(LINK_INVALID)
        user_id, address = taken
        before = await users.lock_user(connection, user_id)
        if before is None:
            raise Refused(LINK_INVALID)
        if not await users.set_email(connection, user_id, address):
            raise Refused(EMAIL_TAKEN)
        if before.email != address:
            # A link to reset the password went to the old address.
            await proofs.drop_mail_tokens(connection, user_id, "reset_password")
            await note_by_user(connection, user_id, "user.email_changed", "user", user_id)
    if before.email != address:
        accounts.post.mail(
            letters.email_changed(
                before.email, new_address=address, public_url=accounts.post.public_url
            )
        )
