"""One transaction: lock and load, decide, offer what came free, save, commit."""

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from fullhouse.bookings import store
from fullhouse.bookings.core.commands import CallOff, Command, Confirm, Reserve, Settlement
from fullhouse.bookings.core.decide import Decision, decide
from fullhouse.bookings.core.seating import FreeSeats
from fullhouse.bookings.core.types import (
    Booking,
    Inventory,
    Outcome,
    Result,
    State,
    Status,
)
from fullhouse.bookings.core.vanishing import vanished
from fullhouse.bookings.core.waitlist import LineKey, joined_now, offer, openings
from fullhouse.bookings.terms import Terms
from fullhouse.kit.db import RawConnection

# Offers in one transaction. A longer line is served by further batches, with those of others
# in between.
OFFERS_LIMIT = 200


class Settled(NamedTuple):
    """The committed results, and showtimes whose lines have not been served to the end."""

    results: list[Result]
    unserved: set[UUID]


class Batch:
    """Runs commands on a connection that nobody else uses meanwhile."""

    def __init__(self, connection: RawConnection, terms: Terms) -> None:
        self._connection = connection
        self._terms = terms

    async def run(
        self, commands: list[Command], *, repeated: bool = False, together: bool = False
    ) -> Settled:
        """The results, once they are committed. On any error nothing is, and it is raised.

        ``repeated`` says that the same commands may have been committed before, unseen;
        ``together``, that nothing is to be done unless all of them change what they ask for.
        """
        needs = store.needs_of(commands, repeated=repeated)
        while True:
            await self._connection.execute("BEGIN")
            loaded = await store.load(self._connection, needs)
            state = await self._state(loaded, commands)
            overdue = len(loaded.bookings) >= store.OVERDUE_LIMIT + len(needs.bookings) + len(
                needs.keys
            )
            # With more overdue holds than one load takes, only end them, and look again. What
            # they free is safe meanwhile: while anybody waits, nobody else gets it.
            decision = decide(state, [] if overdue else commands)
            if together and any(one.outcome is not Outcome.CHANGED for one in decision.results):
                await self._connection.execute("ROLLBACK")
                return Settled(decision.results, set())
            unserved = set() if overdue else await self._serve_lines(decision)
            if decision.ledger.is_changed:
                await store.save(self._connection, decision.ledger)
            await self._connection.execute("COMMIT")
            if not overdue:
                return Settled(decision.results, unserved)

    async def _state(self, loaded: store.Loaded, commands: list[Command]) -> State:
        revisions = dict(loaded.revisions)
        terms = await self._terms.at(self._connection, revisions)
        inventories = {
            showtime_id: Inventory(terms[showtime_id], {}, {}) for showtime_id in revisions
        }
        for allotment in loaded.allotments:
            inventories[allotment.showtime_id].allotments[allotment.category_id] = allotment
        for claim in loaded.claims:
            inventories[claim.showtime_id].claims[claim.seat_id] = claim
        limited = {
            (command.showtime_id, command.user_id)
            for command in commands
            if isinstance(command, Reserve)
            and command.showtime_id in inventories
            and terms[command.showtime_id].policy.max_per_user is not None
        }
        bookings = {booking.id: booking for booking in loaded.bookings}
        for command in commands:
            if isinstance(command, CallOff) and command.showtime_id in inventories:
                inventory = inventories[command.showtime_id]
                live, claims = await store.load_live(
                    self._connection, command.showtime_id, command.limit, loaded.now
                )
                # What other commands name is there already, and is one thing in a batch.
                bookings = {booking.id: booking for booking in live} | bookings
                inventory.claims |= {claim.seat_id: claim for claim in claims}
        await self._add_joined_sums(loaded.bookings)
        state = State(
            now=loaded.now,
            inventories=inventories,
            bookings=bookings,
            keys={
                (booking.showtime_id, booking.user_id, booking.idempotency_key): booking.id
                for booking in loaded.bookings
                if booking.idempotency_key is not None
            },
            places=await store.load_places(self._connection, list(limited)) if limited else {},
        )
        state.gone = await self._gone(commands, state)
        return state

    async def _add_joined_sums(self, bookings: list[Booking]) -> None:
        """For who repeats the request with which they joined a line, and has been served since."""
        served = [
            booking
            for booking in bookings
            if booking.joined_position
            and booking.idempotency_key is not None
            and booking.status is not Status.WAITLISTED
        ]
        if served:
            sums = await store.load_joined_sums(self._connection, served)
            for booking in served:
                booking.joined_sums = sums.get(booking.id)

    async def _gone(self, commands: list[Command], state: State) -> set[tuple[UUID, UUID]]:
        """Seats that a late payment would have back and that the present seat map does not have."""
        gone: set[tuple[UUID, UUID]] = set()
        for command in commands:
            if not isinstance(command, Confirm) or command.settlement is not Settlement.PAID:
                continue
            booking = state.bookings.get(command.booking_id)
            if booking is None or booking.status is not Status.EXPIRED:
                continue
            terms = state.inventories[booking.showtime_id].terms
            seat_map = await self._terms.seat_map(terms)
            gone |= {(booking.showtime_id, seat) for seat in vanished(booking, terms, seat_map)}
        return gone

    async def _serve_lines(self, decision: Decision) -> set[UUID]:
        """Offer free places along the lines; answers the showtimes where the limit cut it short."""
        ledger = decision.ledger
        free: dict[LineKey, FreeSeats] = {}
        while wanted := openings(decision):
            left = OFFERS_LIMIT - len(ledger.closed)
            if left <= 0:
                # Those of this batch who joined stand behind all who still wait in the store.
                return {showtime_id for showtime_id, _ in wanted}
            handled = ledger.closed.keys() | ledger.joined.keys()
            waiting = await store.load_waiting(self._connection, wanted, handled, left)
            if not waiting:
                break
            for _, booking in waiting:
                ledger.state.bookings[booking.id] = booking
            await self._find_free_seats(decision, wanted, free)
            offer(decision, [entry for entry, _ in waiting], free)
        if wanted and ledger.joined:
            await self._find_free_seats(decision, wanted, free)
            offer(decision, joined_now(decision), free)
        return set()

    async def _find_free_seats(
        self, decision: Decision, lines: Iterable[LineKey], free: dict[LineKey, FreeSeats]
    ) -> None:
        """Add the free seats of those lines that have seats and are not known yet."""
        ledger = decision.ledger
        for showtime_id, category_id in lines:
            terms = ledger.state.inventories[showtime_id].terms
            if (showtime_id, category_id) in free or not terms.categories[category_id].seated:
                continue
            claimed = await store.load_claimed(self._connection, showtime_id)
            seats = await self._terms.seats_of(terms, category_id)
            free[showtime_id, category_id] = FreeSeats(
                [seat for seat in seats if ledger.is_free(showtime_id, seat.id, claimed)]
            )
