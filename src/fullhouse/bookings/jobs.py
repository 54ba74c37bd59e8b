"""What the selling core does by itself: sweep up holds that have run out, end the bookings of what
was cancelled, drop old facts.
"""

import asyncio
from datetime import timedelta

from fullhouse.bookings import calling_off, store
from fullhouse.bookings.core.commands import Expire
from fullhouse.bookings.sequencer import Sequencer
from fullhouse.bookings.store import standing
from fullhouse.catalog.store import sittings
from fullhouse.kit import outbox
from fullhouse.kit.clock import utc_now
from fullhouse.kit.db import Database

SWEEP_SECONDS = 1.0
CALL_OFF_SECONDS = 1.0
PURGE_SECONDS = 60.0
# Facts that nobody needs any more: every reader of the outbox is expected within a week.
KEPT_FACTS = timedelta(days=7)
PURGE_LIMIT = 10_000
# Cancelled showtimes that are looked at in one round.
CALL_OFF_LIMIT = 100


async def sweep(database: Database, sequencer: Sequencer) -> None:
    """End the holds that have run out, through the same door as everybody else.

    Only tidies up: for whoever decides they are over already.
    """
    async with database.read_raw() as connection:
        overdue = await store.overdue_showtimes(connection)
    await asyncio.gather(*(sequencer.submit(Expire(showtime_id)) for showtime_id in overdue))


async def finish_call_offs(database: Database, sequencer: Sequencer) -> None:
    """End the bookings of cancelled showtimes that nobody has ended yet, whatever came between.

    Several processes may do so at the same time: each transaction ends those that it finds.
    """
    async with database.read() as connection:
        showtimes = await sittings.to_clear(connection, CALL_OFF_LIMIT)
    failed: Exception | None = None
    for showtime_id in showtimes:
        try:
            await calling_off.clear(database, sequencer, [showtime_id])
        except Exception as error:
            # One that cannot be done must not keep the others waiting for ever.
            failed = error
    if failed is not None:
        raise failed


async def purge(database: Database) -> None:
    """Delete facts from the outbox that are older than a week, and old moves of seats."""
    deleted = PURGE_LIMIT
    while deleted == PURGE_LIMIT:
        async with database.begin() as connection:
            deleted = await standing.purge_changes(connection, PURGE_LIMIT)
    deleted = PURGE_LIMIT
    while deleted == PURGE_LIMIT:
        async with database.begin() as connection:
            deleted = await outbox.purge(connection, utc_now() - KEPT_FACTS, PURGE_LIMIT)
