"""The links in the mails that a module's application sends to a real mail server."""

import asyncio
import re
from dataclasses import dataclass

from fullhouse.parts import Parts
from tests.support.mailbox import Mailbox, Received

_PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class Letters:
    """What the application has written to whom."""

    parts: Parts
    mailbox: Mailbox

    async def to(self, email: str) -> list[Received]:
        """All mails to this address, once none is under way any more."""
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while self.parts.dispatcher.pending:
                await asyncio.sleep(0.01)
        return [mail for mail in self.mailbox.mails if mail.recipients == [email]]

    async def subjects(self, email: str) -> list[str]:
        """The subjects of all mails to this address."""
        return [mail.message["Subject"] for mail in await self.to(email)]

    async def reset_links(self, email: str) -> list[str]:
        """The tokens with which passwords can be reset, in the order in which they came."""
        return await self._tokens(email, "reset-password")

    async def verify_links(self, email: str) -> list[str]:
        """The tokens that prove the address, likewise."""
        return await self._tokens(email, "verify-email")

    async def _tokens(self, email: str, kind: str) -> list[str]:
        texts = [mail.text() for mail in await self.to(email)]
        return [token for text in texts for token in re.findall(rf"#{kind}=([\w-]+)", text)]
