"""Which of the free seats who waits is given: next to each other if any row allows it."""

from uuid import UUID

from fullhouse.bookings.core.types import FreeSeat


class FreeSeats:
    """The free seats of one line, in the order of the seat map; they only get fewer.

    Serving a whole line looks at each seat a few times and not once for every entry: where no
    room for a quantity was found before, none will be found later.
    """

    def __init__(self, seats: list[FreeSeat]) -> None:
        self._seats = seats
        self._taken: set[UUID] = set()
        # By quantity: where to go on looking for that many neighbours.
        self._searched: dict[int, int] = {}
        self._first = 0

    def take(self, quantity: int) -> list[FreeSeat]:
        """``quantity`` neighbours from the first row that has them, else the first seats left.

        There must be at least that many.
        """
        chosen = self._neighbours(quantity) or self._leftmost(quantity)
        assert len(chosen) == quantity, "more seats were promised than are free"
        self._taken.update(seat.id for seat in chosen)
        return chosen

    def _neighbours(self, quantity: int) -> list[FreeSeat]:
        run: list[FreeSeat] = []
        for index in range(self._searched.get(quantity, 0), len(self._seats)):
            seat = self._seats[index]
            if seat.id in self._taken:
                run = []
                continue
            if run and (seat.row, seat.place) == (run[-1].row, run[-1].place + 1):
                run.append(seat)
            else:
                run = [seat]
            if len(run) == quantity:
                self._searched[quantity] = index - quantity + 1
                return run
        self._searched[quantity] = len(self._seats)
        return []

    def _leftmost(self, quantity: int) -> list[FreeSeat]:
        while self._first < len(self._seats) and self._seats[self._first].id in self._taken:
            self._first += 1
        chosen: list[FreeSeat] = []
        for seat in self._seats[self._first :]:
            if len(chosen) == quantity:
                break
            if seat.id not in self._taken:
                chosen.append(seat)
        return chosen
