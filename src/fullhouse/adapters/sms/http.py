"""What the senders over HTTP share: one request, and what its outcome means for the message."""

import asyncio
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx2

from fullhouse.adapters.hosts import is_loopback
from fullhouse.kit.messages import PermanentFailure, Sms, TemporaryFailure

# Of an answer only so much is read; what we look for is in it, or it is nothing for us.
_MOST_ANSWER_BYTES = 65_536

_E164 = re.compile(r"\+[1-9][0-9]{1,14}")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side said; the body only where it is no acceptance."""

    status: int
    body: bytes
    retry_after_seconds: float | None


def check_url(name: str, url: str) -> str:
    """The URL, if codes may be sent there: https, or this machine.

    Raises ValueError with one line that names the setting and does not repeat the URL.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port  # raises for what is no number
        httpx2.URL(url)
    except (ValueError, httpx2.InvalidURL):
        raise ValueError(f"{name} is no URL such as https://sms.example/send") from None
    if not host or not url.isprintable() or " " in url:
        raise ValueError(f"{name} must name a host, as in https://sms.example/send")
    if parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host)):
        return url
    raise ValueError(f"{name} must start with https://, because codes are sent to it")


def check_number(sms: Sms) -> None:
    """Raise PermanentFailure unless the message is to a number in E.164 form."""
    if not _E164.fullmatch(sms.to):
        raise PermanentFailure("that is no telephone number in E.164 form")


def trusted_authorities() -> ssl.SSLContext:
    """Whom to trust: the authorities of the system."""
    return ssl.create_default_context()


async def post(
    url: str,
    content: bytes,
    headers: Mapping[str, str],
    *,
    tls: ssl.SSLContext,
    timeout_seconds: float,
    auth: tuple[str, str] | None = None,
) -> Answer:
    """Send one POST over a connection of its own; redirects are not followed.

    ``timeout_seconds`` is for all of it. Raises TemporaryFailure if there is no whole answer.
    """
    sent = {**headers, "Accept-Encoding": "identity"}
    try:
        async with (
            asyncio.timeout(timeout_seconds),
            httpx2.AsyncClient(verify=tls, timeout=timeout_seconds, auth=auth) as client,
            client.stream("POST", url, content=content, headers=sent) as response,
        ):
            # An acceptance counts from its first line on: losing the rest must not repeat it.
            body = b"" if response.is_success else await _read(response)
            return Answer(response.status_code, body, _retry_after(response))
    except (TimeoutError, httpx2.TimeoutException):
        raise TemporaryFailure("the other side took too long") from None
    except (httpx2.HTTPError, OSError) as error:
        # Not the error's own words: they may quote the URL, and that may hold a password.
        kind = type(error).__name__
        raise TemporaryFailure(f"the other side cannot be reached: {kind}") from None


def check_answer(answer: Answer, who: str, code: int | None = None) -> None:
    """Return if the message was accepted: any 2xx.

    ``code`` is the other side's own number for the error, for the log. Raises TemporaryFailure for
    429 and 5xx, PermanentFailure for the rest.
    """
    if 200 <= answer.status <= 299:
        return
    reason = f"{who} answered {answer.status}" + (f", error {code}" if code is not None else "")
    if answer.status == 429 or answer.status >= 500:
        raise TemporaryFailure(reason, retry_after_seconds=answer.retry_after_seconds)
    raise PermanentFailure(reason)


async def _read(response: httpx2.Response) -> bytes:
    body = b""
    # Raw, because what was packed may unpack to anything.
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) >= _MOST_ANSWER_BYTES:
            break
    return body


def _retry_after(response: httpx2.Response) -> float | None:
    """The seconds in Retry-After; its other form, a date, is rare and counts as nothing said."""
    value = response.headers.get("Retry-After", "").strip()
    return float(value) if re.fullmatch(r"[0-9]{1,6}", value) else None
