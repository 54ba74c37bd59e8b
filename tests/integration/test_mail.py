"""Mail that leaves: to real SMTP servers, good ones and bad ones."""

import asyncio
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from fullhouse.accounts import letters
from fullhouse.adapters.mail import mailer
from fullhouse.adapters.mail.smtp import Server, SmtpMailer, parse_sender, parse_url
from fullhouse.kit.dispatch import Dispatcher, Pace
from fullhouse.kit.messages import Mail, PermanentFailure, TemporaryFailure
from tests.support.certificates import Certificate, certificate_for
from tests.support.mailbox import Mailbox, mail_server
from tests.support.processes import free_port

SENDER = "Fullhouse <tickets@example.com>"
MAIL = Mail("ada@example.org", "Your seats", "Row 5.\n.\n.. and <b>6</b>\n", "<p>Row 5</p>")
HEADERS = [
    "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type",
]  # fmt: skip
LOGIN = ("tickets@example.com", "p@ss/wörd:%")
LOGIN_IN_URL = "tickets%40example.com:p%40ss%2Fw%C3%B6rd%3A%25"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """For a server on this machine and for one that is called mail.example."""
    return certificate_for(tmp_path_factory.mktemp("tls"), "127.0.0.1", "mail.example")


@pytest_asyncio.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    """A server that takes everything, without encryption."""
    async with mail_server() as mailbox:
        yield mailbox


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let mail.example, which is not this machine by its name, be this machine."""
    real = socket.getaddrinfo

    def look_up(host: Any, *arguments: Any, **options: Any) -> Any:
        return real("127.0.0.1" if host == "mail.example" else host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


async def send(mailbox: Mailbox, mail: Mail = MAIL, *, sender: str = SENDER) -> None:
    """Hand the mail to the server."""
    await mailer(f"smtp://127.0.0.1:{mailbox.port}", sender).send(mail)


# What can go wrong with the server


async def test_nobody_listens() -> None:
    with pytest.raises(TemporaryFailure, match="cannot be reached"):
        await mailer(f"smtp://127.0.0.1:{free_port()}", SENDER).send(MAIL)


async def test_name_that_does_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    def look_up(*_arguments: Any, **_options: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with pytest.raises(TemporaryFailure, match="Name or service not known"):
        await mailer("smtp://no.example", SENDER).send(MAIL)


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize(
    ("answer", "failure", "reason"),
    [
        ("451 4.3.0 <ada@example.org> later", TemporaryFailure, "answered 451 4.3.0"),
        ("421 closing", TemporaryFailure, "answered 421"),
        ("550 5.1.1 <ada@example.org> no", PermanentFailure, "answered 550 5.1.1"),
        ("554-5.7.1 spam\r\n554 5.7.1 spam", PermanentFailure, "answered 554 5.7.1"),
        ("gibberish", TemporaryFailure, "answered something that is no SMTP"),
    ],
)
async def test_refusal_at_each_step(
    mailbox: Mailbox, step: str, answer: str, failure: type[Exception], reason: str
) -> None:
    mailbox.answers[step] = [answer]
    with pytest.raises((TemporaryFailure, PermanentFailure)) as refused:
        await send(mailbox)
    assert type(refused.value) is failure
    assert str(refused.value) == f"the mail server {reason}"
    # Neither it nor what a traceback would show names the person.
    assert refused.value.__context__ is None
    assert mailbox.mails == []
    await send(mailbox)
    assert len(mailbox.mails) == 1


async def test_refused_recipient(mailbox: Mailbox) -> None:
    mailbox.refused = {"ada@example.org"}
    with pytest.raises(PermanentFailure, match=r"^the mail server answered 550 5\.1\.1$"):
        await send(mailbox)


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA"])
async def test_connection_that_breaks(mailbox: Mailbox, step: str) -> None:
    mailbox.drop_at = step
    with pytest.raises(TemporaryFailure, match="cannot be reached"):
        await send(mailbox)
    assert mailbox.commands[-1] == step
    assert mailbox.mails == []


@pytest.mark.parametrize("step", ["MAIL", "DATA"])
async def test_server_that_falls_silent(mailbox: Mailbox, step: str) -> None:
    mailbox.hold_at = step
    server = parse_url(f"smtp://127.0.0.1:{mailbox.port}")
    impatient = SmtpMailer(server, parse_sender(SENDER), timeout_seconds=0.1)
    with pytest.raises(TemporaryFailure, match="it took too long"):
        await impatient.send(MAIL)


async def test_server_that_never_greets() -> None:
    async def hold(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with_it.append(writer)

    with_it: list[asyncio.StreamWriter] = []
    silent = await asyncio.start_server(hold, "127.0.0.1", 0)
    server = Server("127.0.0.1", silent.sockets[0].getsockname()[1], implicit_tls=False)
    with pytest.raises(TemporaryFailure, match="it took too long"):
        await SmtpMailer(server, parse_sender(SENDER), timeout_seconds=0.1).send(MAIL)
    for writer in with_it:
        writer.close()
    silent.close()
    await silent.wait_closed()


@pytest.mark.parametrize("how", ["drop", "silence", "421 no"])
async def test_what_was_accepted_is_accepted(mailbox: Mailbox, how: str) -> None:
    """A farewell that goes wrong must not send the mail twice."""
    server = parse_url(f"smtp://127.0.0.1:{mailbox.port}")
    if how == "drop":
        mailbox.drop_at = "QUIT"
    elif how == "silence":
        mailbox.hold_at = "QUIT"
    else:
        mailbox.answers["QUIT"] = [how]
    hasty = SmtpMailer(server, parse_sender(SENDER), timeout_seconds=1 if how == "silence" else 10)
    await hasty.send(MAIL)
    assert len(mailbox.mails) == 1


async def test_busy_server_gets_it_in_the_end(mailbox: Mailbox) -> None:
    mailbox.be_busy(3)
    dispatcher = Dispatcher(pace=Pace(first_delay=0.001))
    await dispatcher.start()
    target = mailer(f"smtp://127.0.0.1:{mailbox.port}", SENDER)
    with capture_logs() as lines:
        dispatcher.soon(lambda: target.send(MAIL), "mail.seats")
        async with asyncio.timeout(60):
            while dispatcher.pending:
                await asyncio.sleep(0.005)
    await dispatcher.stop(60)
    assert mailbox.only.recipients == ["ada@example.org"]
    assert [line["event"] for line in lines] == ["dispatch_put_off"] * 3
    assert "ada" not in repr(lines)
    assert "Row 5" not in repr(lines)


# Passwords and encryption


async def test_password_never_leaves_in_the_clear(elsewhere: None) -> None:
    async with mail_server(login=LOGIN, auth_in_the_clear=True) as mailbox:
        url = f"smtp://{LOGIN_IN_URL}@mail.example:{mailbox.port}"
        with pytest.raises(PermanentFailure, match="STARTTLS"):
            await mailer(url, SENDER).send(MAIL)
        assert mailbox.commands in ([], ["QUIT"])
        # To this machine it may.
        await mailer(f"smtp://{LOGIN_IN_URL}@127.0.0.1:{mailbox.port}", SENDER).send(MAIL)
        assert mailbox.commands[:1] == ["AUTH"]
        assert not mailbox.only.encrypted


async def test_password_over_starttls(certificate: Certificate, elsewhere: None) -> None:
    async with mail_server(
        encryption="starttls", certificate=certificate.server, login=LOGIN
    ) as mailbox:
        url = f"smtp://{LOGIN_IN_URL}@mail.example:{mailbox.port}"
        await mailer(url, SENDER, tls=certificate.client).send(MAIL)
        assert mailbox.only.encrypted


async def test_tls_from_the_start(certificate: Certificate) -> None:
    async with mail_server(
        encryption="from the start", certificate=certificate.server, login=LOGIN
    ) as mailbox:
        url = f"smtps://{LOGIN_IN_URL}@127.0.0.1:{mailbox.port}"
        await mailer(url, SENDER, tls=certificate.client).send(MAIL)
        assert mailbox.only.encrypted


async def test_starttls_is_used_where_it_is_offered(certificate: Certificate) -> None:
    async with mail_server(encryption="starttls", certificate=certificate.server) as mailbox:
        await mailer(f"smtp://127.0.0.1:{mailbox.port}", SENDER, tls=certificate.client).send(MAIL)
        assert mailbox.only.encrypted


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_certificate_that_nobody_vouches_for(certificate: Certificate, scheme: str) -> None:
    async with mail_server(
        encryption="starttls" if scheme == "smtp" else "from the start",
        certificate=certificate.server,
        login=LOGIN,
    ) as mailbox:
        url = f"{scheme}://{LOGIN_IN_URL}@127.0.0.1:{mailbox.port}"
        with pytest.raises(TemporaryFailure, match="its certificate is refused, self"):
            await mailer(url, SENDER).send(MAIL)
        assert "AUTH" not in mailbox.commands
        assert mailbox.mails == []


async def test_certificate_of_another(tmp_path: Path) -> None:
    wrong = certificate_for(tmp_path, "other.example")
    async with mail_server(encryption="starttls", certificate=wrong.server) as mailbox:
        with pytest.raises(TemporaryFailure, match="its certificate is refused, IP address"):
            await mailer(f"smtp://127.0.0.1:{mailbox.port}", SENDER, tls=wrong.client).send(MAIL)


async def test_wrong_password(certificate: Certificate) -> None:
    async with mail_server(
        encryption="starttls", certificate=certificate.server, login=("tickets", "right")
    ) as mailbox:
        url = f"smtp://tickets:wrong@127.0.0.1:{mailbox.port}"
        with pytest.raises(PermanentFailure, match=r"answered 535 5\.7\.8$"):
            await mailer(url, SENDER, tls=certificate.client).send(MAIL)


async def test_missing_password() -> None:
    async with mail_server(login=LOGIN) as mailbox:
        with pytest.raises(PermanentFailure, match=r"answered 530 5\.7\.0$"):
            await send(mailbox)


async def test_server_without_a_way_to_log_in(mailbox: Mailbox) -> None:
    with pytest.raises(PermanentFailure, match="no way to log in"):
        await mailer(f"smtp://tickets:word@127.0.0.1:{mailbox.port}", SENDER).send(MAIL)


# What is written


@pytest.mark.parametrize(
    "address",
    [
        "ada@example.org\r\nRCPT TO:<eve@evil.example>",
        "ada@example.org\nBcc: eve@evil.example",
        "ada@example.org> SIZE=1",
        "<ada@example.org>",
        "Ada <ada@example.org>",
        "ada@example.org, eve@evil.example",
        "ada@example.org eve@evil.example",
        '"ada\\"@example.org',
        "=?utf-8?q?a=0d=0aBcc=3a_eve?=@example.org",
        "ada@=?utf-8?q?a=0d=0aBcc=3a_eve?=",
        "ada@ev\u2028il.example",
        "ada\ud800@example.org",
        "ada\x00@example.org",
        "ada@eve@example.org",
        "ada",
        "@example.org",
        "ada@",
        "",
        "ada@exa\u0301\u200dmple..org",
    ],
)
async def test_address_that_is_none(mailbox: Mailbox, address: str) -> None:
    with pytest.raises(PermanentFailure) as refused:
        await send(mailbox, Mail(address, "Hello", "Hello"))
    assert "eve" not in str(refused.value)
    assert mailbox.commands == []


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("Hello\r\nBcc: eve@evil.example", "Hello Bcc: eve@evil.example"),
        ("Hello\n\nbody", "Hello body"),
        ("Hello\rX-Evil: 1", "Hello X-Evil: 1"),
        ("Hello\x0bX\x0cY\x1cZ\x85A\u2028B\u2029C\x00D", "Hello X Y Z A B C D"),
        ("=?utf-8?q?a=0d=0aBcc:_eve=40evil.example?=", None),
        ("x" * 70 + " =?utf-8?b?YQ0KQmNjOiBldmVAZXZpbC5leGFtcGxl?= ü", None),
        ("Zoë’s seats: 座席 🎭 " + "ä" * 300, "Zoë’s seats: 座席 🎭 " + "ä" * 300),
        ("", ""),
    ],
)
async def test_subject_adds_no_headers(
    mailbox: Mailbox, subject: str, expected: str | None
) -> None:
    await send(mailbox, Mail("ada@example.org", subject, "Hello", "<p>Hello</p>"))
    assert mailbox.only.header_names == HEADERS
    assert mailbox.only.recipients == ["ada@example.org"]
    assert "bcc" not in mailbox.only.message
    if expected is not None:
        assert mailbox.only.message["Subject"] == expected


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    pieces=st.lists(
        st.sampled_from(
            ["=?utf-8?q?", "=?utf-8?b?", "?=", "=0d=0a", "DQo=", "\r\n", "\n", " ", "Bcc: e", "ü"]
        )
        | st.text(max_size=30),
        max_size=12,
    )
)
async def test_no_name_adds_a_header(mailbox: Mailbox, pieces: list[str]) -> None:
    mailbox.mails.clear()
    name = "".join(pieces)
    mail = letters.invitation(
        "ada@example.org",
        organization=name,
        role="manager",
        inviter=name,
        token="t",
        good_for=timedelta(days=1),
        public_url="https://tickets.example",
    )
    for subject in (mail.subject, name):
        await send(mailbox, Mail(mail.to, subject, mail.text, mail.html))
        received = mailbox.mails.pop()
        assert received.header_names == HEADERS
        assert received.text() == mail.text


async def test_mail_is_whole(mailbox: Mailbox) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    await send(mailbox)
    received = mailbox.only
    message = received.message
    assert (received.sender, received.recipients) == ("tickets@example.com", ["ada@example.org"])
    assert received.header_names == HEADERS
    assert message["From"] == "Fullhouse <tickets@example.com>"
    assert message["To"] == "ada@example.org"
    assert message["Subject"] == "Your seats"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"] == f"<{MAIL.id}@example.com>"
    sent = message["Date"].datetime
    assert before <= sent <= datetime.now(UTC)
    assert message.get_content_type() == "multipart/alternative"
    assert received.text() == MAIL.text
    assert received.text("html").strip() == MAIL.html
    assert all(len(line) <= 998 for line in received.content.split(b"\r\n"))


async def test_every_attempt_carries_the_same_message_id(mailbox: Mailbox) -> None:
    await send(mailbox)
    await send(mailbox)
    await send(mailbox, Mail(MAIL.to, MAIL.subject, MAIL.text))
    ids = [mail.message["Message-ID"] for mail in mailbox.mails]
    assert ids[0] == ids[1] != ids[2]


@pytest.mark.parametrize("eight_bits", [True, False])
async def test_text_of_every_script(eight_bits: bool) -> None:
    text = "Zoë, 座席 🎭 क्ष\n" + "long " * 500 + "\n.\n..\nFrom here\n" + "x" * 3_000 + "\n"
    async with mail_server(eight_bits=eight_bits, utf8=eight_bits) as mailbox:
        await send(mailbox, Mail("ada@example.org", "Zoë", text, f"<p>{text}</p>"))
        assert mailbox.only.content.isascii()
        assert mailbox.only.text() == text
        assert mailbox.only.message["Subject"] == "Zoë"
        mailbox.mails.clear()
        await send(mailbox, Mail("ada@example.org", "Zoë", "Zoë\n"))
        assert mailbox.only.content.isascii()
        assert mailbox.only.text() == "Zoë\n"


async def test_text_that_is_no_unicode(mailbox: Mailbox) -> None:
    with pytest.raises(PermanentFailure, match="cannot be written down"):
        await send(mailbox, Mail("ada@example.org", "Hello", "half a pair: \ud83c"))


async def test_address_in_another_script(mailbox: Mailbox) -> None:
    await send(mailbox, Mail("zoë@bücher.example", "Hello", "Hello"))
    assert mailbox.only.recipients == ["zoë@xn--bcher-kva.example"]
    assert "SMTPUTF8" in mailbox.only.options
    assert "To: zoë@xn--bcher-kva.example\r\n".encode() in mailbox.only.content


async def test_domain_in_another_script_goes_to_every_server() -> None:
    async with mail_server(utf8=False) as mailbox:
        await send(mailbox, Mail("zoe@bücher.example", "Hello", "Hello"))
        assert mailbox.only.recipients == ["zoe@xn--bcher-kva.example"]
        assert "SMTPUTF8" not in mailbox.only.options
        with pytest.raises(PermanentFailure, match="SMTPUTF8"):
            await send(mailbox, Mail("zoë@bücher.example", "Hello", "Hello"))
        assert len(mailbox.mails) == 1


async def test_sender_of_any_name(mailbox: Mailbox) -> None:
    await send(mailbox, sender='"Zoë, seats & more" <tickets@bücher.example>')
    (address,) = mailbox.only.message["From"].addresses
    assert address.display_name == "Zoë, seats & more"
    assert mailbox.only.sender == "tickets@xn--bcher-kva.example"
    mailbox.mails.clear()
    await send(mailbox, sender="tickets@localhost")
    assert mailbox.only.message["From"] == "tickets@localhost"


# What is configured


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mail.example",
        "http://mail.example",
        "smtp://",
        "smtp://:25",
        "smtp://tickets:SECRET@",
        "smtp://tickets:SECRET@mail.example:port",
        "smtp://tickets:SECRET@mail.example:0",
        "smtp://tickets:SECRET@mail.example:70000",
        "smtp://tickets:SE/CRET@mail.example",
        "smtp://tickets:SE#CRET@mail.example",
        "smtp://tickets:SE?CRET@mail.example",
        "smtp://tickets:SECRET@mail.example/path",
        "smtp://tickets:SECRET@mail.example?tls=no",
        "smtp://tickets@mail.example",
        "smtp://:SECRET@mail.example",
        "smtp://tickets:SECRET@[mail.example",
        "smtp://tickets:SECRET@mail.example\r\n.evil",
        "smtp://tickets:SECRET@mail .example",
    ],
)
def test_url_that_is_wrong(url: str) -> None:
    with pytest.raises(ValueError, match=r"^smtp_url ") as refused:
        mailer(url, SENDER)
    assert "\n" not in str(refused.value)
    for part in ("SECRET", "SE/", "CRET"):
        assert part not in str(refused.value)
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


@pytest.mark.parametrize(
    "sender",
    [
        "",
        "Fullhouse",
        "Fullhouse <>",
        "Fullhouse <tickets>",
        "Fullhouse <a@b.example>, <c@d.example>",
        "a@b.example, c@d.example",
        "Full\nhouse <tickets@example.com>",
        "Fullhouse <tickets@example.com>\r\nBcc: eve@evil.example",
        "=?utf-8?q?a=0d=0aBcc:_eve?= <tickets@example.com>",
        "Fullhouse <=?utf-8?q?a=0d=0aBcc:_eve?=@example.com>",
    ],
)
@pytest.mark.parametrize("url", [None, "smtp://mail.example"])
def test_sender_that_is_wrong(sender: str, url: str | None) -> None:
    with pytest.raises(ValueError, match=r"^mail_from ") as refused:
        mailer(url, sender)
    assert "\n" not in str(refused.value)


def test_url_says_all_about_the_server() -> None:
    assert parse_url("smtp://mail.example") == Server("mail.example", 587, False)
    assert parse_url("smtps://mail.example/") == Server("mail.example", 465, True)
    assert parse_url("smtp://[::1]:25") == Server("::1", 25, False)
    known = parse_url(f"smtp://{LOGIN_IN_URL}@mail.example:2525")
    assert known == Server("mail.example", 2525, False, *LOGIN)
    assert LOGIN[1] not in repr(known)
    assert known.needs_starttls
    for harmless in (
        "smtp://mail.example", "smtps://a:b@mail.example", "smtp://a:b@localhost",
        "smtp://a:b@127.0.0.2", "smtp://a:b@[::1]",
    ):  # fmt: skip
        assert not parse_url(harmless).needs_starttls


async def test_without_a_server_it_goes_to_the_log() -> None:
    with capture_logs() as lines:
        await mailer(None, "Fullhouse <tickets@localhost>").send(MAIL)
    assert lines == [
        {
            "event": "mail",
            "to": "ada@example.org",
            "subject": "Your seats",
            "text": MAIL.text,
            "log_level": "info",
        }
    ]
