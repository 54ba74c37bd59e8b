"""Codes, tokens and API keys."""

import hashlib
import hmac
import re
import secrets
import string
import zlib
from collections import Counter
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullhouse.accounts import one_time
from fullhouse.accounts.one_time import (
    API_KEY_PATTERN,
    hash_code,
    hash_token,
    matches,
    new_api_key,
    new_code,
    new_token,
    read_api_key,
)

SECRET = "a secret of at least thirty-two characters"
REQUEST = UUID(int=1)
KEY = "fhk_0123456789AB_" + "x" * 43


def test_a_code_has_six_digits_whatever_the_number(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def lowest(limit: int) -> int:
        asked.append(limit)
        return 7

    monkeypatch.setattr(secrets, "randbelow", lowest)
    assert new_code() == "000007"
    # Every number below a million, none likelier than another: randbelow is uniform.
    assert asked == [1_000_000]


def test_codes_differ_and_begin_with_any_digit() -> None:
    codes = [new_code() for _ in range(2_000)]
    assert all(re.fullmatch("[0-9]{6}", code) for code in codes)
    assert len(set(codes)) > 1_900
    # That one of ten digits is missing among 2,000 has a chance of 10 × 0.9^2000, below 10^-90.
    assert len(Counter(code[0] for code in codes)) == 10


def test_a_code_is_good_for_its_request_only() -> None:
    known = hash_code(SECRET, REQUEST, "012345")
    assert matches(SECRET, REQUEST, "012345", known)
    assert matches(SECRET, REQUEST, " 012 345\n", known)
    assert matches(SECRET, REQUEST, "012-345", known)
    for wrong in ("12345", "0123456", "012346", "", "０１２３４５", "\ud800"):
        assert not matches(SECRET, REQUEST, wrong, known)
    assert not matches(SECRET, UUID(int=2), "012345", known)
    assert not matches(SECRET + "x", REQUEST, "012345", known)
    assert not matches(SECRET, REQUEST, "012345", b"")


def test_a_kept_code_cannot_be_computed_without_the_secret() -> None:
    known = hash_code(SECRET, REQUEST, "012345")
    assert len(known) == 32
    message = REQUEST.bytes + b"012345"
    assert known != hashlib.sha256(message).digest()
    # Nor is the server's secret itself the key, which signs other things too.
    assert known != hmac.digest(SECRET.encode(), message, "sha256")


def test_codes_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[bytes, bytes]] = []

    def noting(left: bytes, right: bytes) -> bool:
        compared.append((left, right))
        return True

    known = hash_code(SECRET, REQUEST, "012345")
    monkeypatch.setattr(hmac, "compare_digest", noting)
    assert matches(SECRET, REQUEST, "999999", known)
    assert [right for _, right in compared] == [known]


def test_a_token_has_256_bits_and_goes_into_a_url() -> None:
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert all(re.fullmatch("[A-Za-z0-9_-]{43}", token) for token in tokens)


def test_a_token_is_kept_as_its_sha_256() -> None:
    assert hash_token("abc") == hashlib.sha256(b"abc").digest()
    assert hash_token("abc") != hash_token("abd")
    assert len(hash_token("\ud800")) == 32


def test_a_new_key_is_read_again() -> None:
    key = new_api_key()
    sent = read_api_key(key.text)
    assert sent is not None
    assert (sent.shown, sent.hash) == (key.shown, key.hash)
    assert key.hash == hash_token(key.text)
    assert re.fullmatch(API_KEY_PATTERN, key.text)
    assert key.text.startswith(f"{key.shown}_")
    assert re.fullmatch("fhk_[0-9A-Za-z]{12}", key.shown)


def test_what_is_kept_and_shown_of_a_key_gives_it_not_away() -> None:
    key = new_api_key()
    assert key.hash == hashlib.sha256(key.text.encode()).digest()
    assert len(key.text) - len(key.shown) == 1 + 43 + 6


def test_keys_differ() -> None:
    keys = [new_api_key() for _ in range(200)]
    assert len({key.shown for key in keys}) == 200
    assert len({key.text.split("_")[2] for key in keys}) == 200
    used = set("".join(key.text.split("_")[2] for key in keys))
    assert used == set(string.ascii_letters + string.digits)


def with_checksum(body: str) -> str:
    """The text with its CRC-32 in base 62 behind it, worked out in another way than the code."""
    alphabet = string.digits + string.ascii_uppercase + string.ascii_lowercase
    number = zlib.crc32(body.encode())
    return body + "".join(alphabet[number // 62**place % 62] for place in (5, 4, 3, 2, 1, 0))


def test_the_checksum_is_the_documented_one() -> None:
    assert read_api_key(with_checksum(KEY)) is not None
    # A right checksum does not make up for a wrong form.
    for body in (KEY + "x", KEY[:-1], KEY.replace("fhk", "fhx"), KEY.replace("_", "-")):
        assert read_api_key(with_checksum(body)) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "fhk_",
        KEY,
        KEY + "000000",
        "Bearer " + KEY,
        "ghp_" + KEY[4:] + "000000",
        "fhk_0123456789AB" + "_" * 50,
        "٣" * 66,
        "\ud800" * 66,
        "x" * 1_000_000,
    ],
)
def test_what_is_no_key_is_not_read(text: str) -> None:
    assert read_api_key(text) is None


@given(st.data())
def test_a_typing_error_in_a_key_is_noticed(data: st.DataObject) -> None:
    text = new_api_key().text
    place = data.draw(st.integers(min_value=0, max_value=len(text) - 1))
    instead = data.draw(st.sampled_from(sorted(set(one_time._BASE62) - {text[place]})))
    # CRC-32 notices every change within 32 bits, so this is certain and not only likely.
    assert read_api_key(text[:place] + instead + text[place + 1 :]) is None
    assert read_api_key(text[:place] + text[place + 1 :]) is None
    assert read_api_key(f"{text}\n") is None
