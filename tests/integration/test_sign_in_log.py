"""What the log says of people who sign in, and of those who try to."""

from typing import Any

import httpx
import pyotp
import structlog.testing

from tests.support.house import API
from tests.support.people import PASSWORD, new_email
from tests.support.sessions import AUTH, newcomer

_WORDS = ("signed_in", "signed_in_half", "sign_in_refused")


def told(lines: list[Any]) -> list[dict[str, Any]]:
    """The lines about signing in."""
    return [line for line in lines if line["event"] in _WORDS]


async def log_in(client: httpx.AsyncClient, email: str, password: str) -> httpx.Response:
    return await client.post(f"{AUTH}/login", json={"email": email, "password": password})


async def test_failures_name_the_account_and_the_address(client: httpx.AsyncClient) -> None:
    ada = await newcomer(client)
    with structlog.testing.capture_logs() as lines:
        assert (await log_in(client, ada.email, "wrong horse battery")).status_code == 401
    assert told(lines) == [
        {
            "event": "sign_in_refused",
            "log_level": "warning",
            "method": "password",
            "user_id": str(ada.user_id),
            "address": "127.0.0.1",
            "reason": "invalid_credentials",
        }
    ]


async def test_what_was_typed_is_not_told(client: httpx.AsyncClient) -> None:
    """People type passwords where addresses belong."""
    with structlog.testing.capture_logs() as lines:
        assert (await log_in(client, "my-secret@battery.horse", "hunter2 hunter2")).is_error
    (line,) = told(lines)
    assert (line["event"], line["user_id"]) == ("sign_in_refused", None)
    assert "battery" not in str(lines) and "hunter2" not in str(lines)


async def test_who_must_wait_is_told_too(client: httpx.AsyncClient) -> None:
    email = new_email()
    with structlog.testing.capture_logs() as lines:
        for _ in range(12):
            await log_in(client, email, "wrong horse battery")
    assert {line["reason"] for line in told(lines)} == {"invalid_credentials", "too_many_attempts"}


async def test_both_steps_of_signing_in(client: httpx.AsyncClient) -> None:
    ada = await newcomer(client)
    factor = f"{AUTH}/second-factor"
    begun = await client.post(factor, json={"password": PASSWORD}, headers=ada.headers)
    code = pyotp.TOTP(begun.json()["secret"]).now()
    on = await client.post(f"{factor}/confirm", json={"code": code}, headers=ada.headers)
    with structlog.testing.capture_logs() as lines:
        half = await log_in(client, ada.email, PASSWORD)
        step = {"challenge": half.json()["challenge"], "code": "000000"}
        assert (await client.post(f"{factor}/verify", json=step)).is_error
        step["code"] = on.json()["recoveryCodes"][0]
        assert (await client.post(f"{factor}/verify", json=step)).status_code == 200
    assert [(line["event"], line["method"]) for line in told(lines)] == [
        ("signed_in_half", "password"),
        ("sign_in_refused", "second_factor"),
        ("signed_in", "second_factor"),
    ]
    assert {line["user_id"] for line in told(lines)} == {str(ada.user_id)}
    assert step["code"] not in str(lines)


async def test_the_access_log_tells_who_was_turned_away(client: httpx.AsyncClient) -> None:
    ada = await newcomer(client)
    with structlog.testing.capture_logs() as lines:
        assert (await client.get(f"{API}/admin/users", headers=ada.headers)).status_code == 403
        assert (await client.get(f"{API}/admin/users")).status_code == 401
        assert (await client.get(f"{AUTH}/me", headers=ada.headers)).status_code == 200
    forbidden, nobody, allowed = [line for line in lines if line.get("log") == "access"]
    assert (forbidden["user_id"], forbidden["address"]) == (str(ada.user_id), "127.0.0.1")
    assert nobody["address"] == "127.0.0.1" and "user_id" not in nobody
    assert "user_id" not in allowed and "address" not in allowed
