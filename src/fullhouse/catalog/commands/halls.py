"""Putting showtimes into halls that are free, and saying what is in the way of others."""

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.api.errors import VALIDATION_FAILED
from fullhouse.api.permissions import Permission
from fullhouse.api.principal import Principal
from fullhouse.catalog import scheduling
from fullhouse.catalog.commands.places import wrong
from fullhouse.catalog.errors import SCHEDULE_CONFLICT
from fullhouse.catalog.scheduling import Occupying
from fullhouse.catalog.store import schedule, showtime_writes
from fullhouse.catalog.store.schedule import Occupied
from fullhouse.catalog.store.showtime_writes import NewShowtime
from fullhouse.kit.errors import FieldError, Refused
from fullhouse.venues.store import places

# Whoever writes past the lock of a hall is held by the constraint; then it is looked once more
# who that was, and tried again where they gave up.
MOST_TRIES = 3
_MOST_ERRORS = 20


async def lock_halls(
    connection: AsyncConnection, hall_ids: Iterable[UUID | None]
) -> dict[UUID, timedelta]:
    """Lock halls, and answer the time for cleaning of each; refused when one was deleted."""
    wanted = {hall_id for hall_id in hall_ids if hall_id is not None}
    found = await schedule.lock_halls(connection, wanted)
    if found.keys() != wanted:
        raise wrong("/hallId", "is no hall of the event's venue")
    return found


async def hold_venue(connection: AsyncConnection, venue_id: UUID | None) -> None:
    """Keep an event's venue from being deleted while showtimes are added there.

    After their halls, in which order whoever deletes a venue locks them.
    Raises Refused(VALIDATION_FAILED) when it was deleted already.
    """
    if not await places.hold_place(connection, venue_id, None):
        gone = FieldError("", "is at a venue that is not there any more")
        raise Refused(VALIDATION_FAILED, "The event's venue was deleted.", errors=(gone,))


async def insert_where_free(
    connection: AsyncConnection, principal: Principal, event_id: UUID, new: Sequence[NewShowtime]
) -> None:
    """Insert showtimes. Raises Refused(SCHEDULE_CONFLICT) where somebody went past the locks."""
    for _ in range(MOST_TRIES):
        if await showtime_writes.insert_showtimes(connection, event_id, new):
            return
        await require_free(connection, principal, new)
    raise Refused(SCHEDULE_CONFLICT)


def require_apart(wanted: Sequence[Occupying], pointer: str) -> None:
    """Raise Refused(VALIDATION_FAILED) where two of a request's own need one hall at once.

    No showtime that exists is in the way then. ``pointer`` is where the request says when they
    begin, with {} for the place of each.
    """
    errors = []
    for place, other in sorted(overlapping(wanted).items()):
        had = span(wanted[other])
        detail = (
            f"overlaps the one of these at {had['startsAt']}, which has the hall until"
            f" {had['busyUntil']}, cleaning included"
        )
        errors.append(FieldError(pointer.format(place), detail))
    if errors:
        detail = "Showtimes of this request overlap each other in one hall."
        raise Refused(VALIDATION_FAILED, detail, errors=tuple(errors[:_MOST_ERRORS]))


def overlapping(wanted: Sequence[Occupying], but: Collection[int] = ()) -> dict[int, int]:
    """By their places those that overlap an earlier one of these in its hall, and which."""
    place_of = {id(one): place for place, one in enumerate(wanted)}
    _, over = scheduling.without_overlaps(
        one for place, one in enumerate(wanted) if place not in but
    )
    return {place_of[id(one)]: place_of[id(other)] for one, other in over}


async def require_free(
    connection: AsyncConnection,
    principal: Principal,
    wanted: Sequence[Occupying],
    *,
    but: UUID | None = None,
) -> None:
    """Raise Refused(SCHEDULE_CONFLICT) with whatever is in the way of any of these."""
    found = await in_the_way(connection, principal, wanted, but=but)
    if found:
        raise conflict_of([(wanted[place], found[place]) for place in sorted(found)])


async def in_the_way(
    connection: AsyncConnection,
    principal: Principal,
    wanted: Sequence[Occupying],
    *,
    but: UUID | None = None,
) -> dict[int, dict[str, object]]:
    """What has the hall of each, by its place: other showtimes, or an earlier one of these."""
    found = await taken_by_others(connection, principal, wanted, but=but)
    own = overlapping(wanted, found)
    return found | {place: span(wanted[other]) for place, other in own.items()}


async def taken_by_others(
    connection: AsyncConnection,
    principal: Principal,
    wanted: Sequence[Occupying],
    *,
    but: UUID | None = None,
) -> dict[int, dict[str, object]]:
    """What has the hall of each already, by its place."""
    taken = await schedule.conflicts(connection, wanted, but=but)
    return {place: _told(principal, one) for place, one in taken.items()}


def conflict_of(found: Sequence[tuple[Occupying, dict[str, object]]]) -> Refused:
    """The refusal of showtimes, each with what is in its way; ``conflict`` is the first."""
    named = [{"startsAt": _utc(one.starts_at), "conflict": conflict} for one, conflict in found]
    return Refused(SCHEDULE_CONFLICT, conflict=found[0][1], conflicts=named)


def _told(principal: Principal, taken: Occupied) -> dict[str, object]:
    """What has the hall, as far as the caller may know."""
    named = span(taken)
    # A hall may be shared: what others have not announced yet stays their secret.
    if taken.public or principal.may(Permission.EVENTS_READ, taken.organization_id):
        named |= {
            "showtimeId": str(taken.showtime_id),
            "eventId": str(taken.event_id),
            "title": taken.title,
        }
    return named


def span(one: Occupying | Occupied) -> dict[str, object]:
    """From when until when something has its hall, cleaning included."""
    return {"startsAt": _utc(one.starts_at), "busyUntil": _utc(one.busy_until)}


def _utc(moment: datetime) -> str:
    """As all other moments are written in answers."""
    return moment.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"
