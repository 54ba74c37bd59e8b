"""Writing what seldom changes: prices, seat maps, and what a booking comes to when it is offered.

Statements of their own, so that the one that every batch needs stays as small as it is.
"""

import msgspec

from fullhouse.bookings.core.ledger import Ledger
from fullhouse.catalog.store import terms
from fullhouse.kit.db import RawConnection

_PRICES = """
UPDATE allotments a
SET price = p.price
FROM jsonb_to_recordset($1::jsonb) AS p (showtime_id uuid, category_id uuid, price bigint)
WHERE a.showtime_id = p.showtime_id AND a.category_id = p.category_id
"""

# What it came to before is kept with the place in line: the answer to joining says so for ever.
_REPRICED = """
WITH repriced AS (
    SELECT * FROM jsonb_to_recordset($1::jsonb) AS r (
        showtime_id uuid, id uuid, category_id uuid, unit_price bigint,
        subtotal bigint, fees bigint, tax bigint, total bigint, before jsonb
    )
),
lines AS (
    UPDATE booking_lines l
    SET unit_price = r.unit_price
    FROM repriced r
    WHERE l.showtime_id = r.showtime_id AND l.booking_id = r.id AND l.category_id = r.category_id
),
entries AS (
    UPDATE waitlist_entries e
    SET joined_sums = ARRAY(SELECT jsonb_array_elements_text(r.before)::bigint)
    FROM repriced r
    WHERE e.showtime_id = r.showtime_id AND e.booking_id = r.id
)
UPDATE bookings b
SET subtotal = r.subtotal, fees = r.fees, tax = r.tax, total = r.total
FROM repriced r
WHERE b.showtime_id = r.showtime_id AND b.id = r.id
"""


async def save_terms(connection: RawConnection, ledger: Ledger) -> None:
    """Write the prices and seat maps that changed, and raise the revisions of their showtimes."""
    if ledger.prices:
        rows = [
            {"showtime_id": showtime_id, "category_id": category_id, "price": price}
            for (showtime_id, category_id), price in ledger.prices.items()
        ]
        await connection.execute(_PRICES, msgspec.json.encode(rows).decode())
    if ledger.maps:
        await terms.set_seat_maps(connection, ledger.maps)
    if ledger.usual:
        await terms.set_usual_capacities(connection, ledger.usual)
    inventories = ledger.state.inventories
    events = {inventories[showtime_id].terms.event_id for showtime_id in ledger.revised}
    await terms.revise(connection, sorted(ledger.revised), sorted(events))


async def save_repriced(connection: RawConnection, ledger: Ledger) -> None:
    """Write what bookings come to that were offered places at another price than they joined."""
    rows = []
    for booking_id, before in ledger.repriced.items():
        booking = ledger.state.bookings[booking_id]
        line = booking.lines[0]
        rows.append(
            {
                "showtime_id": booking.showtime_id,
                "id": booking.id,
                "category_id": line.category_id,
                "unit_price": line.unit_price,
                "subtotal": booking.subtotal,
                "fees": booking.fees,
                "tax": booking.tax,
                "total": booking.total,
                "before": before,
            }
        )
    await connection.execute(_REPRICED, msgspec.json.encode(rows).decode())
