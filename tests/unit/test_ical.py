"""Where a calendar says that something is."""

import pytest

from fullhouse.catalog.ical import place_of


@pytest.mark.parametrize(
    ("address", "city", "country", "expected"),
    [
        # A street that is called after the city does not say the city.
        ("12 Rue de Paris", "Paris", "FR", "12 Rue de Paris, Paris, FR"),
        ("Basel Road 5", "Basel", "CH", "Basel Road 5, Basel, CH"),
        ("Baselstrasse 5", "Basel", "CH", "Baselstrasse 5, Basel, CH"),
        ("", "Basel", "CH", "Basel, CH"),
        ("1770, Captain Cook Drive", "1770", "AU", "1770, Captain Cook Drive, 1770, AU"),
        ("Lane 1", "", "", "Lane 1"),
        (None, None, None, ""),
        ("Lange Gasse 5, 4052 Basel", "Basel", "CH", "Lange Gasse 5, 4052 Basel, CH"),
        ("Lange Gasse 5\n4052 BASEL\n", "Basel", "CH", "Lange Gasse 5, 4052 BASEL, CH"),
        ("St James Rd, London SW1A 2AA, GB", "London", "GB", "St James Rd, London SW1A 2AA, GB"),
        ("Lane 1, Basel, Baselland", "Basel", "CH", "Lane 1, Basel, Baselland, CH"),
        ("5th Ave, New  York, NY 10118", "New York", "US", "5th Ave, New  York, NY 10118, US"),
    ],
)
def test_the_city_is_said_once(
    address: str | None, city: str | None, country: str | None, expected: str
) -> None:
    where = place_of(hall=None, venue=None, address=address, city=city, country=country)
    assert where == expected
    where = place_of(hall="Large", venue="Rex", address=address, city=city, country=country)
    assert where == ", ".join(part for part in ("Large, Rex", expected) if part)
