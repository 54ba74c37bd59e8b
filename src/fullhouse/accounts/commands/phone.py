"""Phone numbers: signing in with a code sent to one, linking one to an account, unlinking it."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.accounts import letters, lockout, one_time
from fullhouse.accounts.commands.attempts import told
from fullhouse.accounts.commands.entering import enter
from fullhouse.accounts.commands.guarding import begin, guarded
from fullhouse.accounts.commands.proving import lock_caller, lock_proven
from fullhouse.accounts.commands.recovering import prove
from fullhouse.accounts.errors import CODE_WRONG, PHONE_TAKEN
from fullhouse.accounts.parts import Accounts
from fullhouse.accounts.phones import normalize_phone
from fullhouse.accounts.rules import PHONE_CODE_WITHIN, Profile, SignedIn
from fullhouse.accounts.sessions import Device
from fullhouse.accounts.store import proofs, users
from fullhouse.api.audit import note
from fullhouse.api.errors import UNAUTHENTICATED
from fullhouse.api.principal import Principal
from fullhouse.kit.errors import Refused
from fullhouse.kit.ids import new_id
from fullhouse.kit.messages import Sms


async def request_phone_code(
    accounts: Accounts, principal: Principal | None, *, phone: str, password: str | None = None
) -> UUID:
    """Send a code to a number, in the place of an earlier one; answers the request's id.

    Without a principal it is for signing in, and only sent where the number belongs to an
    account: strangers' phones stay silent, and nothing in the answer tells which it was. With
    one it is for linking the number to that account, and good for nothing else; as that is a new
    way in, it takes the password.
    Raises Refused: VALIDATION_FAILED for what is no number, USER_REQUIRED, TOO_MANY_ATTEMPTS,
    INVALID_CREDENTIALS, OVERLOADED.
    """
    number = normalize_phone(phone)
    user_id = None if principal is None else principal.user_id
    proven = None if principal is None else await prove(accounts, principal, password)
    await begin(accounts, lockout.phone_send_keys(accounts.secret, number))
    request_id, code = new_id(), one_time.new_code()
    code_hash = one_time.hash_code(accounts.secret, request_id, code)
    async with accounts.database.begin() as connection:
        if principal is not None and proven is not None:
            await lock_proven(connection, principal, proven)
        await proofs.put_phone_code(
            connection, request_id, number, user_id, code_hash, PHONE_CODE_WITHIN
        )
    message = letters.sign_in_code(number, code=code, good_for=PHONE_CODE_WITHIN)
    # Looked up off the request's path: a number that somebody has takes no longer to answer.
    accounts.post.dispatcher.soon(
        lambda: _send_code(accounts, message, linking=user_id is not None), "phone code"
    )
    return request_id


async def _send_code(accounts: Accounts, message: Sms, *, linking: bool) -> None:
    if not linking:
        async with accounts.database.read() as connection:
            found = await users.find_by_phone(connection, message.to)
        if found is None or found.disabled:
            return
    await accounts.post.sms_sender.send(message)


async def log_in_by_phone(
    accounts: Accounts, device: Device, *, phone: str, code: str, request_id: UUID
) -> SignedIn:
    """Sign in with the code that was sent to one's number.

    A wrong, spent, outdated or replaced code, one that was sent for something else, and a number
    without an account are answered the same, and all count against the number.
    Raises Refused: CODE_WRONG, VALIDATION_FAILED, TOO_MANY_ATTEMPTS, ACCOUNT_DISABLED,
    SECOND_FACTOR_REQUIRED with a challenge.
    """
    number = normalize_phone(phone)
    keys = lockout.phone_code_keys(accounts.secret, number)
    with told(device, "phone") as attempt:
        async with guarded(accounts, keys, [CODE_WRONG]), accounts.database.begin() as connection:
            found = await users.find_by_phone(connection, number)
            attempt.user_id = None if found is None else found.user_id
            await _use_code(accounts, connection, number, code, request_id, user_id=None)
            if found is None:
                raise Refused(CODE_WRONG)
        return await enter(accounts, device, found, "phone")


async def link_phone(
    accounts: Accounts, principal: Principal, *, phone: str, code: str, request_id: UUID
) -> Profile:
    """Make a number one's own with the code that one has asked for to be sent there.

    Raises Refused: CODE_WRONG, VALIDATION_FAILED, TOO_MANY_ATTEMPTS, PHONE_TAKEN, USER_REQUIRED,
    UNAUTHENTICATED.
    """
    number = normalize_phone(phone)
    user_id = principal.user_id
    keys = lockout.phone_code_keys(accounts.secret, number)
    async with guarded(accounts, keys, [CODE_WRONG]), accounts.database.begin() as connection:
        await lock_caller(connection, principal)
        await _use_code(accounts, connection, number, code, request_id, user_id=user_id)
        # Who has proved to have the number may know that somebody else claims it.
        if not await users.set_phone(connection, user_id, number):
            raise Refused(PHONE_TAKEN)
        await note(connection, principal, "user.phone_linked", "user", user_id)
        profile = await users.find_profile(connection, user_id)
        if profile is None:
            raise Refused(UNAUTHENTICATED)
    _tell(accounts, profile.email, phone=number, linked=True)
    return profile


async def unlink_phone(accounts: Accounts, principal: Principal, *, password: str | None) -> None:
    """Take one's number away; without one nothing happens.

    Raises Refused: INVALID_CREDENTIALS, TOO_MANY_ATTEMPTS, OVERLOADED.
    """
    proven = await prove(accounts, principal, password)
    user_id = principal.user_id
    async with accounts.database.begin() as connection:
        user = await lock_proven(connection, principal, proven)
        if user.phone is None:
            return
        await users.update_user(connection, user_id, phone=None)
        await note(connection, principal, "user.phone_unlinked", "user", user_id)
    _tell(accounts, user.email, phone=user.phone, linked=False)


def _tell(accounts: Accounts, email: str, *, phone: str, linked: bool) -> None:
    accounts.post.tell(
        letters.phone_changed(
            email, phone=phone, linked=linked, public_url=accounts.post.public_url
        )
    )


async def _use_code(
    accounts: Accounts,
    connection: AsyncConnection,
    number: str,
    code: str,
    request_id: UUID,
    *,
    user_id: UUID | None,
) -> None:
    """Use the number's code up.

    It has to be of this very request (ASVS 6.6.2), which its hash has in it, and for the same
    purpose: a code that somebody asked for to link a number must not sign its reader in, nor the
    other way round.
    Raises Refused(CODE_WRONG).
    """
    kept = await proofs.lock_phone_code(connection, number)
    if (
        kept is None
        or kept.user_id != user_id
        or not one_time.matches(accounts.secret, request_id, code, kept.code_hash)
    ):
        raise Refused(CODE_WRONG)
    await proofs.drop_phone_code(connection, number)
