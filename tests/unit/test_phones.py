"""Phone numbers."""

import re

import phonenumbers
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fullhouse.accounts.phones import normalize_phone, shown
from fullhouse.kit.errors import Refused


def refusal(text: str, region: str | None = None) -> str:
    """What is said against the number."""
    with pytest.raises(Refused) as refused:
        normalize_phone(text, region)
    assert refused.value.code.name == "validation_failed"
    (error,) = refused.value.errors
    assert error.pointer == "/phone"
    return error.detail


@pytest.mark.parametrize(
    ("text", "region", "kept"),
    [
        ("+9779841234567", None, "+9779841234567"),
        (" +977 984-1234567 ", None, "+9779841234567"),
        ("+977 (0) 984 1234567", None, "+9779841234567"),
        ("+٩٧٧٩٨٤١٢٣٤٥٦٧", None, "+9779841234567"),
        ("+९७७९८४१२३४५६७", None, "+9779841234567"),
        ("9841234567", "NP", "+9779841234567"),
        ("984-123.4567", "np", "+9779841234567"),
        ("00977 9841234567", "NP", "+9779841234567"),
        # The region is only for numbers that name no country.
        ("+14155552671", "NP", "+14155552671"),
        ("+44 7400 123456", None, "+447400123456"),
        ("07400 123456", "GB", "+447400123456"),
        ("+91 98765 43210", None, "+919876543210"),
        ("+39 312 345 6789", None, "+393123456789"),
        # A number of the USA does not tell whether it is a mobile phone's.
        ("(212) 555-0123", "US", "+12125550123"),
    ],
)
def test_a_number_has_one_form(text: str, region: str | None, kept: str) -> None:
    assert normalize_phone(text, region) == kept


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("", None),
        ("+", None),
        ("+977", None),
        ("9841234567", None),
        ("9841234567", "XX"),
        ("9841234567", ""),
        ("+977 984-1234567 ext. 5", None),
        ("+1 415 CALL NOW", None),
        ("call +9779841234567", None),
        ("ada@example.com", None),
        ("1" * 1_000, None),
        ("+0009841234567", None),
    ],
)
def test_what_is_no_number_is_refused(text: str, region: str | None) -> None:
    assert refusal(text, region).startswith("must be a phone number with its country code")


@pytest.mark.parametrize(
    "text",
    [
        "+97798412345",
        "+977984123456789",
        "+97700000000000"[:13],
        "+12425551234",
        # An extension: no message finds its way behind it.
        "+9779841234567#5",
    ],
)
def test_what_no_phone_has_is_refused(text: str) -> None:
    assert refusal(text).startswith("must be a phone number that exists")


@pytest.mark.parametrize(
    "text",
    [
        "+1 900 555 1234",  # premium rate in the USA
        "+44 909 879 0000",  # and in Great Britain
        "+979 123456789",  # and of no country
        "+44 845 464 0000",  # shared cost
        "+44 7012 345678",  # a personal number, forwarded at the caller's cost
        "+44 808 157 0000",  # free for whoever calls
        "+800 12345678",
        "+44 20 7946 0000",  # a fixed line
        "+977 1-4412345",
        "+44 56 1234 5678",  # voice over IP
        "+881 612345678",  # satellites, which look like mobile phones
        "+870 773111632",
        "+882 13000000",
    ],
)
def test_numbers_that_take_no_message_or_cost_too_much_are_refused(text: str) -> None:
    assert refusal(text).startswith("must be the number of a mobile phone")


MOBILES = [
    phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    for region in ("NP", "IN", "US", "GB", "DE", "AR", "IT", "JP", "BR", "CI")
    if (number := phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE))
]


@pytest.mark.parametrize("phone", MOBILES)
@pytest.mark.parametrize(
    "form", [phonenumbers.PhoneNumberFormat.INTERNATIONAL, phonenumbers.PhoneNumberFormat.NATIONAL]
)
def test_every_way_of_writing_a_number_leads_to_the_same(phone: str, form: int) -> None:
    number = phonenumbers.parse(phone, None)
    region = phonenumbers.region_code_for_number(number)
    assert normalize_phone(phonenumbers.format_number(number, form), region) == phone


@given(
    st.text(max_size=60)
    | st.text("+0123456789 -()./,;#x*", max_size=30)
    | st.sampled_from(MOBILES).flatmap(lambda phone: st.text(max_size=3).map(phone.__add__)),
    st.sampled_from([None, "NP", "US", "GB"]),
)
@example("+9779841234567;ext=1", None)
@example("\0" * 60, "NP")
def test_what_is_accepted_is_e_164_and_stays_as_it_is(text: str, region: str | None) -> None:
    try:
        kept = normalize_phone(text, region)
    except Refused as refused:
        assert refused.errors[0].pointer == "/phone"
        return
    assert re.fullmatch(r"\+[1-9][0-9]{6,14}", kept)
    assert normalize_phone(kept) == kept


@pytest.mark.parametrize(
    ("phone", "mask"),
    [
        ("+9779841234512", "+977 …… 12"),
        ("+14155552671", "+1 …… 71"),
        ("+447400123456", "+44 …… 56"),
        # Kept before there were rules: nothing but the ending is told.
        ("not a number 12", "…… 12"),
    ],
)
def test_lists_show_the_country_and_the_ending(phone: str, mask: str) -> None:
    assert shown(phone) == mask
