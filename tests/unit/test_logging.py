"""What is logged: everything but secrets, and the access log at once."""

import io
import json
import logging as standard
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError

from fullhouse.api.context import request_id
from fullhouse.kit import logging
from fullhouse.kit.redaction import (
    MOST_CHARACTERS,
    REDACTED,
    message_of,
    names_secret,
    redact,
    scrub,
    traceback_of,
)

CANARY = "kanarie7f3a9c"
JWT = f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.{CANARY}"
SAFE = "seen by all"
Written = Callable[[], str]


@pytest.fixture(params=["json", "console"])
def written(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Written]:
    """Configure the logs for a stream of the test's own; answers what they wrote."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    monkeypatch.setattr(sys, "stderr", stream)
    before = structlog.get_config()
    logging.configure("debug", request.param, lambda: "request-1")

    def text() -> str:
        stream.flush()
        buffer = stream.buffer
        assert isinstance(buffer, io.BytesIO)
        return buffer.getvalue().decode()

    yield text
    monkeypatch.undo()
    logging.configure("info", "json", request_id)
    # The very list of before: loggers that were used already keep it, and tests listen there.
    structlog.configure(**before)


def unique_violation() -> asyncpg.UniqueViolationError:
    """As the driver makes it from what the server says."""
    error = asyncpg.UniqueViolationError('duplicate key violates "users_email_key"')
    error.detail = f"Key (email)=({CANARY})\nover two lines already exists."
    return error


@dataclass
class Holder:
    password: str
    name: str


def failure(error: Exception) -> Exception:
    """The error after it was raised where a local variable holds a secret."""
    local = CANARY + "".join([])
    try:
        if local:
            raise error
    except Exception as raised:
        return raised
    raise AssertionError("unreachable")


@pytest.mark.parametrize(
    "key",
    [
        "password", "newPassword", "new_password", "PASSWORD", "passwordHash", "access_token",
        "refreshToken", "tokens", "secret", "clientSecret", "FULLHOUSE_SECRET_KEY", "authorization",
        "Proxy-Authorization", "cookie", "Set-Cookie", "api_key", "apiKey", "X-Api-Key", "apikey",
        "privateKey", "credentials", "challenge", "code", "codes", "recovery_codes", "codeHash",
        "verificationCode", "otp", "otpCode", "pin", "jwt", "Idempotency-Key", "webhook-signature",
        "code_verifier", "input_value",
    ],
)  # fmt: skip
def test_names_of_secrets_are_known_however_they_are_spelled(key: str) -> None:
    assert names_secret(key)
    assert redact({key: CANARY}) == {key: REDACTED}
    assert redact({key: {"inner": [CANARY]}}) == {key: REDACTED}


@pytest.mark.parametrize(
    "key",
    [
        "path", "status", "status_code", "countryCode", "currency_code", "exit_code", "key", "kind",
        "hotpath", "opinion", "error", "email", "method", "decoded", "encoder", "pinned", "",
    ],
)  # fmt: skip
def test_other_names_are_no_secrets(key: str) -> None:
    assert not names_secret(key)
    assert redact({key: SAFE}) == {key: SAFE}


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {CANARY}",
        f"bearer {CANARY}, then more",
        f"b'Bearer {CANARY}'",
        f"Authorization: Basic {CANARY}",
        f"authorization={CANARY}",
        f"the token was {JWT}.",
        f"xyz({JWT})",
        f"key fhk_{CANARY}_more",
        f"https://a.example/#fhr_{CANARY}",
        f"a_fhr_{CANARY}",
        f"whsec_{CANARY}+/==",
        f"sk_live_{CANARY}",
        f"GOCSPX-{CANARY}",
        f"postgresql://ada:{CANARY}@db.example:5432/x",
        f"postgresql://ada:x/{CANARY}@y@db.example/x",
        f"redis://:{CANARY}@localhost",
        f"Cookie: a=1; b={CANARY}",
        f"Set-Cookie: a={CANARY}; Path=/; HttpOnly",
        f"headers: cookie = {CANARY} and {CANARY}",
        f"X-Api-Key: {CANARY}",
        f"GET /callback?state=x&code={CANARY}&scope=y",
        f"/reset?token={CANARY}#top",
        f"RegisterBody(name='x', password='{CANARY}')",
        f"RegisterBody(name='x', password=\"it's {CANARY}\")",
        f'{{"name":"x","password":"a \\"quoted\\" {CANARY}"}}',
        f"message=\"outer password='{CANARY}'\"",
        f'"{{\\"password\\": \\"{CANARY}\\"}}"',
        f'{{"otp": {CANARY}}}',
        f"('password', '{CANARY}')",
        f"[(b'cookie', b'a={CANARY}')]",
        f"password='{CANARY} never closed",
        f"input_value='{CANARY}', input_type=str",
        f"x\nDETAIL:  Key (email)=({CANARY}) already exists.",
        f"IntegrityError('x\\nDETAIL:  Failing row contains (1,\\n{CANARY}).\\n[SQL: {CANARY}]')",
        f"ProgrammingError: no such table\n[SQL: SELECT $1]\n[parameters: ('{CANARY}',)]",
        f"Reserve(id=UUID('7'), code='{CANARY}', idempotency_key='{CANARY}')",
        f"invalid input for query argument $12: '{CANARY}' (a number is required)",
        f'invalid input syntax for type double precision: "{CANARY}"',
        f"{'x' * MOST_CHARACTERS}{CANARY}",
    ],
)
def test_secrets_are_recognised_in_any_text(text: str) -> None:
    clean = scrub(text)
    assert CANARY not in clean
    assert scrub(clean) == clean
    assert CANARY not in str(redact({"note": [text]}))
    assert CANARY not in str(redact({text: 1}))


@pytest.mark.parametrize(
    "text",
    [
        "GET /api/v1/showtimes/0193b3c2-7d1e-7aaa-8bbb-0123456789ab/availability",
        "duplicate key value violates unique constraint \"users_email_key\"",
        "http://127.0.0.1:8000/health and postgresql://ada@db.example:5432/x",
        "ConnectionRefusedError(111, 'Connect call failed')",
        "a: 1, b=2, 'c', 'd', status_code=404, {\"name\": \"Ada\"}",
        "monkeyJar and fhkeeper",
        "",
    ],
)  # fmt: skip
def test_other_text_stays(text: str) -> None:
    assert scrub(text) == text


@given(st.text(), st.text(alphabet="abcdef0123456789"), st.text())
def test_a_token_is_found_between_any_texts(before: str, more: str, after: str) -> None:
    secret = CANARY + more
    for text in (f"fhk_{secret}", f"whsec_{secret}", f" Bearer {secret}", f"://u:{secret}@h"):
        assert CANARY not in scrub(f"{before}{text} {after}")


def test_values_of_every_type_are_looked_through() -> None:
    number = UUID(int=1)
    event = {
        "headers": [(b"authorization", CANARY.encode()), (b"accept", b"*/*")],
        "body": Holder(CANARY, "Ada"),
        "nested": ({"a": [{"secret": 7}]},),
        "names": {"Ada"},
        "id": number,
        "count": 3,
        "has_password": True,
        "password": None,
        "error": ValueError(f"password='{CANARY}'"),
        "raw": f"fhk_{CANARY}".encode(),
    }
    assert redact(event) == {
        "headers": [["authorization", REDACTED], ["accept", "*/*"]],
        "body": f"Holder(password={REDACTED}, name='Ada')",
        "nested": [{"a": [{"secret": REDACTED}]}],
        "names": ["Ada"],
        "id": number,
        "count": 3,
        "has_password": True,
        "password": None,
        "error": f"ValueError: password={REDACTED}",
        "raw": f"fhk_{REDACTED}",
    }


def test_what_is_nested_without_end_is_cut() -> None:
    endless: dict[str, Any] = {"a": SAFE}
    endless["itself"] = endless
    assert REDACTED in str(redact(endless))


def wrapped(cause: Exception) -> IntegrityError:
    """As SQLAlchemy hands on what the driver said."""
    return IntegrityError("INSERT INTO users VALUES ($1)", {"email": CANARY}, cause, True)


def test_database_errors_keep_their_values_to_themselves() -> None:
    error = unique_violation()
    assert CANARY in str(error)
    for one in (error, wrapped(error), RuntimeError(f"failed: {error}")):
        assert CANARY not in message_of(one)
        assert "users_email_key" in message_of(one)
        assert CANARY not in scrub(repr(one))
    about_a_value = asyncpg.InvalidTextRepresentationError(f"valeur incorrecte : « {CANARY} »")
    for other in (about_a_value, wrapped(about_a_value)):
        assert message_of(other) == REDACTED


def test_traceback_shows_the_whole_way_without_values() -> None:
    try:
        try:
            raise failure(unique_violation())
        except asyncpg.PostgresError as error:
            raise wrapped(error) from error
    except IntegrityError as error:
        try:
            raise ExceptionGroup("two", [error, failure(KeyError("seat"))])
        except ExceptionGroup as both:
            both.add_note(f"seen with Bearer {CANARY}")
            text = traceback_of(both)
    assert CANARY not in text
    assert text.count("Traceback (most recent call last):") == 5
    for shown in (
        "in failure",
        "direct cause",
        "users_email_key",
        "KeyError: 'seat'",
        "While the above",
    ):
        assert shown in text


def test_error_whose_message_cannot_be_had() -> None:
    class Broken(Exception):
        def __str__(self) -> str:
            raise ValueError(CANARY)

    assert CANARY not in traceback_of(Broken())


def test_no_line_holds_a_secret(written: Written) -> None:
    log = structlog.get_logger("anything")
    log.warning(f"Cookie: {CANARY}", password=CANARY, note=SAFE, error=repr(unique_violation()))
    log.debug("headers", headers={"Authorization": f"Bearer {CANARY}"})
    log.info("formatted %s", f"fhr_{CANARY}")
    log.error("with_exception", exc_info=failure(unique_violation()))
    log.error("with_tuple", exc_info=(ValueError, failure(ValueError(f"token={CANARY}")), None))
    try:
        raise wrapped(unique_violation())
    except IntegrityError:
        log.exception("at_hand")
    standard.getLogger("library").warning("Set-Cookie: %s", CANARY)
    standard.getLogger("library").error("failed", exc_info=failure(unique_violation()))
    text = written()
    assert CANARY not in text
    assert SAFE in text
    assert "request-1" in text
    assert text.count("in failure") == 3
    assert text.count("users_email_key") == 4


def test_local_variables_are_never_shown(written: Written) -> None:
    structlog.get_logger().error("failed", exc_info=failure(RuntimeError("on purpose")))
    text = written()
    assert "on purpose" in text
    assert CANARY not in text


def test_secret_would_be_found(written: Written) -> None:
    """What the other tests do not find is found where nothing takes it out."""
    processors = structlog.get_config()["processors"]
    structlog.configure(processors=[p for p in processors if p is not logging.take_out_secrets])
    structlog.get_logger().warning("any", password=CANARY)
    assert CANARY in written()


@pytest.mark.parametrize("written", ["json"], indirect=True)
def test_deliveries_into_the_log_stay_whole_and_only_they(written: Written) -> None:
    for event in ("mail", "sms", "mail_failed", "post"):
        structlog.get_logger().info(event, text=f"code: {CANARY}", code=CANARY)
    held = {
        line["event"] for line in map(json.loads, written().splitlines()) if CANARY in str(line)
    }
    assert held == {"mail", "sms"}


@pytest.mark.parametrize("written", ["json"], indirect=True)
def test_access_log_says_what_was_asked_without_keys_in_the_path(written: Written) -> None:
    access = structlog.get_logger(log="access").bind()
    for path in ("/api/v1/events", f"/a/fhk_{CANARY}", f"/b/{JWT}", f"/c/whsec_{CANARY}"):
        access.info("request", method="GET", path=path, status=200, ms=1.5, request_id="r")
    lines = [json.loads(line) for line in written().splitlines()]
    assert [line["path"] for line in lines] == [
        "/api/v1/events",
        f"/a/fhk_{REDACTED}",
        f"/b/{REDACTED}",
        f"/c/whsec_{REDACTED}",
    ]
    for line in lines:
        assert line["level"] == "info"
        assert (line["method"], line["status"], line["ms"]) == ("GET", 200, 1.5)


@pytest.mark.parametrize(
    "part", ["eyJ", "a=\"", "a='b=\"", "\\", "://", " ", "cookie:", "password'", "x", "token=\\'"]
)  # fmt: skip
def test_hostile_text_is_looked_through_to_its_end(part: str) -> None:
    """Were a pattern to look at it again and again, this would take minutes."""
    assert len(scrub(part * 200_000)) <= 2 * MOST_CHARACTERS
