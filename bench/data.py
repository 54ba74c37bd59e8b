"""What is sold in a bench: made by the product's own commands, buyers and tokens in bulk."""

import asyncio
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import msgspec

from bench.errors import BenchError
from fullhouse.accounts import queries as account_queries
from fullhouse.accounts.commands import registration as accounts
from fullhouse.accounts.passwords import PasswordHasher
from fullhouse.accounts.tokens import AccessTokens
from fullhouse.api.principal import Principal
from fullhouse.bookings.audit import Report, audit
from fullhouse.catalog.commands import creating
from fullhouse.catalog.commands import showtimes as showtime_commands
from fullhouse.catalog.drafts import CategoryDraft, EventDraft, ShowDraft, ShowtimeDraft
from fullhouse.catalog.rules import Policy
from fullhouse.kit.db import Database
from fullhouse.settings import Settings
from fullhouse.venues import templates
from fullhouse.venues.commands import places as venues
from fullhouse.venues.commands import seat_maps as seat_map_commands
from fullhouse.venues.queries.seat_maps import SeatMaps

BUYERS = 2_000
LISTED_EVENTS = 20
HALL_ROWS = 10
HALL_SEATS_PER_ROW = 10
# More than any bench can sell.
_COUNTED_PLACES = 10_000_000
_HALL_ROW_LABELS = [templates.row_label(row) for row in range(HALL_ROWS)]
# The longest there is: what is measured is selling, and not the end of holds.
_PASSWORD = "correct horse battery"
_POLICY = Policy(hold_seconds=86_400)
_TOKEN_SECONDS = 86_400
_SETTLE_SECONDS = 0.25
_MOST_SETTLING = 60


@dataclass(frozen=True)
class House:
    """What there is to sell, and who sells it."""

    organizer: Principal
    counted_event: UUID
    counted_category: UUID
    seated_event: UUID


def buyer_id(number: int) -> UUID:
    """The id of a buyer; pgbench reckons it out in the same way (``limit.sql``)."""
    return UUID(f"00000000-0000-7000-8000-{number:012x}")


async def furnish(url: str) -> House:
    """Fill an empty database with buyers and events."""
    database = Database(url, pool_size=4)
    hasher = _usual_hasher()
    try:
        await _add_buyers(database, await hasher.hash(_PASSWORD))
        user_id = await accounts.create_user(
            database,
            hasher,
            name="Organizer",
            email="organizer@example.org",
            password=_PASSWORD,
            role="ORGANIZER",
        )
        profile = await account_queries.profile(database, user_id)
        memberships = {part.organization_id: part.role for part in profile.memberships}
        organizer = Principal(user_id, profile.role, memberships)
        for number in range(LISTED_EVENTS):
            await _add_listed_event(database, organizer, number)
        return await _add_events_on_sale(database, organizer)
    finally:
        hasher.close()
        await database.close()


_OPENING = datetime.now(UTC) + timedelta(days=60)
_hours = itertools.count(0, 3)


async def add_showtimes(url: str, house: House, event_id: UUID, count: int) -> list[UUID]:
    """New showtimes of an event with nothing sold yet."""
    database = Database(url, pool_size=2)
    # A hall has one showtime at a time.
    drafts = [ShowtimeDraft(_OPENING + timedelta(hours=next(_hours))) for _ in range(count)]
    try:
        return await showtime_commands.add_showtimes(
            database, SeatMaps(database), house.organizer, event_id, drafts
        )
    finally:
        await database.close()


def write_tokens(file: Path, secret: str) -> None:
    """An access token for every buyer, one a line."""
    tokens = AccessTokens(secret, _TOKEN_SECONDS)
    buyers = (buyer_id(number) for number in range(BUYERS))
    file.write_text("".join(f"{tokens.issue(buyer, buyer)}\n" for buyer in buyers))


def write_counted_order(file: Path, house: House, showtime_id: UUID) -> None:
    """One counted place: the same for every buyer, hence once for each."""
    body = {
        "showtimeId": showtime_id,
        "items": [{"categoryId": house.counted_category, "quantity": 1}],
    }
    line = msgspec.json.encode(body) + b"\n"
    file.write_bytes(line * BUYERS)


def write_seat_orders(file: Path, showtimes: Sequence[UUID]) -> None:
    """One or two seats that nobody else asks for; neighbours in the file differ in showtime."""
    choices = list(_seat_choices())
    with file.open("wb") as output:
        for seats in choices:
            for showtime_id in showtimes:
                order = {"showtimeId": showtime_id, "seats": seats}
                output.write(msgspec.json.encode(order) + b"\n")


def orders_for_hall() -> int:
    """How many orders ``write_seat_orders`` makes of one showtime."""
    return len(list(_seat_choices()))


def _seat_choices() -> Iterator[list[str]]:
    seats = [
        f"{row}-{number}" for row in _HALL_ROW_LABELS for number in range(1, HALL_SEATS_PER_ROW + 1)
    ]
    size = 1
    while seats:
        yield seats[:size]
        seats = seats[size:]
        size = 3 - size


async def check_sold(url: str, showtimes: Sequence[UUID], accepted: int, in_flight: int) -> Report:
    """Compare what was answered with what is stored, then check every invariant.

    ``in_flight`` is how many more may have been sold than answered, because their buyers were
    gone by then. Raises BenchError for every breach.
    """
    database = Database(url, pool_size=1)
    try:
        stored = await _settled_count(database, showtimes)
        if not accepted <= stored <= accepted + in_flight:
            raise BenchError(f"{accepted} bookings were answered with 201, {stored} are stored")
        report = await audit(database)
    finally:
        await database.close()
    if not report.is_clean:
        raise BenchError(f"the audit found a breach: {report.broken} {report.examples[:3]}")
    return report


async def _settled_count(database: Database, showtimes: Sequence[UUID]) -> int:
    """The bookings of the showtimes, once no request is under way any more."""
    before = -1
    connection = await database.connect_raw()
    try:
        for _ in range(_MOST_SETTLING):
            now: int = await connection.fetchval(
                "SELECT count(*) FROM bookings WHERE showtime_id = ANY ($1)", list(showtimes)
            )
            if now == before:
                return now
            before = now
            await asyncio.sleep(_SETTLE_SECONDS)
    finally:
        await connection.close()
    raise BenchError("bookings are still being made after the load has ended")


def login_of(number: int, *, right: bool) -> bytes:
    """What a buyer sends to sign in; from ``BUYERS`` on there is no such buyer."""
    password = _PASSWORD if right else "incorrect horse battery"
    return msgspec.json.encode({"email": _email(number), "password": password})


def _email(number: int) -> str:
    return f"buyer{number}@example.org"


def _usual_hasher() -> PasswordHasher:
    """As strong as the server's, whose settings are not changed."""
    fields = Settings.model_fields
    return PasswordHasher(
        *(
            fields[f"password_hash_{part}"].default
            for part in ("memory_kib", "passes", "lanes", "threads")
        )
    )


async def _add_buyers(database: Database, password_hash: str) -> None:
    rows = [
        (buyer_id(number), "Buyer", _email(number), "USER", password_hash)
        for number in range(BUYERS)
    ]
    connection = await database.connect_raw()
    try:
        await connection.copy_records_to_table(
            "users", records=rows, columns=["id", "name", "email", "role", "password_hash"]
        )
        # One session for each, with the buyer's own id.
        await connection.execute(
            "INSERT INTO sessions (id, user_id, method, second_factor, address, agent, idle_until,"
            " ends_at, generation, token_hash) SELECT id, id, 'password', false, '', '',"
            " now() + interval '1 day', now() + interval '1 day', 1, '' FROM users"
        )
    finally:
        await connection.close()


async def _add_listed_event(database: Database, organizer: Principal, number: int) -> None:
    draft = EventDraft(
        title=f"Evening {number + 1}",
        description="Four bands, one night, and a description as long as most are.",
        show=ShowDraft("concert", 180, "Rock"),
        currency="USD",
        categories=(
            CategoryDraft("VIP", 15_000, 100, ("Front of stage", "Free drinks")),
            CategoryDraft("General", 5_000, 900),
        ),
        starts_at=datetime.now(UTC) + timedelta(days=30 + number),
        location="The Barn",
        publish=True,
    )
    await creating.create_event(database, SeatMaps(database), organizer, draft)


async def _add_events_on_sale(database: Database, organizer: Principal) -> House:
    maps = SeatMaps(database)
    counted = EventDraft(
        title="Everybody Comes",
        currency="USD",
        categories=(CategoryDraft("General", 5_000, _COUNTED_PLACES),),
        location="The Field",
        policy=_POLICY,
        # Nobody buys there; what has no showtime cannot be published.
        starts_at=_OPENING - timedelta(hours=3),
        publish=True,
    )
    counted_event = await creating.create_event(database, maps, organizer, counted)
    venue_id = await venues.create_venue(
        database, organizer, name="Cinema", city="Bern", country="CH", timezone="Europe/Zurich"
    )
    hall_id = await venues.create_hall(database, organizer, venue_id, "Hall 1")
    layout = templates.grid(HALL_ROWS, HALL_SEATS_PER_ROW)
    await seat_map_commands.put_seat_map(database, organizer, hall_id, layout)
    seated = EventDraft(
        title="A Movie",
        currency="USD",
        categories=(CategoryDraft("Standard", 1_200, sections=("Main",)),),
        venue_id=venue_id,
        hall_id=hall_id,
        policy=_POLICY,
        starts_at=_OPENING - timedelta(hours=3),
        publish=True,
    )
    seated_event = await creating.create_event(database, maps, organizer, seated)
    async with database.read_raw() as connection:
        category_id: UUID = await connection.fetchval(
            "SELECT id FROM categories WHERE event_id = $1", counted_event
        )
    return House(organizer, counted_event, category_id, seated_event)
