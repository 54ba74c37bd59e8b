"""One valid request of each route: the table that the permission matrix is made from."""

from collections.abc import Mapping

from tests.support.asks.accounts import ACCOUNTS, ORGANIZATIONS
from tests.support.asks.content import CONTENT
from tests.support.asks.sales import SALES
from tests.support.permissions_asks import Entry

TABLE: Mapping[str, tuple[Entry, ...]] = {**ACCOUNTS, **ORGANIZATIONS, **CONTENT, **SALES}
