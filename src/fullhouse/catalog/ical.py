"""Calendars as programs for calendars read them (RFC 5545), written by icalendar.

Times are in UTC: exact also in the hour that comes twice, and every program shows them in the zone
of whoever looks. There is no METHOD: a feed is fetched again, and nobody is invited.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import icalendar

from fullhouse.api.schemas import UNSEEN

_PRODUCT = "-//Fullhouse//Fullhouse//EN"
# How often programs are asked to fetch it again.
_REFRESH = timedelta(hours=1)
# What programs might take for the end of a line, or cannot show: also Unicode's own line ends.
_UNSEEN = re.compile(rf"[{UNSEEN}\u2028\u2029]+")


@dataclass(frozen=True, slots=True)
class Entry:
    """One showtime in a calendar.

    Attributes:
        id: of the showtime, by which programs know the entry again.
        revision: rises with every change.
        revised_at: when what is shown here was written.
        place: where, in words; empty where nobody said.
        coordinates: latitude and longitude in degrees, WGS 84.
    """

    id: UUID
    title: str
    starts_at: datetime
    ends_at: datetime
    cancelled: bool
    revision: int
    revised_at: datetime
    place: str
    coordinates: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Calendar:
    """A calendar with its name and the time zone (IANA) of its place."""

    id: UUID
    name: str
    timezone: str
    entries: Sequence[Entry]


def place_of(
    *,
    hall: str | None,
    venue: str | None,
    address: str | None,
    city: str | None,
    country: str | None,
) -> str:
    """Where something is, in words; city and country only where the address does not end in them.

    A city counts as said where it stands between commas or lines, alone or with a postal code:
    that a street is called after it says nothing.
    """
    parts = [part.strip() for part in re.split(r"[,\n]", address or "") if part.strip()]
    said = {_without_codes(part) for part in parts} - {""}
    if parts and country and parts[-1].casefold() == country.casefold():
        country = None
    if city and _without_codes(city) in said:
        city = None
    return ", ".join(part for part in (hall, venue, *parts, city, country) if part)


def written(calendar: Calendar) -> bytes:
    """The calendar as text/calendar, in UTF-8."""
    document = icalendar.Calendar()
    document.add("prodid", _PRODUCT)
    document.add("version", "2.0")
    # By its present name (RFC 7986 §5.1) and by that which most programs look for.
    document.add("name", _line(calendar.name))
    document.add("x-wr-calname", icalendar.vText(_line(calendar.name)))
    document.add("x-wr-timezone", calendar.timezone)
    document.add("refresh-interval", _REFRESH, parameters={"VALUE": "DURATION"})
    for entry in calendar.entries:
        document.add_component(_event(entry))
    text: bytes = document.to_ical()
    return text


def _event(entry: Entry) -> icalendar.Event:
    event = icalendar.Event()
    event.add("uid", str(entry.id))
    event.add("dtstamp", entry.revised_at)
    event.add("sequence", entry.revision)
    event.add("dtstart", entry.starts_at)
    event.add("dtend", entry.ends_at)
    event.add("summary", _line(entry.title))
    event.add("status", "CANCELLED" if entry.cancelled else "CONFIRMED")
    if entry.place:
        event.add("location", _line(entry.place))
    if entry.coordinates is not None:
        event.add("geo", entry.coordinates)
    return event


def _without_codes(part: str) -> str:
    """A part of an address in one form, without anything that has a digit in it."""
    words = part.casefold().split()
    return " ".join(word for word in words if not any(map(str.isdigit, word)))


def _line(text: str) -> str:
    """The text without anything that could begin a line of its own."""
    return _UNSEEN.sub(" ", text).strip()
