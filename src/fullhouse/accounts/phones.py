"""Phone numbers: one form for each, and only such as text messages reach for the usual price."""

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

from fullhouse.api.errors import VALIDATION_FAILED
from fullhouse.kit.errors import FieldError, Refused

# In some countries, such as the USA, a number does not tell what it belongs to.
_TAKE_MESSAGES = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)
# Numbers of no country: satellites and international services, of any price.
_NOWHERE = "001"

_EXAMPLE = "such as +977 984-1234567"
_HIDDEN = "……"
_DIGITS_SHOWN = 2


def normalize_phone(text: str, region: str | None = None) -> str:
    """The number in the one form in which it is kept and compared: E.164, ``+9779841234567``.

    Args:
        text: as typed, with its country code or, given a region, without.
        region: ISO 3166-1 alpha-2 code of the country whose national numbers are understood.

    Raises Refused(VALIDATION_FAILED) for what cannot be a number, and for numbers that no text
    message reaches or that cost whoever sends one more than usual (toll fraud).
    """
    # Letters stand for digits on a keypad; here they are more often a slip, or an extension.
    if any(character.isalpha() for character in text):
        raise _refuse(f"must be a phone number with its country code, {_EXAMPLE}")
    try:
        number = phonenumbers.parse(text, region.upper() if region else None)
    except NumberParseException:
        raise _refuse(f"must be a phone number with its country code, {_EXAMPLE}") from None
    if number.extension or not phonenumbers.is_valid_number(number):
        raise _refuse(f"must be a phone number that exists, {_EXAMPLE}")
    if (
        phonenumbers.number_type(number) not in _TAKE_MESSAGES
        or phonenumbers.region_code_for_number(number) == _NOWHERE
    ):
        raise _refuse("must be the number of a mobile phone, which can get text messages")
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def shown(phone: str) -> str:
    """How lists show a kept number: ``+977 …… 67``, the country and the last digits."""
    ending = phone[-_DIGITS_SHOWN:]
    try:
        country = phonenumbers.parse(phone, None).country_code
    except NumberParseException:
        return f"{_HIDDEN} {ending}"
    return f"+{country} {_HIDDEN} {ending}"


def _refuse(detail: str) -> Refused:
    return Refused(VALIDATION_FAILED, errors=(FieldError("/phone", detail),))
