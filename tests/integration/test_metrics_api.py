"""``GET /metrics``: what is counted, and who may read it."""

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from fullhouse.app import compose
from fullhouse.parts import Parts, make_parts
from fullhouse.settings import Settings, SettingsError
from tests.support.house import API, open_house
from tests.support.people import signed_in
from tests.support.settings import settings_for
from tests.support.things import Reply, ask

PATH = "/metrics"


def read(page: str) -> dict[str, float]:
    """Every sample by its name and labels, without the process."""
    found = {}
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            labels = [value for name, value in sample.labels.items() if name != "process"]
            assert sample.labels["process"].isdigit()
            found[" ".join([sample.name, *labels])] = sample.value
    return found


async def figures(client: httpx.AsyncClient) -> dict[str, float]:
    answer = await client.get(PATH)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert answer.headers["cache-control"] == "no-store"
    return read(answer.text)


async def test_what_became_of_reads(client: httpx.AsyncClient, parts: Parts) -> None:
    # When it begins to hear, all that was kept before is forgotten.
    await parts.listener.connected.wait()
    before = await figures(client)
    path = f"{API}/events?limit=3"
    took = {"Accept-Encoding": "gzip"}
    for _ in range(3):
        await client.get(path, headers=took)
    parts.answers.forget("events")
    await client.get(path, headers=took)
    after = await figures(client)
    answers = "fullhouse_answers_total l1 "
    assert {
        outcome: after[answers + outcome] - before[answers + outcome]
        for outcome in ("hit", "wait", "miss", "stale")
    } == {"hit": 2, "wait": 0, "miss": 1, "stale": 1}
    assert after["fullhouse_answers_kept"] == len(parts.answers)
    assert after["fullhouse_answers_kept_bytes"] == parts.answers.kept_bytes > 0
    # Without a Valkey there is no second level.
    assert not any(name.startswith("fullhouse_answers_total l2") for name in after)


async def test_what_became_of_reads_about_seats(client: httpx.AsyncClient) -> None:
    stalls = {"name": "Stalls", "price": {"amount": 900}, "sections": ["Main"]}
    grid = {"template": "grid", "rows": 2, "seatsPerRow": 2}
    house = await open_house(client, [stalls], seat_map=grid)
    buyer = await signed_in(client)
    before = await figures(client)
    path = f"{API}/showtimes/{house.showtime_id}/availability"
    etags = [(await client.get(path)).headers["ETag"] for _ in range(2)]
    await client.get(path, headers={"If-None-Match": etags[1]})
    booked = await client.post(f"{API}/bookings", json=house.seats("A-1"), headers=buyer)
    assert booked.status_code == 201
    await client.get(path, headers={"If-None-Match": etags[1]})
    after = await figures(client)
    answers = "fullhouse_answers_total seats "
    assert {
        outcome: after[answers + outcome] - before[answers + outcome]
        for outcome in ("hit", "wait", "miss", "stale")
    } == {"hit": 2, "wait": 0, "miss": 1, "stale": 1}


async def test_what_was_compressed(client: httpx.AsyncClient) -> None:
    before = await figures(client)
    for coding in ("br", "br", "gzip"):
        reply = await client.get("/docs/errors", headers={"Accept-Encoding": coding})
        assert reply.headers["content-encoding"] == coding
    after = await figures(client)
    made = {
        coding: after[f"fullhouse_compressions_total {coding}"]
        - before[f"fullhouse_compressions_total {coding}"]
        for coding in ("zstd", "br", "gzip")
    }
    # The page of figures itself is compressed, too, as this client takes it.
    assert made["br"] == 2
    assert made["gzip"] >= 1
    grown, shrunk = (
        after[f"fullhouse_compression_{side}_bytes_total"]
        - before[f"fullhouse_compression_{side}_bytes_total"]
        for side in ("input", "output")
    )
    assert grown > 2 * shrunk > 0


async def test_it_is_not_kept_for_the_next_reader(client: httpx.AsyncClient, parts: Parts) -> None:
    await parts.listener.connected.wait()
    await client.get(f"{API}/events?limit=4")
    first = await figures(client)
    await client.get(f"{API}/events?limit=4")
    second = await figures(client)
    name = "fullhouse_answers_total l1 hit"
    assert second[name] == first[name] + 1


async def asked(settings: Settings, peer: str | None, headers: dict[str, str]) -> Reply:
    """What a client there gets."""
    parts = make_parts(settings)
    reply = await ask(compose(parts), PATH, peer=peer, headers=headers)
    await parts.database.close()
    return reply


@pytest.mark.parametrize(
    ("setting", "peer", "headers", "allowed"),
    [
        (None, "127.0.0.1", {}, True),
        (None, "127.3.2.1", {}, True),
        (None, "::1", {}, True),
        (None, "203.0.113.9", {}, False),
        (None, None, {}, False),
        ("10.0.0.0/8, unix", "10.1.2.3", {}, True),
        ("10.0.0.0/8, unix", None, {}, True),
        ("10.0.0.0/8, unix", "127.0.0.1", {}, False),
        ("", "127.0.0.1", {}, False),
        # Through a proxy on the same machine everybody comes from there.
        (None, "127.0.0.1", {"X-Forwarded-For": "203.0.113.9"}, False),
        (None, "127.0.0.1", {"Forwarded": "for=203.0.113.9"}, False),
        (None, "127.0.0.1", {"Via": "1.1 proxy"}, False),
        (None, "127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, False),
    ],
    ids=[
        "this machine", "this machine's network", "this machine by IPv6", "elsewhere",
        "a Unix socket", "listed", "listed socket", "not listed", "nobody",
        "X-Forwarded-For", "Forwarded", "Via", "a forwarded local address",
    ],
)  # fmt: skip
async def test_who_may_read_them(
    database_url: str, setting: str | None, peer: str | None, headers: dict[str, str], allowed: bool
) -> None:
    options = {} if setting is None else {"metrics_from": setting}
    reply = await asked(settings_for(database_url, **options), peer, headers)
    assert reply.status == (200 if allowed else 404)
    assert (b"fullhouse_answers" in reply.body) is allowed


async def test_a_trusted_proxy_opens_no_door(database_url: str) -> None:
    settings = settings_for(database_url, trusted_proxies="127.0.0.1")
    reply = await asked(settings, "127.0.0.1", {"X-Forwarded-For": "127.0.0.1"})
    assert reply.status == 404


def test_a_list_that_is_none_is_refused(database_url: str) -> None:
    with pytest.raises(SettingsError, match="FULLHOUSE_METRICS_FROM: 'everybody' is no IP address"):
        make_parts(settings_for(database_url, metrics_from="everybody"))
