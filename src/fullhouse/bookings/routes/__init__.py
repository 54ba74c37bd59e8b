"""Routes of the bookings, below ``/api/v1``: buying, the box office, and what is free."""

from fullhouse.bookings.routes import (
    availability,
    box_office,
    buying,
    closing,
    organizing,
    personal,
    sold,
)

ROUTES = [
    *buying.ROUTES,
    *box_office.ROUTES,
    *organizing.ROUTES,
    *availability.ROUTES,
    *personal.ROUTES,
    *closing.ROUTES,
    *sold.ROUTES,
]
