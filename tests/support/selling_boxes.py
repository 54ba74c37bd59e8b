"""Two places in which the selling core can run: plain memory, and a real PostgreSQL.

Both run one showtime. ``run`` decides a batch, ``snapshot`` shows all that is stored, ``pass_time``
lets holds age.
"""

import asyncio
import copy
from collections.abc import Coroutine, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar
from uuid import UUID

import msgspec

from fullhouse.bookings.batch import Batch
from fullhouse.bookings.core.commands import CallOff, Command, Staff
from fullhouse.bookings.core.decide import Decision, decide
from fullhouse.bookings.core.invariants import Snapshot
from fullhouse.bookings.core.seating import FreeSeats
from fullhouse.bookings.core.types import (
    Act,
    Allotment,
    Booking,
    Claim,
    Entry,
    EntryStatus,
    FreeSeat,
    Inventory,
    Result,
    State,
    Status,
)
from fullhouse.bookings.core.vanishing import vanished
from fullhouse.bookings.core.waitlist import joined_now, offer, openings
from fullhouse.bookings.store import SESSION_SETTINGS
from fullhouse.bookings.store import audit as audit_store
from fullhouse.bookings.terms import Terms
from fullhouse.catalog.rules import CategoryTerms, SaleTerms
from fullhouse.kit.db import Database, RawConnection
from fullhouse.venues.seatmap import SeatMap
from tests.support.selling_rows import add_hall, add_showtime, add_user

T = TypeVar("T")


class Box(Protocol):
    terms: SaleTerms
    users: list[UUID]

    def now(self) -> datetime: ...
    def run(self, commands: list[Command]) -> list[Result]: ...
    def snapshot(self) -> Snapshot: ...

    def acts(self, staff: Staff) -> list[tuple[str, str]]:
        """What these staff have done so far: the action and the id of the object."""
        ...

    def pass_time(self, seconds: int) -> None: ...

    def cancel(self) -> None:
        """Cancel the showtime, as the catalogue does: its bookings stay as they are."""
        ...

    def close(self) -> None: ...


class MemoryBox:
    """Keeps everything in dictionaries and answers the core's questions from them."""

    def __init__(
        self,
        terms: SaleTerms,
        capacities: dict[UUID, int],
        maps: Mapping[UUID, SeatMap],
        users: list[UUID],
    ) -> None:
        self.terms = terms
        self.users = users
        self._now = terms.starts_at - timedelta(days=5)
        self._maps = maps
        self._allotments = {
            category_id: Allotment(terms.showtime_id, category_id, capacity)
            for category_id, capacity in capacities.items()
        }
        self._claims: dict[UUID, Claim] = {}
        self._bookings: dict[UUID, Booking] = {}
        self._line: list[Entry] = []
        self._acts: list[Act] = []

    def now(self) -> datetime:
        return self._now

    def pass_time(self, seconds: int) -> None:
        self._now += timedelta(seconds=seconds)

    def cancel(self) -> None:
        self.terms = msgspec.structs.replace(
            self.terms, on_sale=False, called_off="showtime_cancelled"
        )

    def run(self, commands: list[Command]) -> list[Result]:
        decision = decide(copy.deepcopy(self._state(commands)), commands)
        self._serve_line(decision)
        self._keep(decision)
        return decision.results

    def snapshot(self) -> Snapshot:
        return Snapshot(
            self.terms.showtime_id,
            list(self._allotments.values()),
            list(self._claims.values()),
            list(self._bookings.values()),
            list(self._line),
            frozenset(one.id for one in self.terms.categories.values() if one.seated),
            seat_map_id=None if self.terms.called_off else self.terms.seat_map_id,
            sections={
                one.id: list(one.sections)
                for one in self.terms.categories.values()
                if one.sections is not None
            },
            areas={
                one.id: list(one.areas)
                for one in self.terms.categories.values()
                if one.areas is not None
            },
        )

    def acts(self, staff: Staff) -> list[tuple[str, str]]:
        return [(act.action, str(act.object_id)) for act in self._acts if act.staff == staff]

    def close(self) -> None:
        """Nothing to close."""

    def _state(self, commands: list[Command]) -> State:
        live = (Status.RESERVED, Status.CONFIRMED, Status.WAITLISTED)
        places = {
            (self.terms.showtime_id, user_id): sum(
                booking.places
                for booking in self._bookings.values()
                if booking.user_id == user_id and booking.status in live
            )
            for user_id in self.users
        }
        # Waiting bookings are left out, as the real store leaves them out unless asked for.
        named = {getattr(command, "booking_id", None) for command in commands}
        calls_off = any(isinstance(command, CallOff) for command in commands)
        return State(
            self._now,
            {
                self.terms.showtime_id: Inventory(
                    self.terms, dict(self._allotments), dict(self._claims)
                )
            },
            {
                booking.id: booking
                for booking in self._bookings.values()
                if booking.status is not Status.WAITLISTED
                or calls_off
                or booking.id in named
                or booking.idempotency_key is not None
            },
            {
                (booking.showtime_id, booking.user_id, booking.idempotency_key): booking.id
                for booking in self._bookings.values()
                if booking.idempotency_key is not None
            },
            places,
            {
                (self.terms.showtime_id, seat_id)
                for booking in self._bookings.values()
                if booking.status is Status.EXPIRED
                for seat_id in vanished(booking, self.terms, self._map)
            },
        )

    @property
    def _map(self) -> SeatMap:
        assert self.terms.seat_map_id is not None
        return self._maps[self.terms.seat_map_id]

    def _serve_line(self, decision: Decision) -> None:
        ledger = decision.ledger
        while wanted := openings(decision):
            fitting = [
                entry
                for entry in sorted(self._line, key=lambda entry: entry.number)
                if entry.booking_id not in ledger.closed
                and entry.quantity <= wanted.get((entry.showtime_id, entry.category_id), 0)
            ]
            entries = [
                entry
                for line, places in wanted.items()
                for entry in [e for e in fitting if e.category_id == line[1]][:places]
            ]
            if not entries:
                break
            for entry in entries:
                booking = copy.deepcopy(self._bookings[entry.booking_id])
                ledger.state.bookings[entry.booking_id] = booking
            offer(decision, entries, self._free_seats(decision))
        if wanted and ledger.joined:
            offer(decision, joined_now(decision), self._free_seats(decision))

    def _free_seats(self, decision: Decision) -> dict[tuple[UUID, UUID], FreeSeats]:
        inventory = decision.ledger.state.inventories[self.terms.showtime_id]
        seat_map_id = inventory.terms.seat_map_id
        assert seat_map_id is not None
        return {
            (self.terms.showtime_id, category.id): FreeSeats(
                [
                    seat
                    for seat in seats_in(self._maps[seat_map_id], category)
                    if seat.id not in inventory.claims
                ]
            )
            for category in inventory.terms.categories.values()
            if category.seated
        }

    def _keep(self, decision: Decision) -> None:
        ledger = decision.ledger
        inventory = ledger.state.inventories[self.terms.showtime_id]
        self.terms = inventory.terms
        self._allotments = inventory.allotments
        self._claims = inventory.claims
        self._bookings |= ledger.state.bookings
        self._acts += ledger.acts
        self._line = [
            entry
            for entry in (*self._line, *ledger.joined.values())
            if ledger.closed.get(entry.booking_id, EntryStatus.WAITING) is EntryStatus.WAITING
        ]


class PostgresBox:
    """Runs the very batches of the sequencer on a real database, in an event loop of its own."""

    def __init__(
        self,
        url: str,
        terms: SaleTerms,
        capacities: dict[UUID, int],
        maps: Mapping[UUID, SeatMap],
    ) -> None:
        self.terms = terms
        self.users: list[UUID] = []
        self._maps = maps
        self._runner = asyncio.Runner()
        self._await(self._open(url, capacities))

    def now(self) -> datetime:
        now: datetime = self._await(self._connection.fetchval("SELECT clock_timestamp()"))
        return now

    def pass_time(self, seconds: int) -> None:
        """The clock cannot be turned, so the holds are aged instead."""
        self._await(
            self._connection.execute(
                "UPDATE bookings SET expires_at = expires_at - $1::interval"
                " WHERE showtime_id = $2 AND status = 'reserved'",
                timedelta(seconds=seconds),
                self.terms.showtime_id,
            )
        )

    def cancel(self) -> None:
        self._await(
            self._connection.execute(
                "WITH cancelled AS ("
                "  UPDATE showtimes SET status = 'cancelled' WHERE id = $1 RETURNING id)"
                " UPDATE inventories i SET revision = revision + 1 FROM cancelled c"
                " WHERE i.showtime_id = c.id",
                self.terms.showtime_id,
            )
        )

    def run(self, commands: list[Command]) -> list[Result]:
        return self._await(self._batch.run(commands)).results

    def snapshot(self) -> Snapshot:
        found = self._await(audit_store.snapshot(self._connection, self.terms.showtime_id))
        assert found is not None
        return found

    def acts(self, staff: Staff) -> list[tuple[str, str]]:
        rows = self._await(
            self._connection.fetch(
                "SELECT action, object_id FROM audit_log WHERE actor_id = $1 ORDER BY id", staff.id
            )
        )
        return [(row["action"], row["object_id"]) for row in rows]

    def close(self) -> None:
        self._await(self._connection.close())
        self._runner.close()

    async def _open(self, url: str, capacities: dict[UUID, int]) -> None:
        database = Database(url)
        self._connection: RawConnection = await database.connect_raw(**SESSION_SETTINGS)
        await add_hall(self._connection, list(self._maps.values()))
        await add_showtime(self._connection, self.terms, capacities)
        self.users = [await add_user(self._connection) for _ in range(3)]
        self._batch = Batch(self._connection, _KnownSeats(database, self._maps))

    def _await(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(coroutine)


class _KnownSeats(Terms):
    """Terms from the database, seat maps from the test: no layout is needed."""

    def __init__(self, database: Database, maps: Mapping[UUID, SeatMap]) -> None:
        super().__init__(database, None)  # type: ignore[arg-type]
        self._maps = maps

    async def seat_map(self, terms: SaleTerms) -> SeatMap | None:
        return None if terms.seat_map_id is None else self._maps[terms.seat_map_id]

    async def seats_of(self, terms: SaleTerms, category_id: UUID) -> list[FreeSeat]:
        assert terms.seat_map_id is not None
        return seats_in(self._maps[terms.seat_map_id], terms.categories[category_id])


def seats_in(seat_map: SeatMap, category: CategoryTerms) -> list[FreeSeat]:
    """The seats that a category has in a map, as they are offered."""
    return [
        FreeSeat(seat.id, seat.label, (seat.section, seat.row), place)
        for place, seat in enumerate(seat_map.seats)
        if seat.section in (category.sections or ())
    ]
