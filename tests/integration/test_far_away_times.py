"""Times at the calendar's ends, where drivers and arithmetic give up."""

import httpx
import pytest

from tests.support.catalog import API, made_event
from tests.support.organizations import organizer

ENDS = ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "0001-01-01T00:00:00+23:59"]


@pytest.mark.parametrize("name", ["salesOpenAt", "salesCloseAt"])
@pytest.mark.parametrize("moment", ENDS)
async def test_sales_open_and_close_within_reach(
    client: httpx.AsyncClient, name: str, moment: str
) -> None:
    """The ends come back from PostgreSQL as moments that no sale can be compared with."""
    headers = (await organizer(client)).headers
    event = await made_event(client, headers)
    answer = await client.patch(f"{API}/events/{event['id']}", json={name: moment}, headers=headers)
    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [f"/{name}"]


@pytest.mark.parametrize("path", ["/events", "/events/facets", "/showtimes"])
@pytest.mark.parametrize("query", ["date=0001-01-01", "date=9999-12-31", "from=0001-01-01"])
async def test_lists_of_days_that_have_no_neighbours(
    client: httpx.AsyncClient, path: str, query: str
) -> None:
    answer = await client.get(f"{API}{path}?{query}")
    assert answer.status_code == 422, answer.text


@pytest.mark.parametrize("path", ["/events", "/venues"])
async def test_a_cursor_of_nothing(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(f"{API}{path}?cursor=W10")
    assert answer.json()["errors"][0]["pointer"] == "cursor"
