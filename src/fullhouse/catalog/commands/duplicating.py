"""Making an event of another."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from fullhouse.api.audit import note
from fullhouse.api.principal import Principal
from fullhouse.catalog import planning
from fullhouse.catalog.commands.creating import insert_event
from fullhouse.catalog.commands.events import own_event
from fullhouse.catalog.commands.halls import lock_halls
from fullhouse.catalog.commands.places import room_in, wrong
from fullhouse.catalog.commands.showtimes import new_showtime, schedule_showtimes
from fullhouse.catalog.drafts import ShowtimeDraft
from fullhouse.catalog.planning import PlannedCategory
from fullhouse.catalog.store import category_writes, event_listings, event_writes, show_writes
from fullhouse.catalog.store.category_writes import CategoryState
from fullhouse.catalog.store.event_writes import EventValues
from fullhouse.kit.db import Database
from fullhouse.kit.ids import new_id
from fullhouse.kit.listener import notify
from fullhouse.media.queries import check_usable
from fullhouse.venues.queries.seat_maps import SeatMaps

Prices = dict[UUID, int]

# More are a schedule, which is made by a rule.
MOST_COPIED = 1_000


async def duplicate_event(
    database: Database,
    seat_maps: SeatMaps,
    principal: Principal,
    event_id: UUID,
    *,
    title: str | None = None,
    shift_days: int | None = None,
) -> UUID:
    """Make a draft that is like an event, over or not, without its sales; answers its id.

    With ``shift_days`` the sales window and the showtimes come along, so many days later by the
    clocks of the event's zone, in the newest seat maps of their halls, at their own prices. Those
    that were cancelled by themselves do not; those that were with the event do: that is what
    organizers copy a cancelled event for.

    Raises Refused: NOT_FOUND, FORBIDDEN, VALIDATION_FAILED, SCHEDULE_CONFLICT.
    """
    async with database.begin() as connection:
        event = await own_event(connection, principal, event_id, closed=True)
        values = await event_writes.event_values(connection, event_id)
        known = await category_writes.categories_of(connection, event_id)
        sittings: list[tuple[ShowtimeDraft, Prices]] = []
        if shift_days is not None:
            sittings = await event_writes.sittings_of(connection, event_id, MOST_COPIED + 1)
    if len(sittings) > MOST_COPIED:
        raise wrong("/shiftDays", f"the event has more than {MOST_COPIED} showtimes")
    values = _shifted(replace(values, title=(title or values.title).strip()), shift_days)
    drafts = [
        (_later(sitting, shift_days or 0, values.timezone), prices) for sitting, prices in sittings
    ]
    rooms = {
        hall_id: await room_in(database, seat_maps, hall_id, values.venue_id)
        for hall_id in {draft.hall_id for draft, _ in drafts}
    }
    copy_id = new_id()
    async with database.begin() as connection:
        show = await show_writes.find_show_duration(
            connection, values.show_id, event.organization_id
        )
        if show is None:
            raise wrong("", "the event's show was deleted")
        gone = await check_usable(connection, values.images, event.organization_id)
        images = tuple(image for image in values.images if image not in gone)
        await lock_halls(connection, {values.hall_id, *rooms})  # before the venue, as elsewhere
        await insert_event(
            connection, copy_id, event.organization_id, replace(values, images=images)
        )
        categories = await category_writes.insert_categories(connection, copy_id, _planned(known))
        copies = {one.id: made.id for one, made in zip(known, categories, strict=True)}
        new = [
            replace(
                new_showtime(draft, rooms[draft.hall_id], show[0], categories),
                prices=_named(prices, copies),
            )
            for draft, prices in drafts
        ]
        await schedule_showtimes(connection, principal, copy_id, values.venue_id, new, "/shiftDays")
        await event_listings.refresh(connection, [copy_id])
        await note(
            connection,
            principal,
            "event.created",
            "event",
            copy_id,
            organization_id=event.organization_id,
            after={"title": values.title, "status": "draft", "copyOf": event_id},
        )
        await notify(connection, "events", f"event:{copy_id}")
    return copy_id


def _named(prices: Prices, copies: Mapping[UUID, UUID]) -> Prices:
    """The prices, by the categories that are copies of theirs; without those that were deleted."""
    return {copies[one]: price for one, price in prices.items() if one in copies}


def _planned(known: Sequence[CategoryState]) -> list[PlannedCategory]:
    return [
        PlannedCategory(one.name, one.price, one.capacity, one.benefits, one.sections, one.areas)
        for one in known
    ]


def _shifted(values: EventValues, days: int | None) -> EventValues:
    """What is set of the copy; without showtimes of its own it has no sales window yet."""
    if days is None:
        return replace(values, sales_open_at=None, sales_close_at=None)
    opens, closes = (
        None if moment is None else planning.days_later(moment, days, values.timezone)
        for moment in (values.sales_open_at, values.sales_close_at)
    )
    return replace(values, sales_open_at=opens, sales_close_at=closes)


def _later(sitting: ShowtimeDraft, days: int, timezone: str) -> ShowtimeDraft:
    """The sitting so many days later; it lasts as long. Refused when that is too far away."""
    assert sitting.ends_at is not None  # every showtime that exists has its end
    starts_at = planning.days_later(sitting.starts_at, days, timezone)
    ends_at = starts_at + (sitting.ends_at - sitting.starts_at)
    later = ShowtimeDraft(starts_at, ends_at, sitting.hall_id)
    planning.refuse_if(planning.showtime_errors(later, ""))
    return later
