"""One's own account: changing what it says, and what its deletion leaves."""

from collections.abc import Sequence
from uuid import UUID

from msgspec import UNSET, UnsetType
from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.accounts.authenticator import user_tag
from fullhouse.accounts.commands.proving import lock_caller, lock_proven
from fullhouse.accounts.commands.withdrawing import note_dropped
from fullhouse.accounts.errors import LAST_ADMIN, LAST_OWNER
from fullhouse.accounts.parts import Accounts
from fullhouse.accounts.rules import check_name
from fullhouse.accounts.store import organizations, proofs, sessions, users
from fullhouse.accounts.store.users import Credentials
from fullhouse.api.audit import actor_of, note
from fullhouse.api.errors import VALIDATION_FAILED
from fullhouse.api.principal import Principal
from fullhouse.kit.errors import UNAVAILABLE, FieldError, Refused
from fullhouse.kit.languages import language_tag
from fullhouse.kit.listener import notify
from fullhouse.kit.zones import NO_TIMEZONE, is_timezone


async def update_profile(
    accounts: Accounts,
    principal: Principal,
    *,
    name: str | UnsetType = UNSET,
    language: str | UnsetType | None = UNSET,
    timezone: str | UnsetType | None = UNSET,
    notices: Sequence[str] | UnsetType = UNSET,
) -> None:
    """Change what is given of the caller's own account; what is UNSET stays.

    ``language`` is a BCP 47 tag, ``timezone`` an IANA name, None takes either away.
    Raises Refused: VALIDATION_FAILED with every wrong field.
    """
    changes: dict[str, object] = {}
    wrong: list[FieldError] = []
    if name is not UNSET:
        changes["name"] = check_name(name)
    if language is not UNSET:
        changes["language"] = tag = None if language is None else language_tag(language)
        if language is not None and tag is None:
            wrong.append(FieldError("/language", "is not a BCP 47 tag of a known language"))
    if timezone is not UNSET:
        changes["timezone"] = timezone
        if timezone is not None and not is_timezone(timezone):
            wrong.append(FieldError("/timezone", NO_TIMEZONE))
    if notices is not UNSET:
        changes["notices"] = sorted(set(notices))
    if wrong:
        raise Refused(VALIDATION_FAILED, errors=tuple(wrong))
    if not changes:
        return
    async with accounts.database.begin() as connection:
        await lock_caller(connection, principal)
        await users.update_user(connection, principal.user_id, **changes)


async def lock_leaver(
    connection: AsyncConnection, principal: Principal, proven: Credentials
) -> None:
    """Lock the account that is going to be deleted, if it may be.

    Whatever refers to the user from now on (a booking, a membership) waits for the end of this
    transaction: a foreign key's check takes FOR KEY SHARE on the row, which FOR UPDATE refuses.
    What was written before is seen by every statement that comes after this one.

    Raises Refused: LAST_ADMIN, LAST_OWNER, INVALID_CREDENTIALS when what was proved of the user
    holds no more, UNAVAILABLE when the user has joined an organization at this very moment.
    """
    user_id = principal.user_id
    # In the same order as everybody: administrators, organizations, users.
    admins = await users.lock_admins(connection)
    locked = await organizations.lock_organizations_of(connection, user_id)
    await lock_proven(connection, principal, proven)
    if admins == {user_id}:
        raise Refused(LAST_ADMIN)
    if owned := await organizations.only_owner_of(connection, user_id):
        names = ", ".join(owned)
        raise Refused(LAST_OWNER, f"These organizations would have no owner: {names}.")
    if not await organizations.organizations_of(connection, user_id) <= locked:
        raise Refused(UNAVAILABLE, "The account is being changed.", retry_after_seconds=1)


async def erase(connection: AsyncConnection, principal: Principal) -> str:
    """Take the person out of the caller's account, which is locked (:func:`lock_leaver`).

    The row stays, because bookings refer to it: an organizer keeps what was sold, to nobody.
    The caller of this has to forget ``user_tag`` after the transaction. Answers the address that
    the account had.
    """
    user_id: UUID = principal.user_id
    before = await users.find_profile(connection, user_id)
    assert before is not None  # it is locked
    dropped = await organizations.drop_invitations_by(connection, user_id)
    await note_dropped(connection, actor_of(principal), dropped)
    for joined in before.memberships:
        await note(
            connection,
            principal,
            "member.left",
            "member",
            user_id,
            organization_id=joined.organization_id,
            before={"role": joined.role},
        )
    await organizations.leave_all(connection, user_id)
    await organizations.drop_invitations_to(connection, before.email)
    await proofs.drop_proofs(connection, user_id, before.phone)
    await sessions.end_sessions(connection, user_id, "account_deleted")
    await sessions.blank_sessions(connection, user_id)
    await users.erase_user(connection, user_id)
    await note(connection, principal, "user.deleted", "user", user_id)
    await notify(connection, user_tag(user_id))
    return before.email
