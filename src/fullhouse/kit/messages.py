"""Messages that leave the house, and the two ways out: a mailer and a sender of SMS.

A domain makes the values and hands them to whoever it was given; ``adapters`` know the servers.
"""

from dataclasses import dataclass, field
from typing import Protocol

from fullhouse.kit.ids import new_id_text


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail to one person.

    Args:
        to: the bare address, without a name.
        subject: one line.
        text: the message as plain text; it must say everything.
        html: the same for those whose program prefers it.
        id: the same in every attempt to send this mail, so that a repetition can be told from
            another mail; two mails that say the same are equal whatever their ids.
    """

    # Hidden from repr, and so from logs and tracebacks: whoever reads a link or a code can use it.
    to: str = field(repr=False)
    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str | None = field(default=None, repr=False)
    id: str = field(default_factory=new_id_text, compare=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Sms:
    """One text message to one number in E.164 form, such as +9779812345678.

    ``id`` is the same in every attempt to send it, as that of a mail is.
    """

    to: str = field(repr=False)
    text: str = field(repr=False)
    id: str = field(default_factory=new_id_text, compare=False, kw_only=True)


class DeliveryFailure(Exception):
    """A message was not handed over.

    The reason is one line for the log: it names no address and holds nothing of the message.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TemporaryFailure(DeliveryFailure):
    """It makes sense to try again: the server is away, busy or asks for patience.

    ``retry_after_seconds`` is what the server asked for, None if it asked for nothing.
    """

    def __init__(self, reason: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after_seconds = retry_after_seconds


class PermanentFailure(DeliveryFailure):
    """Trying again would change nothing."""


class Mailer(Protocol):
    """Hands mails to a mail server."""

    async def send(self, mail: Mail) -> None:
        """Return once the server has accepted it.

        Raises TemporaryFailure and PermanentFailure. After a temporary failure the mail may have
        been accepted unseen.
        """


class SmsSender(Protocol):
    """Hands text messages to whoever brings them to phones."""

    async def send(self, sms: Sms) -> None:
        """Return once the other side has accepted it.

        Raises TemporaryFailure and PermanentFailure. After a temporary failure the message may
        have been accepted unseen.
        """
