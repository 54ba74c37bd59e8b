"""One valid request of each route: the table that the permission matrix is made from."""

from collections.abc import Mapping

from tests.support.asks.accounts import ACCOUNTS, ORGANIZATIONS
from tests.support.asks.content import CONTENT
from tests.support.asks.events import EVENTS
from tests.support.asks.media import MEDIA
from tests.support.asks.sales import SALES
from tests.support.asks.seat_maps import SEAT_MAPS
from tests.support.asks.selling import SELLING
from tests.support.asks.shows import SHOWS
from tests.support.asks.showtimes import SHOWTIMES
from tests.support.asks.venues import VENUES
from tests.support.permissions_asks import Entry

TABLE: Mapping[str, tuple[Entry, ...]] = {
    **ACCOUNTS,
    **ORGANIZATIONS,
    **CONTENT,
    **EVENTS,
    **VENUES,
    **SHOWS,
    **SHOWTIMES,
    **MEDIA,
    **SALES,
    **SELLING,
    **SEAT_MAPS,
}
