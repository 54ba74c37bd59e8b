"""Refresh tokens and what they bring about: every state of a session, every kind of token."""

import base64
import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullhouse.accounts.devices import UNKNOWN, device_name
from fullhouse.accounts.sessions import (
    GRACE,
    PREFIX,
    Refreshing,
    RefreshToken,
    RefreshTokens,
    SessionState,
    refreshing,
)
from fullhouse.kit.ids import new_id

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TICK = timedelta(microseconds=1)
SECRET = "a secret of these tests, long enough"
TOKENS = RefreshTokens(SECRET)
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def chain(length: int, session_id: UUID | None = None) -> list[RefreshToken]:
    """The tokens of a session, the first one first."""
    tokens = [TOKENS.first(session_id or new_id())]
    while len(tokens) < length:
        tokens.append(TOKENS.successor(tokens[-1]))
    return tokens


def session_of(
    good: RefreshToken, previous: RefreshToken | None = None, rotated_at: datetime | None = None
) -> SessionState:
    """A session that goes on, as the database has it after the last rotation."""
    return SessionState(
        id=good.session_id,
        user_id=new_id(),
        method="password",
        second_factor=False,
        generation=good.generation,
        token_hash=good.hash,
        previous_hash=None if previous is None else previous.hash,
        rotated_at=rotated_at,
        idle_until=NOW + timedelta(days=30),
        ends_at=NOW + timedelta(days=180),
        ended_at=None,
    )


# --- deciding


def test_a_session_that_was_ended_is_over_for_every_token() -> None:
    first, second, third = chain(3)
    ended = replace(session_of(second, first, NOW), ended_at=NOW)
    for token in (first, second, third):
        assert refreshing(ended, token, NOW) is Refreshing.OVER


@pytest.mark.parametrize("end", ["idle_until", "ends_at"])
def test_a_session_runs_out_to_the_microsecond(end: str) -> None:
    first, second = chain(2)
    session = session_of(second, first, NOW - timedelta(seconds=1))
    ends: dict[str, Any] = {end: NOW}
    before, at = replace(session, **{end: ends[end] + TICK}), replace(session, **ends)
    assert refreshing(before, second, NOW) is Refreshing.ROTATE
    assert refreshing(before, first, NOW) is Refreshing.REPEAT
    for token in (first, second):
        assert refreshing(at, token, NOW) is Refreshing.OVER


def test_the_grace_is_ten_seconds_and_not_a_microsecond_more() -> None:
    assert timedelta(seconds=10) == GRACE
    first, second = chain(2)
    at_the_end = session_of(second, first, NOW - GRACE)
    too_late = session_of(second, first, NOW - GRACE - TICK)
    assert refreshing(at_the_end, first, NOW) is Refreshing.REPEAT
    assert refreshing(too_late, first, NOW) is Refreshing.THEFT
    # The good one is good all the same.
    assert refreshing(too_late, second, NOW) is Refreshing.ROTATE


def test_a_token_two_rotations_old_is_theft_even_at_once() -> None:
    first, second, third = chain(3)
    session = session_of(third, second, NOW)
    assert refreshing(session, first, NOW) is Refreshing.THEFT
    assert refreshing(session, second, NOW) is Refreshing.REPEAT


def test_before_the_first_rotation_only_the_first_token_is_good() -> None:
    first, second = chain(2)
    session = session_of(first)
    assert refreshing(session, first, NOW) is Refreshing.ROTATE
    assert refreshing(session, second, NOW) is Refreshing.THEFT
    assert refreshing(session, TOKENS.first(first.session_id), NOW) is Refreshing.THEFT


@given(
    used=st.integers(0, 7),
    good=st.integers(0, 7),
    age=st.timedeltas(timedelta(0), timedelta(seconds=30)),
    ended=st.booleans(),
    idle=st.timedeltas(timedelta(seconds=-30), timedelta(seconds=30)),
    longest=st.timedeltas(timedelta(seconds=-30), timedelta(seconds=30)),
)
def test_every_state_and_every_token(
    used: int, good: int, age: timedelta, ended: bool, idle: timedelta, longest: timedelta
) -> None:
    tokens = chain(8)
    session = replace(
        session_of(tokens[good], tokens[good - 1] if good else None, NOW - age if good else None),
        idle_until=NOW + idle,
        ends_at=NOW + longest,
        ended_at=NOW if ended else None,
    )
    if ended or idle <= timedelta(0) or longest <= timedelta(0):
        expected = Refreshing.OVER
    elif used == good:
        expected = Refreshing.ROTATE
    elif used == good - 1 and age <= GRACE:
        expected = Refreshing.REPEAT
    else:
        expected = Refreshing.THEFT
    assert refreshing(session, tokens[used], NOW) is expected


@given(steps=st.lists(st.sampled_from(["owner", "thief", "wait"]), max_size=25))
def test_a_stolen_token_ends_the_session_or_is_outlived(steps: list[str]) -> None:
    """Owner and thief begin with a copy of the same token, and each goes on with what they get.

    Whatever they do, in whatever order: at no time do two tokens rotate the session, and once both
    have been refused it is over.
    """
    (first,) = chain(1)
    holding: dict[str, RefreshToken | None] = {"owner": first, "thief": first}
    session, now = session_of(first), NOW
    for step in steps:
        if step == "wait":
            now += GRACE + TICK
            continue
        token = holding[step]
        if token is None:
            continue
        outcome = refreshing(session, token, now)
        if outcome is Refreshing.ROTATE:
            holding[step] = TOKENS.successor(token)
            session = replace(
                session,
                token_hash=TOKENS.successor(token).hash,
                previous_hash=token.hash,
                rotated_at=now,
            )
        elif outcome is Refreshing.REPEAT:
            holding[step] = TOKENS.successor(token)
            # What both hold now is the same token: no branch has come into being.
            assert TOKENS.successor(token).hash == session.token_hash
        else:
            holding[step] = None
            session = replace(session, ended_at=session.ended_at or now)
    left = [token for token in holding.values() if token is not None]
    good = {token.hash for token in left if refreshing(session, token, now) is Refreshing.ROTATE}
    assert len(good) <= 1
    if session.ended_at is not None:
        assert not good


# --- writing and reading


@given(generation=st.integers(1, 2**32 - 1), secret=st.binary(min_size=32, max_size=32))
def test_what_was_written_is_read(generation: int, secret: bytes) -> None:
    token = RefreshToken(new_id(), generation, secret)
    text = TOKENS.write(token)
    assert TOKENS.read(text) == token
    assert text.startswith(PREFIX)
    assert set(text.removeprefix(PREFIX)) <= set(ALPHABET)


def test_no_other_character_anywhere_is_read() -> None:
    """All of it is signed, the head, the secret and the signature itself; and one spelling only."""
    text = TOKENS.write(chain(3)[-1])
    for place, letter in enumerate(text):
        for other in {*ALPHABET, "+", "/", "=", " ", "\n", "é"} - {letter}:
            changed = text[:place] + other + text[place + 1 :]
            assert TOKENS.read(changed) is None, (place, other)


def test_no_bit_of_it_can_be_changed() -> None:
    signed = base64.urlsafe_b64decode(TOKENS.write(chain(1)[0]).removeprefix(PREFIX) + "=")
    for place in range(len(signed)):
        for bit in range(8):
            changed = bytearray(signed)
            changed[place] ^= 1 << bit
            text = PREFIX + base64.urlsafe_b64encode(changed).decode().rstrip("=")
            assert TOKENS.read(text) is None, (place, bit)


@pytest.mark.parametrize("text", ["", PREFIX, "fhk_", "eyJhbGciOiJub25lIn0.e30.", "fhr_é", "\x00"])
def test_what_is_no_token_is_not_read(text: str) -> None:
    assert TOKENS.read(text) is None


def test_neither_more_nor_less_of_it_is_read() -> None:
    text = TOKENS.write(chain(1)[0])
    for shorter in range(len(text)):
        assert TOKENS.read(text[:shorter]) is None, shorter
    for more in ("=", "==", "A", "AAAA", " ", "\n", text):
        assert TOKENS.read(text + more) is None, more
        assert TOKENS.read(more + text) is None, more
    assert TOKENS.read(text.upper()) is None


@given(text=st.text(max_size=120))
def test_no_text_is_an_accident(text: str) -> None:
    assert TOKENS.read(text) is None
    assert TOKENS.read(PREFIX + text) is None


def test_a_token_of_another_server_is_not_read() -> None:
    other = RefreshTokens(SECRET + "!")
    token = other.first(new_id())
    assert other.read(other.write(token)) == token
    assert TOKENS.read(other.write(token)) is None


def test_a_token_cannot_be_moved_to_another_session_or_generation() -> None:
    """What is signed is all three together: the secret of one is none for another."""
    token = chain(1)[0]
    body = base64.urlsafe_b64decode(TOKENS.write(token).removeprefix(PREFIX) + "=")
    for moved in (new_id().bytes + body[16:], body[:16] + b"\0\0\0\2" + body[20:]):
        text = PREFIX + base64.urlsafe_b64encode(moved).decode().rstrip("=")
        assert TOKENS.read(text) is None


# --- successors


def test_a_successor_is_always_the_same_and_of_the_same_session() -> None:
    token = chain(1)[0]
    after = TOKENS.successor(token)
    assert after == TOKENS.successor(token) == RefreshTokens(SECRET).successor(token)
    assert (after.session_id, after.generation) == (token.session_id, token.generation + 1)
    assert len(after.secret) == 32


def test_a_successor_cannot_be_told_without_the_servers_secret() -> None:
    token = chain(1)[0]
    assert RefreshTokens(SECRET + "!").successor(token).secret != TOKENS.successor(token).secret


def test_no_two_tokens_have_the_same_secret() -> None:
    """Nor those that differ in the session or the generation alone."""
    token = chain(1)[0]
    others = [replace(token, session_id=new_id()), replace(token, generation=2)]
    secrets = [one.secret for one in chain(50)]
    secrets += [TOKENS.successor(one).secret for one in (token, *others)]
    secrets += [TOKENS.first(token.session_id).secret for _ in range(50)]
    assert len(set(secrets)) == len(secrets)


def test_the_hash_is_all_that_a_session_has_of_it() -> None:
    token = chain(1)[0]
    assert token.hash == hashlib.sha256(token.secret).digest()
    state = repr(session_of(token, token, NOW))
    text = TOKENS.write(token)
    for form in (token.secret.hex(), repr(token.secret)[2:-1], text.removeprefix(PREFIX)):
        assert form not in state


# --- devices

_WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
         "Firefox on Linux"),
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_WEBKIT} Chrome/130.0 Safari/537.36",
         "Chrome on Windows"),
        (f"Mozilla/5.0 (Windows NT 10.0) {_WEBKIT} Chrome/130.0 Safari/537.36 Edg/130.0",
         "Edge on Windows"),
        (f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_WEBKIT} Version/18.1 Safari/605.1",
         "Safari on Mac"),
        (f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) {_WEBKIT} Version/18.1 "
         "Mobile/15E148 Safari/604.1", "Safari on iPhone"),
        (f"Mozilla/5.0 (iPad; CPU OS 18_1 like Mac OS X) {_WEBKIT} CriOS/130.0 Safari/604.1",
         "Chrome on iPad"),
        (f"Mozilla/5.0 (Linux; Android 15; Pixel 9) {_WEBKIT} Chrome/130.0 Mobile Safari/537.36",
         "Chrome on Android"),
        (f"Mozilla/5.0 (Linux; Android 14) {_WEBKIT} SamsungBrowser/26.0 Chrome/122.0 Safari/537",
         "Samsung Internet on Android"),
        (f"Mozilla/5.0 (X11; CrOS x86_64) {_WEBKIT} Chrome/130.0 OPR/110.0 Safari/537.36",
         "Opera on ChromeOS"),
        ("Mozilla/5.0 (X11; Linux x86_64)", "Linux"),
        ("curl/8.9.1", "curl"),
        ("BoxOffice/2.1 (Android 15)", "BoxOffice on Android"),
        ("python-httpx/0.28", "python-httpx"),
        ("", UNKNOWN),
        ("Mozilla/5.0", UNKNOWN),
        ("\u202egnp.exe", UNKNOWN),
        ("x" * 300, "x" * 40),
    ],
)  # fmt: skip
def test_a_device_has_a_name(agent: str, name: str) -> None:
    assert device_name(agent) == name


@given(agent=st.text(max_size=300))
def test_no_agent_is_an_accident(agent: str) -> None:
    name = device_name(agent)
    assert 0 < len(name) <= 60
    assert name.isascii() and name.isprintable()
