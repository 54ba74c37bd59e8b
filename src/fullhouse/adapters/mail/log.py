"""Mail into the log, for development: links and codes are read from there."""

import structlog

from fullhouse.kit.messages import Mail

log = structlog.get_logger(__name__)


class LogMailer:
    """Writes every mail to the log as ``mail``, whole; nothing is sent."""

    async def send(self, mail: Mail) -> None:
        log.info("mail", to=mail.to, subject=mail.subject, text=mail.text)
