"""SMS through Twilio's Programmable Messaging, by plain REST."""

import re
import ssl
from urllib.parse import urlencode

import msgspec

from fullhouse.adapters.sms.http import (
    Answer,
    check_answer,
    check_number,
    check_url,
    post,
    trusted_authorities,
)
from fullhouse.kit.messages import Sms

_ACCOUNT = re.compile(r"AC[0-9a-fA-F]{32}")
_SERVICE = re.compile(r"MG[0-9a-fA-F]{32}")
_NUMBER = re.compile(r"\+[1-9][0-9]{1,14}")


class _Problem(msgspec.Struct):
    code: int


class TwilioSmsSender:
    """Creates one Message resource for each text message.

    Twilio has no key against repetition here: a message whose answer was lost may arrive twice.

    Args:
        account_sid: AC and 32 hexadecimal digits.
        auth_token: the account's token.
        sender: a number in E.164 form, or the sid of a messaging service (MG…).
        url: Twilio's address.
        tls: whom to trust; the authorities of the system when left out.
        timeout_seconds: the longest wait for the whole answer.

    Raises ValueError with one line.
    """

    def __init__(
        self,
        account_sid: str,
        auth_token: str,
        sender: str,
        *,
        url: str = "https://api.twilio.com",
        tls: ssl.SSLContext | None = None,
        timeout_seconds: float = 10.0,
    ) -> None:
        if not _ACCOUNT.fullmatch(account_sid):
            raise ValueError("twilio_account_sid must be AC and 32 hexadecimal digits")
        if _SERVICE.fullmatch(sender):
            self._sender = ("MessagingServiceSid", sender)
        elif _NUMBER.fullmatch(sender):
            self._sender = ("From", sender)
        else:
            raise ValueError(
                "twilio_from must be a number such as +15005550006, or MG and 32 digits"
            )
        base = check_url("twilio_url", url).rstrip("/")
        self._url = f"{base}/2010-04-01/Accounts/{account_sid}/Messages.json"
        self._auth = (account_sid, auth_token)
        self._tls = tls or trusted_authorities()
        self._timeout_seconds = timeout_seconds

    async def send(self, sms: Sms) -> None:
        """Return once Twilio has queued it. Raises as ``SmsSender`` says."""
        check_number(sms)
        answer = await post(
            self._url,
            urlencode([("To", sms.to), self._sender, ("Body", sms.text)]).encode("ascii"),
            {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
            tls=self._tls,
            timeout_seconds=self._timeout_seconds,
            auth=self._auth,
        )
        check_answer(answer, "Twilio", _error_code(answer))


def _error_code(answer: Answer) -> int | None:
    """Twilio's number for an error. Its words are left alone: they quote number and text."""
    try:
        return msgspec.json.decode(answer.body, type=_Problem).code
    except msgspec.DecodeError:
        return None
