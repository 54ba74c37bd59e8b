"""What proves who somebody is besides a password, and how often it was guessed at in vain."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.accounts.tables import (
    attempts,
    identities,
    mail_tokens,
    phone_codes,
    recovery_codes,
)

_NOW = sa.func.clock_timestamp()


async def add_mail_token(
    connection: AsyncConnection,
    token_hash: bytes,
    user_id: UUID,
    purpose: str,
    email: str,
    lifetime: timedelta,
) -> None:
    """Write a new token; earlier ones of the user for the same purpose are good no more.

    The user has to be locked, so that of two at the same moment one is the later.
    """
    await drop_mail_tokens(connection, user_id, purpose)
    await connection.execute(
        mail_tokens.insert().values(
            token_hash=token_hash,
            user_id=user_id,
            purpose=purpose,
            email=email,
            expires_at=_NOW + lifetime,
        )
    )


async def find_mail_token(
    connection: AsyncConnection, token_hash: bytes, purpose: str
) -> tuple[UUID, str] | None:
    """Whose good token this is and the address that it proves; it stays good."""
    found = await connection.execute(
        sa.select(mail_tokens.c.user_id, mail_tokens.c.email).where(
            mail_tokens.c.token_hash == token_hash,
            mail_tokens.c.purpose == purpose,
            mail_tokens.c.expires_at > _NOW,
        )
    )
    row = found.one_or_none()
    return None if row is None else (row.user_id, row.email)


async def take_mail_token(
    connection: AsyncConnection, token_hash: bytes, purpose: str
) -> tuple[UUID, str] | None:
    """Use a token up; answers the user and the address that it proves, None if it is not good."""
    taken = await connection.execute(
        mail_tokens.delete()
        .where(mail_tokens.c.token_hash == token_hash, mail_tokens.c.purpose == purpose)
        .returning(
            mail_tokens.c.user_id,
            mail_tokens.c.email,
            (mail_tokens.c.expires_at > _NOW).label("good"),
        )
    )
    row = taken.one_or_none()
    return (row.user_id, row.email) if row is not None and row.good else None


async def drop_mail_tokens(
    connection: AsyncConnection, user_id: UUID, purpose: str | None = None
) -> None:
    """Make the user's tokens, or those for one purpose, good no more."""
    mine = [mail_tokens.c.user_id == user_id]
    if purpose is not None:
        mine.append(mail_tokens.c.purpose == purpose)
    await connection.execute(mail_tokens.delete().where(*mine))


async def drop_tokens_but_of(connection: AsyncConnection, user_id: UUID, email: str) -> None:
    """Leave of the user's tokens only the one that proves this address, and nothing else."""
    good = sa.and_(mail_tokens.c.purpose == "verify_email", mail_tokens.c.email == email)
    await connection.execute(mail_tokens.delete().where(mail_tokens.c.user_id == user_id, ~good))


async def put_phone_code(
    connection: AsyncConnection,
    request_id: UUID,
    phone: str,
    user_id: UUID | None,
    code_hash: bytes,
    lifetime: timedelta,
) -> None:
    """Write the one good code of a number; an earlier one is good no more."""
    values = {
        "id": request_id,
        "user_id": user_id,
        "code_hash": code_hash,
        "expires_at": _NOW + lifetime,
        "created_at": _NOW,
    }
    await connection.execute(
        insert(phone_codes)
        .values(phone=phone, **values)
        .on_conflict_do_update(index_elements=[phone_codes.c.phone], set_=values)
    )


@dataclass(frozen=True, slots=True)
class PhoneCode:
    """The good code of a number."""

    request_id: UUID
    user_id: UUID | None
    code_hash: bytes


async def lock_phone_code(connection: AsyncConnection, phone: str) -> PhoneCode | None:
    """The number's code, if it has a good one; locked, so that it is used once."""
    found = await connection.execute(
        sa.select(phone_codes)
        .where(phone_codes.c.phone == phone, phone_codes.c.expires_at > _NOW)
        .with_for_update()
    )
    row = found.one_or_none()
    return None if row is None else PhoneCode(row.id, row.user_id, row.code_hash)


async def drop_phone_code(connection: AsyncConnection, phone: str) -> None:
    """Make the number's code good no more."""
    await connection.execute(phone_codes.delete().where(phone_codes.c.phone == phone))


async def drop_phone_codes_for(connection: AsyncConnection, user_id: UUID) -> None:
    """Make the codes good no more with which the user wanted to link a number."""
    await connection.execute(phone_codes.delete().where(phone_codes.c.user_id == user_id))


async def put_recovery_codes(
    connection: AsyncConnection, user_id: UUID, hashes: Collection[bytes]
) -> None:
    """Put these in the place of the user's recovery codes."""
    await connection.execute(recovery_codes.delete().where(recovery_codes.c.user_id == user_id))
    if hashes:
        await connection.execute(
            recovery_codes.insert(),
            [{"user_id": user_id, "code_hash": code_hash} for code_hash in hashes],
        )


async def take_recovery_code(connection: AsyncConnection, user_id: UUID, code_hash: bytes) -> bool:
    """Use a recovery code up; False if the user has no such one."""
    taken = await connection.execute(
        recovery_codes.delete().where(
            recovery_codes.c.user_id == user_id, recovery_codes.c.code_hash == code_hash
        )
    )
    return taken.rowcount == 1


async def find_identity(connection: AsyncConnection, issuer: str, subject: str) -> UUID | None:
    """The user to whom this identity belongs."""
    found = await connection.execute(
        sa.select(identities.c.user_id).where(
            identities.c.issuer == issuer, identities.c.subject == subject
        )
    )
    return found.scalar_one_or_none()


async def add_identity(
    connection: AsyncConnection, issuer: str, subject: str, user_id: UUID
) -> bool:
    """Link an identity; False when it belongs to somebody already."""
    added = await connection.execute(
        insert(identities)
        .values(issuer=issuer, subject=subject, user_id=user_id)
        .on_conflict_do_nothing()
    )
    return added.rowcount == 1


async def drop_identities(connection: AsyncConnection, user_id: UUID) -> int:
    """Unlink the user's identities; answers how many there were."""
    gone = await connection.execute(identities.delete().where(identities.c.user_id == user_id))
    return gone.rowcount


async def locked_until(connection: AsyncConnection, keys: Collection[bytes]) -> timedelta | None:
    """How long the last lock on any of these still holds; None when none does."""
    left = sa.func.max(attempts.c.locked_until) - _NOW
    wanted = sa.literal(list(keys), ARRAY(sa.LargeBinary))
    found = await connection.execute(
        sa.select(left).where(attempts.c.key == sa.any_(wanted), attempts.c.locked_until > _NOW)
    )
    left_over: timedelta | None = found.scalar_one_or_none()
    return left_over


async def count_attempt(connection: AsyncConnection, key: bytes, forgotten_after: timedelta) -> int:
    """Count one more attempt as failed, before its outcome is known; answers how many in a row.

    Counting first makes attempts at the same moment see each other.
    """
    stale = attempts.c.last_failed_at < _NOW - forgotten_after
    counted = await connection.execute(
        insert(attempts)
        .values(key=key, failures=1, last_failed_at=_NOW)
        .on_conflict_do_update(
            index_elements=[attempts.c.key],
            set_={
                "failures": sa.case((stale, 1), else_=attempts.c.failures + 1),
                "last_failed_at": _NOW,
            },
        )
        .returning(attempts.c.failures)
    )
    failures: int = counted.scalar_one()
    return failures


async def lock_attempts(connection: AsyncConnection, delays: Mapping[bytes, timedelta]) -> None:
    """Let further attempts wait for so long."""
    for key, delay in delays.items():
        await connection.execute(
            attempts.update().where(attempts.c.key == key).values(locked_until=_NOW + delay)
        )


async def hold_attempts(connection: AsyncConnection, keys: Collection[bytes]) -> None:
    """Keep others from counting under these keys until the transaction ends.

    In the order in which they are counted, so that no two transactions wait for each other.
    """
    wanted = sa.literal(list(keys), ARRAY(sa.LargeBinary))
    await connection.execute(
        sa.select(attempts.c.key)
        .where(attempts.c.key == sa.any_(wanted))
        .order_by(attempts.c.key)
        .with_for_update()
    )


async def forget_attempts(connection: AsyncConnection, keys: Collection[bytes]) -> None:
    """Begin counting anew: somebody has proved who they are. The keys have to be held."""
    wanted = sa.literal(list(keys), ARRAY(sa.LargeBinary))
    await connection.execute(attempts.delete().where(attempts.c.key == sa.any_(wanted)))


async def forgive_attempt(connection: AsyncConnection, keys: Collection[bytes]) -> None:
    """Take back one attempt that did not fail, and no more than that. The keys have to be held.

    Or of two at the same moment, each would see the other's attempt left to count.
    """
    wanted = sa.literal(list(keys), ARRAY(sa.LargeBinary))
    mine = attempts.c.key == sa.any_(wanted)
    await connection.execute(attempts.delete().where(mine, attempts.c.failures == 1))
    await connection.execute(
        attempts.update().where(mine).values(failures=attempts.c.failures - 1, locked_until=None)
    )


async def purge_proofs(connection: AsyncConnection, kept: timedelta, limit: int) -> int:
    """Delete what has been of no use for so long; answers how much."""
    gone = 0
    for table, column, key in (
        (mail_tokens, mail_tokens.c.expires_at, mail_tokens.c.token_hash),
        (phone_codes, phone_codes.c.expires_at, phone_codes.c.id),
        (attempts, attempts.c.last_failed_at, attempts.c.key),
    ):
        old = sa.select(key).where(column < _NOW - kept).limit(limit)
        gone += (await connection.execute(table.delete().where(key.in_(old)))).rowcount
    return gone


async def current_time(connection: AsyncConnection) -> datetime:
    """The database's time at this moment."""
    now: datetime = (await connection.execute(sa.select(_NOW))).scalar_one()
    return now


async def drop_proofs(connection: AsyncConnection, user_id: UUID, phone: str | None) -> None:
    """Forget whatever could prove that somebody is this user, who had this number."""
    await drop_mail_tokens(connection, user_id)
    await connection.execute(
        phone_codes.delete().where(
            sa.or_(phone_codes.c.user_id == user_id, phone_codes.c.phone == phone)
        )
    )
    await put_recovery_codes(connection, user_id, ())
    await drop_identities(connection, user_id)
