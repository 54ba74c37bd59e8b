"""One transaction: lock and load, decide, offer what came free, save, commit."""

from uuid import UUID

from fullhouse.bookings import store
from fullhouse.bookings.core.commands import Command, Reserve
from fullhouse.bookings.core.decide import Decision, decide
from fullhouse.bookings.core.types import FreeSeat, Inventory, Result, State
from fullhouse.bookings.core.waitlist import LineKey, joined_now, offer, openings
from fullhouse.bookings.terms import Terms
from fullhouse.kit.db import RawConnection


class Batch:
    """Runs commands on a connection that nobody else uses meanwhile."""

    def __init__(self, connection: RawConnection, terms: Terms) -> None:
        self._connection = connection
        self._terms = terms

    async def run(self, commands: list[Command], *, repeated: bool = False) -> list[Result]:
        """The results, once they are committed. On any error nothing is, and it is raised.

        ``repeated`` says that the same commands may have been committed before, unseen.
        """
        needs = store.needs_of(commands, repeated=repeated)
        while True:
            await self._connection.execute("BEGIN")
            state = await self._load(needs, commands)
            overdue = len(state.bookings) >= store.OVERDUE_LIMIT
            # With more overdue holds than one load takes, only end them, and look again.
            decision = decide(state, [] if overdue else commands)
            await self._serve_lines(decision)
            if decision.ledger.is_changed:
                await store.save(self._connection, decision.ledger)
            await self._connection.execute("COMMIT")
            if not overdue:
                return decision.results

    async def _load(self, needs: store.Needs, commands: list[Command]) -> State:
        loaded = await store.load(self._connection, needs)
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
        return State(
            now=loaded.now,
            inventories=inventories,
            bookings={booking.id: booking for booking in loaded.bookings},
            keys={
                (booking.showtime_id, booking.user_id, booking.idempotency_key): booking.id
                for booking in loaded.bookings
                if booking.idempotency_key is not None
            },
            places=await store.load_places(self._connection, list(limited)) if limited else {},
        )

    async def _serve_lines(self, decision: Decision) -> None:
        """Offer free places along the lines, until nobody waits who could be served."""
        ledger = decision.ledger
        while wanted := openings(decision):
            handled = ledger.closed.keys() | ledger.joined.keys()
            waiting = await store.load_waiting(self._connection, wanted, handled)
            if not waiting:
                break
            for _, booking in waiting:
                ledger.state.bookings[booking.id] = booking
            seats = await self._free_seats(decision, wanted)
            offer(decision, [entry for entry, _ in waiting], seats)
        if wanted and ledger.joined:
            offer(decision, joined_now(decision), await self._free_seats(decision, wanted))

    async def _free_seats(
        self, decision: Decision, lines: dict[LineKey, int]
    ) -> dict[LineKey, list[FreeSeat]]:
        inventories = decision.ledger.state.inventories
        seated = [
            (showtime_id, category_id)
            for showtime_id, category_id in lines
            if inventories[showtime_id].terms.categories[category_id].seated
        ]
        if not seated:
            return {}
        showtimes: list[UUID] = sorted({showtime_id for showtime_id, _ in seated})
        decision.ledger.learn(await store.load_claims(self._connection, showtimes))
        return {
            (showtime_id, category_id): [
                seat
                for seat in await self._terms.seats_of(inventories[showtime_id].terms, category_id)
                if seat.id not in inventories[showtime_id].claims
            ]
            for showtime_id, category_id in seated
        }
