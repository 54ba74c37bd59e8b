"""Documents of other systems by their format."""

from typing import Literal

from fullhouse.venues.exchange.losses import Loss
from fullhouse.venues.exchange.pretix import layout_of_plan
from fullhouse.venues.exchange.seatsio import layout_of_chart
from fullhouse.venues.layout import Layout

Format = Literal["pretix", "seatsio"]
_READERS = {"pretix": layout_of_plan, "seatsio": layout_of_chart}


def layout_from(
    format: Format, document: bytes, name: str | None = None
) -> tuple[Layout, list[Loss]]:
    """The layout that the document describes, and what of it is lost; ``name`` replaces its own.

    Raises Refused: SEAT_MAP_INVALID with the places of the document that are wrong.
    """
    return _READERS[format](document, name)
