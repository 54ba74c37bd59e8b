"""Authenticator apps and recovery codes."""

import base64
import hmac
from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import UUID

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullhouse.accounts.second_factor import (
    SealBroken,
    SecretSeal,
    hash_recovery_code,
    matched_step,
    new_recovery_codes,
    new_totp_secret,
    otpauth_uri,
)

SERVER_SECRET = "a secret of at least thirty-two characters"
ADA, EVE = UUID(int=1), UUID(int=2)

# RFC 6238 appendix B: the secret, and codes of which six digits are the last of eight.
RFC_SECRET = base64.b32encode(b"12345678901234567890").decode()
RFC_CODES = [
    (59, "287082"),
    (1_111_111_109, "081804"),
    (1_111_111_111, "050471"),
    (1_234_567_890, "005924"),
    (2_000_000_000, "279037"),
    (20_000_000_000, "353130"),
]


def at(seconds: float) -> datetime:
    """So many seconds after 1970."""
    return datetime.fromtimestamp(seconds, UTC)


@pytest.mark.parametrize(("seconds", "code"), RFC_CODES)
def test_codes_are_those_of_the_standard(seconds: int, code: str) -> None:
    assert matched_step(RFC_SECRET, code, at(seconds)) == seconds // 30


def test_a_code_is_good_one_step_early_and_late_and_no_further() -> None:
    step = 37_037_037
    code = "050471"  # of the step's beginning at 1,111,111,110
    begin = step * 30
    for seconds in (begin - 30, begin - 1, begin, begin + 29.999, begin + 59.999):
        assert matched_step(RFC_SECRET, code, at(seconds)) == step
    for seconds in (begin - 31, begin + 60):
        assert matched_step(RFC_SECRET, code, at(seconds)) is None


def test_a_code_used_again_is_of_the_same_step() -> None:
    # The caller refuses a step that is not later than the last one.
    first = matched_step(RFC_SECRET, "050471", at(1_111_111_111))
    again = matched_step(RFC_SECRET, "050471", at(1_111_111_141))
    assert first == again


def test_the_time_zone_makes_no_difference() -> None:
    kathmandu = timezone(timedelta(hours=5, minutes=45))
    now = at(1_111_111_111).astimezone(kathmandu)
    assert matched_step(RFC_SECRET, "050471", now) == 37_037_037


@pytest.mark.parametrize("typed", [" 050 471 ", "050-471", "050471\n"])
def test_a_code_may_be_typed_in_groups(typed: str) -> None:
    assert matched_step(RFC_SECRET, typed, at(1_111_111_111)) == 37_037_037


@pytest.mark.parametrize(
    "typed", ["", "050472", "50471", "0504711", "००००००", "\ud800", "０５０４７１"]
)
def test_other_codes_match_no_step(typed: str) -> None:
    assert matched_step(RFC_SECRET, typed, at(1_111_111_111)) is None


def test_every_step_of_the_window_is_compared_in_constant_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compared: list[bytes] = []
    compare = hmac.compare_digest

    def noting(code: bytes, typed: bytes) -> bool:
        compared.append(code)
        return compare(code, typed)

    monkeypatch.setattr(hmac, "compare_digest", noting)
    now = at(1_111_111_111)
    for code in (pyotp.TOTP(RFC_SECRET).at(now, counter_offset=-1), "999999"):
        compared.clear()
        matched_step(RFC_SECRET, code, now)
        assert len(compared) == 3


def test_a_new_secret_has_160_bits() -> None:
    secrets = {new_totp_secret() for _ in range(50)}
    assert len(secrets) == 50
    assert {len(base64.b32decode(secret)) for secret in secrets} == {20}


@pytest.mark.parametrize("account", ["ada@example.com", "ü:/?&#%@example.com"])
def test_an_app_can_read_the_uri(account: str) -> None:
    uri = otpauth_uri(RFC_SECRET, account)
    parts = urlsplit(uri)
    assert (parts.scheme, parts.netloc) == ("otpauth", "totp")
    assert unquote(parts.path) == f"/Fullhouse:{account}"
    assert parse_qs(parts.query)["issuer"] == ["Fullhouse"]
    assert parse_qs(parts.query)["secret"] == [RFC_SECRET]
    # Apps take SHA-1, six digits and half a minute for granted; some know nothing else.
    others = set(parse_qs(parts.query)) - {"secret", "issuer"}
    assert not others


def test_a_sealed_secret_is_opened_for_its_user_only() -> None:
    seal = SecretSeal(SERVER_SECRET)
    sealed = seal.seal(ADA, RFC_SECRET)
    assert RFC_SECRET.encode() not in sealed
    assert seal.open(ADA, sealed) == RFC_SECRET
    assert SecretSeal(SERVER_SECRET).open(ADA, sealed) == RFC_SECRET
    with pytest.raises(SealBroken):
        seal.open(EVE, sealed)
    with pytest.raises(SealBroken):
        SecretSeal(SERVER_SECRET + "x").open(ADA, sealed)


def test_the_same_secret_is_never_sealed_the_same() -> None:
    seal = SecretSeal(SERVER_SECRET)
    assert len({seal.seal(ADA, RFC_SECRET) for _ in range(50)}) == 50


@given(st.binary(max_size=100))
def test_what_is_not_sealed_is_not_opened(text: bytes) -> None:
    with pytest.raises(SealBroken):
        SecretSeal(SERVER_SECRET).open(ADA, text)
    with pytest.raises(SealBroken):
        SecretSeal(SERVER_SECRET).open(ADA, b"\x01" + text)


def test_no_byte_of_a_sealed_secret_can_be_changed() -> None:
    seal = SecretSeal(SERVER_SECRET)
    sealed = seal.seal(ADA, RFC_SECRET)
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        with pytest.raises(SealBroken):
            seal.open(ADA, bytes(changed))
        with pytest.raises(SealBroken):
            seal.open(ADA, sealed[:place])


def test_there_are_ten_recovery_codes_of_120_bits() -> None:
    codes = new_recovery_codes()
    assert len(set(codes)) == 10
    for code in codes:
        groups = code.split("-")
        assert [len(group) for group in groups] == [4] * 6
        assert set("".join(groups)) <= set("0123456789ABCDEFGHJKMNPQRSTVWXYZ")
    # A letter that never comes among 24,000 has a chance below 32 × (31/32)^24000, about 10^-329.
    many = "".join("".join(new_recovery_codes()) for _ in range(100)).replace("-", "")
    assert len(set(many)) == 32


@given(st.data())
def test_a_recovery_code_may_be_typed_in_any_way(data: st.DataObject) -> None:
    code = "0123-4567-89AB-1110-JKMN-VWXY"
    typed = []
    for character in code.replace("-", ""):
        alike = {"0": "0Oo", "1": "1IiLl"}.get(character, character + character.lower())
        typed.append(data.draw(st.sampled_from(alike)))
        typed.append(data.draw(st.sampled_from(["", " ", "-", "\t", "–", "\u00a0"])))
    assert hash_recovery_code("".join(typed)) == hash_recovery_code(code)


def test_a_recovery_code_is_kept_as_a_hash_of_all_of_it() -> None:
    assert len(hash_recovery_code(new_recovery_codes()[0])) == 32
    assert hash_recovery_code("AAAA-BBBB") != hash_recovery_code("AAAA-BBBC")
