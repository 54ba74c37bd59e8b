"""SMS: by a webhook of the operator, by Twilio, or into the log."""

import ssl

from fullhouse.adapters.sms.log import LogSmsSender
from fullhouse.adapters.sms.twilio import TwilioSmsSender
from fullhouse.adapters.sms.webhook import WebhookSmsSender
from fullhouse.kit.messages import SmsSender

__all__ = ["sms_sender"]


def sms_sender(
    adapter: str,
    *,
    webhook_url: str | None = None,
    webhook_secret: str | None = None,
    twilio_account_sid: str | None = None,
    twilio_auth_token: str | None = None,
    twilio_from: str | None = None,
    twilio_url: str = "https://api.twilio.com",
    tls: ssl.SSLContext | None = None,
) -> SmsSender:
    """The sender of this name, ``log``, ``webhook`` or ``twilio``; each needs its own settings.

    ``tls`` says whom to trust, instead of the authorities of the system. Raises ValueError with
    one line that names the setting which is missing or malformed and repeats no secret.
    """
    if adapter == "log":
        return LogSmsSender()
    if adapter == "webhook":
        return WebhookSmsSender(
            _given("sms_webhook_url", webhook_url, adapter),
            _given("sms_webhook_secret", webhook_secret, adapter),
            tls=tls,
        )
    if adapter == "twilio":
        return TwilioSmsSender(
            _given("twilio_account_sid", twilio_account_sid, adapter),
            _given("twilio_auth_token", twilio_auth_token, adapter),
            _given("twilio_from", twilio_from, adapter),
            url=twilio_url,
            tls=tls,
        )
    raise ValueError("sms_adapter must be log, webhook or twilio")


def _given(name: str, value: str | None, adapter: str) -> str:
    if not value:
        raise ValueError(f"sms_adapter={adapter} needs {name}")
    return value
