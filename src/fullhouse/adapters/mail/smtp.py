"""Mail by SMTP (RFC 5321), submitted to one server over a connection of its own."""

import contextlib
import re
import ssl
import unicodedata
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage
from urllib.parse import SplitResult, unquote, urlsplit

import aiosmtplib
import idna

from fullhouse.adapters.hosts import is_loopback
from fullhouse.kit.clock import utc_now
from fullhouse.kit.messages import Mail, PermanentFailure, TemporaryFailure

# RFC 6409: submission with STARTTLS; RFC 8314: submission with TLS from the start.
_PORTS = {"smtp": 587, "smtps": 465}
_TIMEOUT_SECONDS = 10.0
# After the mail was accepted, nobody waits long for a farewell.
_QUIT_SECONDS = 2.0

# What would end an address, or begin something else, in a command or a header. The standard
# allows some of it in quotes; nobody's address has any.
_NOT_IN_ADDRESS = re.compile(r'[\s"(),:;<>\[\\\]]|=\?')
_SENDER = re.compile(r"(?P<name>[^<>]*)<(?P<address>[^<>]+)>|(?P<bare>[^<>]+)")
_ENHANCED_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")  # RFC 3463


@dataclass(frozen=True, slots=True)
class Server:
    """Where to submit mails, and as whom."""

    host: str
    port: int
    implicit_tls: bool  # TLS before the first word, and not by STARTTLS
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @property
    def needs_starttls(self) -> bool:
        """Whether to send nothing without it: a password leaves this machine only encrypted."""
        return not self.implicit_tls and self.user is not None and not is_loopback(self.host)


@dataclass(frozen=True, slots=True)
class Sender:
    """Who the mails are from; the domain is in ASCII."""

    name: str
    local_part: str
    domain: str

    @property
    def address(self) -> str:
        return f"{self.local_part}@{self.domain}"


def parse_url(url: str) -> Server:
    """The server that ``smtp://user:password@host:587`` or ``smtps://…`` means.

    User and password are percent-encoded (RFC 3986). The port is 587 for smtp and 465 for smtps
    unless given. Raises ValueError, with one line that does not repeat the URL.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("smtp_url is no URL such as smtp://user:password@host:587") from None
    if parts.scheme not in _PORTS:
        raise ValueError("smtp_url must start with smtp:// or smtps://")
    # urlsplit drops line ends in silence.
    if not parts.hostname or not url.isprintable() or " " in url:
        raise ValueError("smtp_url must name a host, as in smtp://user:password@host:587")
    if port == 0 or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError(
            "smtp_url must end after the host and the port; "
            "write / ? # @ : and % in the password as %2F %3F %23 %40 %3A %25"
        )
    user, password = _credentials(parts)
    return Server(
        host=parts.hostname,
        port=port or _PORTS[parts.scheme],
        implicit_tls=parts.scheme == "smtps",
        user=user,
        password=password,
    )


def _credentials(parts: SplitResult) -> tuple[str | None, str | None]:
    if not parts.username and not parts.password:
        return None, None
    if not parts.username or not parts.password:
        raise ValueError("smtp_url must have both a user and a password, or neither")
    return unquote(parts.username), unquote(parts.password)


def parse_sender(sender: str) -> Sender:
    """The sender that ``Name <address>`` or a bare address means.

    Raises ValueError with one line.
    """
    found = _SENDER.fullmatch(sender.strip())
    if found is None or not sender.isprintable() or "=?" in sender:
        raise ValueError("mail_from must be one line: an address, or Name <address>")
    name = (found["name"] or "").strip().removeprefix('"').removesuffix('"')
    try:
        return Sender(name, *_split((found["address"] or found["bare"]).strip()))
    except PermanentFailure:
        raise ValueError("mail_from must hold an address such as tickets@example.com") from None


class SmtpMailer:
    """Hands each mail to one server, over a connection of its own.

    Encrypts with STARTTLS where the server offers it, and always when there is a password, unless
    the server is this machine. Certificates are always checked.

    Args:
        server: where to.
        sender: who the mails are from.
        tls: whom to trust; the authorities of the system when left out.
        timeout_seconds: the longest wait for the connection and for each answer.
    """

    def __init__(
        self,
        server: Server,
        sender: Sender,
        *,
        tls: ssl.SSLContext | None = None,
        timeout_seconds: float = _TIMEOUT_SECONDS,
    ) -> None:
        self._server = server
        self._sender = sender
        self._tls = tls or ssl.create_default_context()
        self._timeout_seconds = timeout_seconds

    async def send(self, mail: Mail) -> None:
        """Return once the server has accepted the mail. Raises as ``Mailer`` says."""
        local_part, domain = _split(mail.to)
        try:
            message = _compose(mail, self._sender, Address(username=local_part, domain=domain))
        except ValueError:  # such as half of a surrogate pair
            raise PermanentFailure("the mail cannot be written down") from None
        failure = None
        with contextlib.closing(self._client()) as client:
            try:
                await client.connect()
                await client.send_message(
                    message, sender=self._sender.address, recipients=f"{local_part}@{domain}"
                )
            except (aiosmtplib.SMTPException, OSError) as error:
                failure = _failure(error)
            with contextlib.suppress(aiosmtplib.SMTPException, OSError):
                await client.quit(timeout=min(_QUIT_SECONDS, self._timeout_seconds))
        if failure is not None:
            # Not from the error: its words quote the address.
            raise failure

    def _client(self) -> aiosmtplib.SMTP:
        return aiosmtplib.SMTP(
            hostname=self._server.host,
            port=self._server.port,
            username=self._server.user,
            password=self._server.password,
            # The name of this machine is nobody's business, and looking it up may take long.
            local_hostname=self._sender.domain,
            timeout=self._timeout_seconds,
            use_tls=self._server.implicit_tls,
            # None: where it is offered.
            start_tls=True if self._server.needs_starttls else None,
            tls_context=self._tls,
        )


def _compose(mail: Mail, sender: Sender, recipient: Address) -> EmailMessage:
    """The message (RFC 5322). Raises ValueError for text that is no Unicode."""
    message = EmailMessage()
    message["From"] = Address(sender.name, username=sender.local_part, domain=sender.domain)
    message["To"] = recipient
    message["Subject"] = _one_line(mail.subject)
    message["Date"] = utc_now()
    # The same in every attempt: who gets it twice can tell that it is one mail.
    message["Message-ID"] = f"<{mail.id}@{sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no machine shall answer
    # Pure ASCII on the wire, whatever the server can do.
    message.set_content(mail.text, cte="quoted-printable")
    if mail.html is not None:
        message.add_alternative(mail.html, subtype="html", cte="quoted-printable")
    return message


def _one_line(text: str) -> str:
    """The text as one line that is only text.

    The library reads encoded words (RFC 2047) in what it is given, and on some versions of Python
    it writes the line ends in them as real ones: a name could add headers.
    """
    visible = "".join(
        " " if unicodedata.category(character) in ("Cc", "Cs") else character for character in text
    )
    return " ".join(visible.split()).replace("=?", "= ?")


def _split(address: str) -> tuple[str, str]:
    """Local part and domain, the domain in ASCII (RFC 5891): so every server can take it.

    Raises PermanentFailure for what is no address.
    """
    local_part, _, domain = address.rpartition("@")
    acceptable = address.isprintable() and not _NOT_IN_ADDRESS.search(address)
    if not (local_part and domain and acceptable) or "@" in local_part:
        raise PermanentFailure("that is no mail address")
    if domain.isascii():
        return local_part, domain
    try:
        return local_part, idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError:
        raise PermanentFailure("the domain of the mail address cannot exist") from None


def _failure(error: Exception) -> TemporaryFailure | PermanentFailure:
    """What the error means for the mail: a code of 5xx is final, and so is what the server cannot
    do at all; everything else may pass (RFC 5321 §4.2.1)."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return _failure(error.recipients[0])
    if isinstance(error, aiosmtplib.SMTPResponseException):
        if error.code < 0:
            return TemporaryFailure("the mail server answered something that is no SMTP")
        status = _ENHANCED_STATUS.match(error.message)
        reason = f"the mail server answered {error.code} {status[0] if status else ''}".rstrip()
        if 500 <= error.code <= 599:
            return PermanentFailure(reason)
        return TemporaryFailure(reason)
    if isinstance(error, OSError):
        return TemporaryFailure(f"the mail server cannot be reached: {_kind(error)}")
    if isinstance(error, aiosmtplib.SMTPNotSupported):
        return PermanentFailure("the mail server takes no addresses outside of ASCII (SMTPUTF8)")
    return PermanentFailure("the mail server offers no STARTTLS, or no way to log in that we know")


def _kind(error: BaseException) -> str:
    """What went wrong with the connection, in the words of the operating system or of TLS."""
    root = error.__cause__ if isinstance(error.__cause__, OSError) else error
    if isinstance(root, ssl.SSLCertVerificationError):
        return f"its certificate is refused, {root.verify_message}"
    if isinstance(root, TimeoutError):
        return "it took too long"
    return root.strerror if isinstance(root, OSError) and root.strerror else type(root).__name__
