"""SMS through the operator's own program: one signed request for each message.

The signature follows Standard Webhooks (standardwebhooks.com), for which there are libraries in
every language.
"""

import base64
import binascii
import hmac
import ssl
import time
from collections.abc import Callable

import msgspec

from fullhouse.adapters.sms.http import (
    check_answer,
    check_number,
    check_url,
    post,
    trusted_authorities,
)
from fullhouse.kit.messages import Sms

_KEY_PREFIX = "whsec_"
# The standard asks for 24 to 64 bytes; a longer key does no harm.
_SHORTEST_KEY_BYTES = 24


def read_key(secret: str) -> bytes:
    """The key in a secret: ``whsec_`` and base64, or any other text as it is.

    Raises ValueError, without the secret, for broken base64 and for a key below 24 bytes.
    """
    if secret.startswith(_KEY_PREFIX):
        try:
            key = base64.b64decode(secret.removeprefix(_KEY_PREFIX), validate=True)
        except (binascii.Error, ValueError):
            raise ValueError("sms_webhook_secret has no base64 after whsec_") from None
    else:
        key = secret.encode()
    if len(key) < _SHORTEST_KEY_BYTES:
        raise ValueError(f"sms_webhook_secret must have at least {_SHORTEST_KEY_BYTES} bytes")
    return key


def sign(key: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """The value of ``webhook-signature``; ``timestamp`` in seconds since 1970."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode("ascii")


class WebhookSmsSender:
    """Posts every message as JSON ``{"to", "text", "id"}`` to one URL.

    ``id`` and ``webhook-id`` are the same in every attempt to send a message, so that the
    receiver can tell a repetition from another message.

    Args:
        url: where to; https, or http on this machine.
        secret: what signs the requests, see ``read_key``.
        tls: whom to trust; the authorities of the system when left out.
        timeout_seconds: the longest wait for the whole answer.
        now: seconds since 1970, for the signature.

    Raises ValueError with one line.
    """

    def __init__(
        self,
        url: str,
        secret: str,
        *,
        tls: ssl.SSLContext | None = None,
        timeout_seconds: float = 10.0,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._url = check_url("sms_webhook_url", url)
        self._key = read_key(secret)
        self._tls = tls or trusted_authorities()
        self._timeout_seconds = timeout_seconds
        self._now = now

    async def send(self, sms: Sms) -> None:
        """Return once the receiver has answered 2xx. Raises as ``SmsSender`` says."""
        check_number(sms)
        body = msgspec.json.encode({"to": sms.to, "text": sms.text, "id": sms.id})
        timestamp = int(self._now())
        headers = {
            "Content-Type": "application/json",
            "webhook-id": sms.id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": sign(self._key, sms.id, timestamp, body),
        }
        answer = await post(
            self._url, body, headers, tls=self._tls, timeout_seconds=self._timeout_seconds
        )
        check_answer(answer, "the SMS webhook")
