"""Reading how a showtime stands: its counters and seats, whole or since an earlier version."""

from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.kit.db import RawConnection

# What is told of seats that moved is kept for so long, by the database's clock...
KEPT_CHANGES = timedelta(minutes=10)
# ... and good for going on from what was read so long ago, with time for a slow batch in between.
GOES_ON_SECONDS = 300.0


class Standing(msgspec.Struct):
    """A showtime's counters and claims at one moment."""

    version: int
    at: float  # seconds, of the database's clock
    counters: list[tuple[UUID, int, int, int]]  # category, available, capacity, waiting
    # Seat and status. The ids stay text: there can be many, and they are only looked up.
    claims: list[tuple[str, str]] = []
    # Seats that have moved since, the earliest first, with the first letters of their new states.
    changes: list[tuple[list[str], str]] = []

    def goes_on_from(self, at: float) -> bool:
        """Whether nothing is missing between a reading at that moment and the changes."""
        return 0 <= self.at - at < GOES_ON_SECONDS


class Since(NamedTuple):
    """The showtime's version, the revision of its terms, and what is new.

    Nothing is new to whoever knows the version already, or none at all.
    """

    version: int
    revision: int
    news: Standing | None


_COUNTERS = """
    'version', i.version,
    'at', extract(epoch FROM statement_timestamp()),
    'counters', (
        SELECT coalesce(json_agg(json_build_array(
            a.category_id, a.capacity - a.held - a.sold - a.blocked, a.capacity,
            (
                SELECT count(*) FROM waitlist_entries w
                WHERE w.showtime_id = a.showtime_id AND w.category_id = a.category_id
                    AND w.status = 'waiting'
            )
        ) ORDER BY c.rank), '[]')
        FROM allotments a
        JOIN categories c ON c.id = a.category_id AND c.deleted_at IS NULL
        WHERE a.showtime_id = i.showtime_id
    )
"""

_WHOLE = f"""
SELECT json_build_object({_COUNTERS},
    'claims', (
        SELECT coalesce(json_agg(json_build_array(c.seat_id, c.status)), '[]')
        FROM seat_claims c WHERE c.showtime_id = i.showtime_id
    )
)::text
FROM inventories i WHERE i.showtime_id = $1
"""

# The last column only where there is something new to whoever knows that version.
_SINCE = f"""
SELECT i.version, i.revision, CASE WHEN i.version > $2 THEN json_build_object({_COUNTERS},
    'changes', (
        SELECT coalesce(json_agg(json_build_array(c.seats, c.states) ORDER BY c.version), '[]')
        FROM seat_changes c WHERE c.showtime_id = i.showtime_id AND c.version > $2
    )
)::text END
FROM inventories i WHERE i.showtime_id = $1
"""

decode = msgspec.json.Decoder(Standing).decode


async def whole(connection: RawConnection, showtime_id: UUID) -> str | None:
    """The showtime's present state, all of one moment because it is one statement.

    It comes as text, for ``decode``, because taking it apart can be worth a thread.
    """
    document: str | None = await connection.fetchval(_WHOLE, showtime_id)
    return document


async def since(connection: RawConnection, showtime_id: UUID, version: int | None) -> Since | None:
    """What has changed since the version that is known; None where there is no such showtime."""
    row = await connection.fetchrow(_SINCE, showtime_id, version)
    if row is None:
        return None
    return Since(row[0], row[1], None if row[2] is None else decode(row[2]))


async def purge_changes(connection: AsyncConnection, limit: int) -> int:
    """Delete what is told of seats that moved long ago; answers how many rows went."""
    statement = sa.text(
        """
        DELETE FROM seat_changes WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM seat_changes
            WHERE occurred_at < clock_timestamp() - make_interval(secs => :seconds) LIMIT :most
        ))
        """
    )
    kept = {"seconds": KEPT_CHANGES.total_seconds(), "most": limit}
    return (await connection.execute(statement, kept)).rowcount
