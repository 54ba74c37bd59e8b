"""The demo: accounts, venues and events to try everything with, made through the usual commands."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog

from fullhouse.accounts import queries as account_queries
from fullhouse.accounts.commands.registration import create_user
from fullhouse.accounts.passwords import PasswordHasher
from fullhouse.accounts.store import organizations, users
from fullhouse.api.pagination import MOST, Slice
from fullhouse.api.permissions import PlatformRole
from fullhouse.api.principal import Principal
from fullhouse.catalog import queries as catalog_queries
from fullhouse.catalog.commands import creating, showtimes
from fullhouse.catalog.drafts import CategoryDraft, EventDraft, ShowDraft, ShowtimeDraft
from fullhouse.catalog.filters import Order, ShowtimeFilters, Viewer
from fullhouse.kit.db import Database, take_turns
from fullhouse.kit.errors import Refused
from fullhouse.venues import templates
from fullhouse.venues.commands import places as venues
from fullhouse.venues.commands import seat_maps as seat_map_commands
from fullhouse.venues.filters import Reader, VenueFilters
from fullhouse.venues.layout import Layout
from fullhouse.venues.queries import places as venue_queries
from fullhouse.venues.queries.seat_maps import SeatMaps

log = structlog.get_logger(__name__)

_CITY = "New York"
_COUNTRY = "US"
_TIMEZONE = "America/New_York"
_CURRENCY = "USD"
_ORGANIZATION = "Fullhouse Demo"
# Two servers may start with the demo at the same time: the second waits and finds it all there.
_LOCK = 5_147_301


class DemoRefused(Exception):
    """The database is somebody's own: no demo goes in there. The message says why."""


@dataclass(frozen=True, slots=True)
class DemoLogin:
    """An account of the demo."""

    name: str
    email: str
    password: str
    role: PlatformRole


ADMIN = DemoLogin("Demo Admin", "admin@test.com", "Admin123!", "ADMIN")
ORGANIZER = DemoLogin("Demo Organizer", "organizer@test.com", "Organizer123!", "ORGANIZER")
BUYER = DemoLogin("Demo Buyer", "buyer@test.com", "Buyer123!", "USER")
LOGINS = (ADMIN, ORGANIZER, BUYER)


@dataclass(frozen=True, slots=True)
class DemoSummary:
    """What this call has made: how many accounts, events and showtimes."""

    accounts: int
    events: int
    showtimes: int

    @property
    def changed(self) -> bool:
        """False when everything was there already."""
        return (self.accounts, self.events, self.showtimes) != (0, 0, 0)


@dataclass(frozen=True, slots=True)
class _Venue:
    name: str
    hall: str | None = None
    layout: Layout | None = None


@dataclass(frozen=True, slots=True)
class _Event:
    """An event of the demo. ``days`` from today and ``at`` in local time give its showtimes."""

    title: str
    description: str
    show: ShowDraft
    categories: tuple[CategoryDraft, ...]
    days: Sequence[int]
    at: time
    venue: _Venue | None = None
    location: str | None = None
    # Whether each day has its showtime, or one coming showtime on any day is enough.
    daily: bool = False


_ARENA = _Venue("City Arena")
_CENTER = _Venue("Convention Center")
_CINEMA = _Venue("Grand Cinema", "Hall 1", templates.grid(10, 10))
_THEATRE = _Venue(
    "Royal Theatre", "Main Stage", templates.stalls_and_balcony(16, 26, 8, 23, front_rows=4)
)


def _movie(title: str, description: str, minutes: int, genre: str, rating: str, at: time) -> _Event:
    return _Event(
        title=title,
        description=description,
        show=ShowDraft("movie", minutes, genre, "English", rating),
        categories=(CategoryDraft("Standard", 1_200, sections=("Main",)),),
        days=range(1, 8),
        at=at,
        venue=_CINEMA,
        daily=True,
    )


_EVENTS = (
    _Event(
        title="Rock Concert",
        description="Four bands, one night, a thousand places.",
        show=ShowDraft("concert", 180, "Rock"),
        categories=(
            CategoryDraft("VIP", 15_000, 100, ("Front of stage", "Free drinks")),
            CategoryDraft("General", 5_000, 900),
        ),
        days=(30,),
        at=time(20),
        venue=_ARENA,
    ),
    _Event(
        title="Tech Conference",
        description="A day of talks about software that lasts.",
        show=ShowDraft("conference", 540),
        categories=(
            CategoryDraft("Premium", 20_000, 50, ("Workshops", "Speakers' dinner")),
            CategoryDraft("Student", 3_000, 200),
            CategoryDraft("General", 8_000, 250),
        ),
        days=(45,),
        at=time(9),
        venue=_CENTER,
    ),
    _movie("The Last Lighthouse", "A keeper, a storm, a secret.", 118, "Drama", "PG", time(14)),
    _movie("Orbit of Fools", "Five astronauts, one spare part.", 104, "Comedy", "PG-13", time(17)),
    _movie("Night Train North", "Everybody on board is lying.", 131, "Thriller", "R", time(20, 30)),
    _Event(
        title="Open Day",
        description="Come in, look around, ask everything. Free, but places are limited.",
        show=ShowDraft("other", 240),
        categories=(CategoryDraft("Entry", 0, 60),),
        days=(14,),
        at=time(10),
        location="Fullhouse Studio, 1 Main Square, New York",
    ),
    _Event(
        title="The Glass Garden",
        description="A play in three acts.",
        show=ShowDraft("play", 150, "Drama", "English"),
        categories=(
            CategoryDraft("Premium", 12_000, benefits=("Programme",), sections=("Front Stalls",)),
            CategoryDraft("Standard", 8_000, sections=("Stalls",)),
            CategoryDraft("Balcony", 4_500, sections=("Balcony",)),
        ),
        days=(10, 11, 12),
        at=time(19, 30),
        venue=_THEATRE,
    ),
)


async def load_demo(
    database: Database, hasher: PasswordHasher, seat_maps: SeatMaps, now: datetime
) -> DemoSummary:
    """Make what the demo lacks: everything at first, later showtimes for the days to come.

    Called again on the same day it changes nothing. Raises DemoRefused when the database has
    organizations but never had the demo.
    """
    async with database.begin() as lock:
        await take_turns(lock, _LOCK)
        stranger = await _other_organization(database)
        if stranger is not None:
            raise DemoRefused(
                f"This database has the organization “{stranger}”, which is not the demo's. "
                "Load the demo into an empty database."
            )
        return await _complete(database, hasher, seat_maps, now)


async def _complete(
    database: Database, hasher: PasswordHasher, seat_maps: SeatMaps, now: datetime
) -> DemoSummary:
    new_accounts = [await _ensure_account(database, hasher, login) for login in LOGINS]
    organizer = await _principal(database, ORGANIZER)
    ids = await _own_events(database, organizer)
    new_events = new_showtimes = 0
    for event in _EVENTS:
        event_id = ids.get(event.title)
        try:
            if event_id is None:
                new_showtimes += await _make_event(database, seat_maps, organizer, event, now)
                new_events += 1
            else:
                new_showtimes += await _ensure_showtimes(
                    database, seat_maps, organizer, event_id, event, now
                )
        except Refused as refused:
            # Whoever tried the demo has moved, renamed or cancelled things: it is theirs now.
            log.info("demo_event_left_as_it_is", title=event.title, code=refused.code.name)
    return DemoSummary(sum(new_accounts), new_events, new_showtimes)


async def _own_events(database: Database, organizer: Principal) -> dict[str, UUID]:
    """The organizer's events by their titles, of which the oldest counts."""
    ids: dict[str, UUID] = {}
    offset = 0
    while rows := (
        await catalog_queries.own_events(database, organizer, Slice(MOST, offset=offset))
    ).items:
        ids |= {row.title: row.id for row in rows}
        offset += len(rows)
    return ids


async def _other_organization(database: Database) -> str | None:
    """The name of somebody's organization in a database that never had the demo."""
    if await _user_id(database, ORGANIZER) is not None:
        # Whoever registered beside the demo came to try it, and the demo stays the demo.
        return None
    async with database.read() as connection:
        return await organizations.other_organization(connection, ORGANIZER.email)


async def _ensure_account(database: Database, hasher: PasswordHasher, login: DemoLogin) -> bool:
    if await _user_id(database, login) is not None:
        return False
    await create_user(
        database,
        hasher,
        name=login.name,
        email=login.email,
        password=login.password,
        role=login.role,
        organization_name=_ORGANIZATION if login is ORGANIZER else None,
    )
    return True


async def _user_id(database: Database, login: DemoLogin) -> UUID | None:
    async with database.read() as connection:
        found = await users.find_credentials(connection, email=login.email)
    return None if found is None else found.user_id


async def _principal(database: Database, login: DemoLogin) -> Principal:
    user_id = await _user_id(database, login)
    assert user_id is not None  # made a moment ago
    profile = await account_queries.profile(database, user_id)
    memberships = {joined.organization_id: joined.role for joined in profile.memberships}
    return Principal(user_id, profile.role, memberships)


async def _make_event(
    database: Database,
    seat_maps: SeatMaps,
    organizer: Principal,
    event: _Event,
    now: datetime,
) -> int:
    """Make and publish an event with its showtimes; answers how many."""
    drafts = tuple(ShowtimeDraft(start) for start in _starts(event, now))
    venue_id = hall_id = None
    if event.venue is not None:
        venue_id, hall_id = await _ensure_venue(database, organizer, event.venue)
    draft = EventDraft(
        title=event.title,
        description=event.description,
        show=event.show,
        currency=_CURRENCY,
        categories=event.categories,
        venue_id=venue_id,
        hall_id=hall_id,
        location=event.location,
        timezone=_TIMEZONE,
        showtimes=drafts,
        publish=True,
    )
    await creating.create_event(database, seat_maps, organizer, draft)
    return len(drafts)


async def _ensure_venue(
    database: Database, organizer: Principal, venue: _Venue
) -> tuple[UUID, UUID | None]:
    """The venue and its hall, if it has one; the movies of a cinema share theirs."""
    own = VenueFilters(Reader.of(organizer), own_only=True)
    listed = await venue_queries.venues(database, own, Order("name"), Slice(MOST))
    known = [row.venue.id for row in listed.part.items if row.venue.name == venue.name]
    venue_id = (
        known[0]
        if known
        else await venues.create_venue(
            database,
            organizer,
            name=venue.name,
            city=_CITY,
            country=_COUNTRY,
            timezone=_TIMEZONE,
        )
    )
    if venue.hall is None or venue.layout is None:
        return venue_id, None
    halls = (await venue_queries.venue(database, venue_id, Reader.of(organizer))).halls
    hall = next((hall for hall in halls if hall.name == venue.hall), None)
    hall_id = (
        hall.id
        if hall is not None
        else await venues.create_hall(database, organizer, venue_id, venue.hall)
    )
    if hall is None or hall.seat_map_id is None:
        await seat_map_commands.put_seat_map(database, organizer, hall_id, venue.layout)
    return venue_id, hall_id


async def _ensure_showtimes(
    database: Database,
    seat_maps: SeatMaps,
    organizer: Principal,
    event_id: UUID,
    event: _Event,
    now: datetime,
) -> int:
    """Add the showtimes that the coming days lack; answers how many."""
    coming = await catalog_queries.showtimes(
        database,
        ShowtimeFilters(Viewer.of(organizer), event_id=event_id),
        Order("startsAt"),
        Slice(MOST),
    )
    if coming.items and not event.daily:
        return 0
    known = {row.starts_at for row in coming.items}
    drafts = [ShowtimeDraft(start) for start in _starts(event, now) if start not in known]
    added = 0
    for draft in drafts:
        # One by one: another showtime may have the hall at one of these times.
        with contextlib.suppress(Refused):
            await showtimes.add_showtimes(database, seat_maps, organizer, event_id, [draft])
            added += 1
    return added


def _starts(event: _Event, now: datetime) -> list[datetime]:
    """When the coming showtimes begin."""
    zone = ZoneInfo(_TIMEZONE)
    today = now.astimezone(zone).date()
    return [datetime.combine(today + timedelta(days=days), event.at, zone) for days in event.days]
