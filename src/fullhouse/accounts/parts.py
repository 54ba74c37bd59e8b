"""What the commands of the accounts work with."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import structlog

from fullhouse.accounts.oidc import Provider
from fullhouse.accounts.passwords import PasswordHasher
from fullhouse.accounts.sessions import Lifetimes, RefreshTokens
from fullhouse.accounts.tokens import AccessTokens, Challenges
from fullhouse.kit.db import Database
from fullhouse.kit.dispatch import Dispatcher
from fullhouse.kit.errors import Refused
from fullhouse.kit.messages import Mail, Mailer, Sms, SmsSender

log = structlog.get_logger(__name__)

_COUNTED_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class Post:
    """How messages leave: off the request's path, so that nobody waits for a mail server."""

    mailer: Mailer
    sms_sender: SmsSender
    dispatcher: Dispatcher
    public_url: str

    def mail(self, mail: Mail) -> None:
        """Send a mail soon. Raises Refused(OVERLOADED) when too many wait."""
        self.dispatcher.soon(partial(self.mailer.send, mail), "mail")

    def tell(self, mail: Mail) -> None:
        """The same for a mail about what has been done and stays so; too many are only logged.

        Whoever asked for it would otherwise hear that it had failed, and do it again.
        """
        try:
            self.mail(mail)
        except Refused as refused:
            log.warning("mail_not_sent", reason=refused.code.name)

    def sms(self, sms: Sms) -> None:
        """Send a text message soon. Raises Refused(OVERLOADED) when too many wait."""
        self.dispatcher.soon(partial(self.sms_sender.send, sms), "sms")


@dataclass(frozen=True, slots=True)
class Accounts:
    """The parts of signing in, staying signed in, and everything around it.

    Attributes:
        secret: the server's secret, from which each use derives a key of its own.
        forget: drops in this process what is kept of whatever a tag names; the other processes
            hear of it by the notification of the same tag.
        google: None where no client is configured.
        counting: of a crowd that comes to the doors at once, so many are counted at the same time:
            the connections and the moments of the loop in between are everybody else's.
    """

    database: Database
    hasher: PasswordHasher
    tokens: AccessTokens
    refresh: RefreshTokens
    challenges: Challenges
    post: Post
    lifetimes: Lifetimes
    secret: str
    organizer_registration: bool
    forget: Callable[[str], None]
    google: Provider | None = None
    counting: asyncio.Semaphore = field(
        default_factory=partial(asyncio.Semaphore, _COUNTED_AT_ONCE)
    )
