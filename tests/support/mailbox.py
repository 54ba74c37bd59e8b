"""A real SMTP server that keeps what it is given, and can be made to misbehave."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Any, Literal

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

Encryption = Literal["none", "starttls", "from the start"]


@dataclass(frozen=True)
class Received:
    """One mail as it came: who it is from and to, and every byte of it."""

    sender: str
    recipients: list[str]
    content: bytes
    options: list[str]
    encrypted: bool

    @property
    def message(self) -> EmailMessage:
        """The mail, read as a mail program would."""
        return BytesParser(EmailMessage, policy=policy.default).parsebytes(self.content)

    @property
    def header_names(self) -> list[str]:
        """The names of the header fields as they stand on the wire, in their order."""
        head = self.content.partition(b"\r\n\r\n")[0]
        return [
            line.partition(b":")[0].decode()
            for line in head.split(b"\r\n")
            if not line.startswith((b" ", b"\t"))
        ]

    def text(self, kind: str = "plain") -> str:
        """The body of this kind, decoded."""
        part = self.message.get_body((kind,))
        assert part is not None, f"there is no {kind} body"
        content: str = part.get_content()
        return content.replace("\r\n", "\n")


@dataclass
class Mailbox:
    """What came in, and how the server behaves; change it between two mails.

    Args:
        port: where it listens, on 127.0.0.1.
        mails: what was accepted.
        commands: what clients sent besides, such as ``AUTH`` and ``MAIL``.
        refused: recipients that are answered with 550.
        answers: for each step (``MAIL``, ``RCPT``, ``DATA``), the answers to give first; 2xx after.
        drop_at: the step at which the connection is dropped, without a word.
        hold_at: the step at which nothing is answered any more.
        login: user and password without which nothing is taken.
    """

    port: int = 0
    mails: list[Received] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    answers: dict[str, list[str]] = field(default_factory=dict)
    drop_at: str | None = None
    hold_at: str | None = None
    login: tuple[str, str] | None = None

    @property
    def only(self) -> Received:
        """The one mail that came."""
        assert len(self.mails) == 1, f"{len(self.mails)} mails came"
        return self.mails[0]

    def be_busy(self, times: int, step: str = "RCPT") -> None:
        """Answer this step so many times with 451, and then as usual."""
        self.answers[step] = ["451 4.3.0 Try again later"] * times


class _Handler:
    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self._mailbox.login and not session.authenticated:
            return "530 5.7.0 Authentication required"
        if answer := await self._misbehave("MAIL", server):
            return answer
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if answer := await self._misbehave("RCPT", server):
            return answer
        if address in self._mailbox.refused:
            return f"550 5.1.1 <{address}>: there is nobody here of this name"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if answer := await self._misbehave("DATA", server):
            return answer
        content = envelope.original_content
        assert envelope.mail_from is not None
        assert content is not None
        self._mailbox.mails.append(
            Received(
                sender=envelope.mail_from,
                recipients=envelope.rcpt_tos,
                content=content,
                options=envelope.mail_options,
                encrypted=_is_encrypted(server),
            )
        )
        return "250 OK"

    async def handle_QUIT(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        return await self._misbehave("QUIT", server) or "221 Bye"

    async def _misbehave(self, step: str, server: SMTP) -> str | None:
        self._mailbox.commands.append(step)
        if self._mailbox.drop_at == step:
            assert server.transport is not None
            # With a reset, as when the process dies.
            server.transport.abort()  # type: ignore[attr-defined]
        if step in (self._mailbox.drop_at, self._mailbox.hold_at):
            # Ended by the server itself, once the connection is gone.
            await asyncio.Event().wait()
        waiting = self._mailbox.answers.get(step)
        return waiting.pop(0) if waiting else None


def _is_encrypted(server: SMTP) -> bool:
    transport = server.transport
    return transport is not None and transport.get_extra_info("ssl_object") is not None


@contextlib.asynccontextmanager
async def mail_server(
    *,
    encryption: Encryption = "none",
    certificate: ssl.SSLContext | None = None,
    login: tuple[str, str] | None = None,
    utf8: bool = True,
    eight_bits: bool = True,
    auth_in_the_clear: bool = False,
    refused: Iterable[str] = (),
) -> AsyncIterator[Mailbox]:
    """A server on 127.0.0.1 that runs in the test's own loop.

    ``utf8`` and ``eight_bits`` say whether it offers SMTPUTF8 and 8BITMIME, ``auth_in_the_clear``
    whether it would take a password without encryption.
    """
    mailbox = Mailbox(login=login, refused=set(refused))
    loop = asyncio.get_running_loop()

    def check(
        server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: Any
    ) -> AuthResult:
        mailbox.commands.append("AUTH")
        assert isinstance(given, LoginPassword)
        who = (given.login.decode(), given.password.decode())
        return AuthResult(success=who == mailbox.login, handled=False)

    def connection() -> SMTP:
        return SMTP(
            _Handler(mailbox),
            hostname="mailbox.test",
            loop=loop,
            enable_SMTPUTF8=utf8,
            decode_data=not eight_bits,
            tls_context=certificate if encryption == "starttls" else None,
            # It knows of STARTTLS only, not of TLS from the start.
            auth_require_tls=encryption != "from the start" and not auth_in_the_clear,
            authenticator=check,
        )

    server = await loop.create_server(
        connection,
        "127.0.0.1",
        0,
        ssl=certificate if encryption == "from the start" else None,
    )
    mailbox.port = server.sockets[0].getsockname()[1]
    try:
        yield mailbox
    finally:
        server.close()
        await server.wait_closed()
