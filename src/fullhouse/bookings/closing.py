"""Closing an organization, which only makes sense when nobody waits for anything of it."""

from uuid import UUID

from fullhouse.accounts.commands import closing, recovering
from fullhouse.accounts.commands.organizations import lock_part
from fullhouse.accounts.parts import Accounts
from fullhouse.api.permissions import Permission
from fullhouse.api.principal import Principal
from fullhouse.bookings.errors import ORGANIZATION_HAS_SALES
from fullhouse.bookings.store import read
from fullhouse.catalog.store import event_listings, event_writes, show_writes
from fullhouse.kit.errors import Refused
from fullhouse.kit.listener import notify

# A refusal names no more bookings than this.
_MOST_NAMED = 100


async def close_organization(
    accounts: Accounts, principal: Principal, organization_id: UUID, *, password: str | None
) -> None:
    """End what an organization sells, and take it apart.

    The showtimes are locked as the selling core locks them, and end their sales, before it is
    looked whether anybody has a place: who reserves at the same moment is seen, or comes too late.

    Raises Refused: NOT_FOUND, FORBIDDEN, INVALID_CREDENTIALS, TOO_MANY_ATTEMPTS,
    ORGANIZATION_HAS_SALES with the bookings at showtimes that are not over.
    """
    await recovering.prove(accounts, principal, password)
    async with accounts.database.begin() as connection:
        locked = await lock_part(
            connection, principal, Permission.ORGANIZATION_WRITE, organization_id
        )
        # Shows are locked before their events, as whoever changes one locks them.
        hidden = await show_writes.hide_announced(connection, organization_id)
        ended = await event_writes.end_events_of(connection, organization_id)
        ahead = await read.sales_ahead(connection, organization_id, _MOST_NAMED)
        if ahead:
            named = [str(booking_id) for booking_id in ahead]
            raise Refused(ORGANIZATION_HAS_SALES, bookings=named)
        await event_listings.refresh(connection, ended)
        tags = await closing.take_apart(connection, principal, organization_id, locked)
        changed = [f"event:{event_id}" for event_id in ended]
        changed += [f"show:{show_id}" for show_id in hidden]
        await notify(connection, "events", *changed)
    for tag in tags:
        accounts.forget(tag)
