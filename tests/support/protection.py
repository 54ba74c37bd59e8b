"""Takes the selling core's protection away, to show that the tests would notice.

Only the database is changed, and only a test's own: the program has no switch for this.
"""

from fullhouse.kit.db import RawConnection

LOCK = "FOR NO KEY UPDATE"


async def widen_race(connection: RawConnection, seconds: float = 0.1) -> None:
    """Make every decision linger between reading and writing, where races happen.

    Under the lock this changes nothing but the time. Remove the lock before, if at all.
    """
    await connection.execute(
        f"""
        ALTER FUNCTION sell_load_v1 RENAME TO sell_load_quick;
        CREATE FUNCTION sell_load_v1(
            uuid [], uuid [], uuid [], uuid [], uuid [], uuid [], uuid [], text [], integer
        ) RETURNS json LANGUAGE plpgsql AS $$
        DECLARE
            answer json := sell_load_quick($1, $2, $3, $4, $5, $6, $7, $8, $9);
        BEGIN
            PERFORM pg_sleep({seconds});
            RETURN answer;
        END
        $$;
        """
    )


async def remove_lock(connection: RawConnection) -> None:
    """Let batches of different processes decide about the same showtime at the same time."""
    source = await _load_function(connection)
    assert LOCK in source
    await connection.execute(source.replace(LOCK, ""))


async def remove_constraints(connection: RawConnection) -> None:
    """Take away what would stop an oversold write at the last moment."""
    await connection.execute(
        """
        ALTER TABLE allotments DROP CONSTRAINT allotments_not_oversold;
        ALTER TABLE seat_claims DROP CONSTRAINT seat_claims_pkey;
        """
    )


async def _load_function(connection: RawConnection) -> str:
    source: str = await connection.fetchval(
        "SELECT pg_get_functiondef(oid) FROM pg_proc WHERE proname = 'sell_load_v1'"
    )
    return source
