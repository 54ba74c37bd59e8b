"""Layouts for halls as most are: a plain grid, stalls with a balcony, and a banquet."""

import math
from string import ascii_uppercase

from fullhouse.venues.layout import Layout, RowLayout, SeatLayout, SectionLayout, TableLayout

# From seat to seat and from row to row, in the layout's units.
_PITCH = 30.0
# Between two sections.
_AISLE = 60.0


def row_label(index: int) -> str:
    """The label of the row at ``index`` from the stage: A … Z, AA, AB …"""
    label = ""
    index += 1
    while index > 0:
        index, letter = divmod(index - 1, len(ascii_uppercase))
        label = ascii_uppercase[letter] + label
    return label


def grid(rows: int, seats_per_row: int, section: str = "Main") -> Layout:
    """One section of ``rows`` × ``seats_per_row`` seats, row A nearest to the stage."""
    return Layout(sections=[_block(section, 0, rows, seats_per_row, _PITCH, 0.0)])


def stalls_and_balcony(
    stalls_rows: int,
    stalls_seats_per_row: int,
    balcony_rows: int,
    balcony_seats_per_row: int,
    front_rows: int = 0,
) -> Layout:
    """A theatre: Stalls, and behind them a Balcony whose rows begin with A again.

    With ``front_rows`` the stalls' first rows are a section of their own, Front Stalls, so that
    they can have their own price; row letters run on from there.
    """
    widest = max(stalls_seats_per_row, balcony_seats_per_row)
    stalls_inset = (widest - stalls_seats_per_row) * _PITCH / 2
    balcony_inset = (widest - balcony_seats_per_row) * _PITCH / 2
    sections = []
    y = _PITCH
    if front_rows > 0:
        sections.append(
            _block("Front Stalls", 0, front_rows, stalls_seats_per_row, y, stalls_inset)
        )
        y += front_rows * _PITCH
    rest = stalls_rows - front_rows
    if rest > 0:
        sections.append(_block("Stalls", front_rows, rest, stalls_seats_per_row, y, stalls_inset))
        y += rest * _PITCH
    y += _AISLE
    sections.append(_block("Balcony", 0, balcony_rows, balcony_seats_per_row, y, balcony_inset))
    return Layout(sections=sections)


def banquet(tables: int, seats_per_table: int, section: str = "Hall") -> Layout:
    """Round tables, Table 1 at the left of the stage, in a block about as wide as deep.

    Seats are numbered clockwise from the one nearest to the stage.
    """
    # Chairs are as far from each other along the edge as they are in a row.
    radius = max(_PITCH, seats_per_table * _PITCH / math.tau)
    reach = radius + _PITCH / 2  # of the middles of the chairs
    pitch = 2 * reach + _AISLE
    per_row = math.ceil(math.sqrt(tables))
    placed = []
    for index in range(tables):
        row, column = divmod(index, per_row)
        x, y = reach + _PITCH + column * pitch, reach + _PITCH + row * pitch
        seats = []
        for number in range(seats_per_table):
            turn = number * math.tau / seats_per_table
            seats.append(
                SeatLayout(
                    number=str(number + 1),
                    x=round(x + reach * math.sin(turn), 2),
                    y=round(y - reach * math.cos(turn), 2),
                )
            )
        wide = round(2 * (reach - _PITCH / 2), 2)
        placed.append(
            TableLayout(
                f"Table {index + 1}", round(x, 2), round(y, 2), seats, width=wide, height=wide
            )
        )
    return Layout(sections=[SectionLayout(section, tables=placed)])


def _block(
    name: str, first_row: int, rows: int, seats_per_row: int, top: float, inset: float
) -> SectionLayout:
    return SectionLayout(
        name=name,
        rows=[
            RowLayout(
                label=row_label(first_row + row),
                seats=[
                    SeatLayout(
                        number=str(seat + 1), x=inset + (seat + 1) * _PITCH, y=top + row * _PITCH
                    )
                    for seat in range(seats_per_row)
                ],
            )
            for row in range(rows)
        ],
    )
