"""What the accounts do by themselves: forget sessions, links and codes that are long over."""

from datetime import timedelta

from fullhouse.accounts.lockout import FORGOTTEN_AFTER
from fullhouse.accounts.store import proofs, sessions
from fullhouse.kit.db import Database

PURGE_SECONDS = 600.0
# So long a user can be told from where they were signed in; after that it is nobody's business.
KEPT_SESSIONS = timedelta(days=90)
# As long as failures count, at least: before that nothing of them may be lost.
KEPT_PROOFS = FORGOTTEN_AFTER
PURGE_LIMIT = 1_000


async def purge(database: Database) -> None:
    """Delete sessions, mail links, phone codes and counted failures that are of no use any more."""
    for delete, kept in (
        (sessions.purge_sessions, KEPT_SESSIONS),
        (proofs.purge_proofs, KEPT_PROOFS),
    ):
        deleted = PURGE_LIMIT
        while deleted >= PURGE_LIMIT:
            async with database.begin() as connection:
                deleted = await delete(connection, kept, PURGE_LIMIT)
