"""Mail: by SMTP, or into the log."""

import ssl

from fullhouse.adapters.mail.log import LogMailer
from fullhouse.adapters.mail.smtp import SmtpMailer, parse_sender, parse_url
from fullhouse.kit.messages import Mailer

__all__ = ["mailer"]


def mailer(smtp_url: str | None, sender: str, *, tls: ssl.SSLContext | None = None) -> Mailer:
    """The mailer for these settings: without an address of a server it writes to the log.

    Args:
        smtp_url: ``smtp://user:password@host:587`` or ``smtps://…``; None for the log.
        sender: ``Name <address>`` or an address, on every mail.
        tls: whom to trust, instead of the authorities of the system.

    Raises ValueError with one line that names the setting and repeats no password.
    """
    who = parse_sender(sender)
    if smtp_url is None:
        return LogMailer()
    return SmtpMailer(parse_url(smtp_url), who, tls=tls)
