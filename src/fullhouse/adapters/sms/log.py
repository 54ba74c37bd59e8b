"""SMS into the log, for development: codes are read from there."""

import structlog

from fullhouse.kit.messages import Sms

log = structlog.get_logger(__name__)


class LogSmsSender:
    """Writes every text message to the log as ``sms``, whole; nothing is sent."""

    async def send(self, sms: Sms) -> None:
        log.info("sms", to=sms.to, text=sms.text)
