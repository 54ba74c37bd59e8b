"""Counting attempts to guess something, and making each further one wait longer."""

import math
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from fullhouse.accounts.errors import TOO_MANY_ATTEMPTS
from fullhouse.accounts.lockout import FORGOTTEN_AFTER, Policy
from fullhouse.accounts.parts import Accounts
from fullhouse.accounts.store import proofs
from fullhouse.kit.errors import Refused


@asynccontextmanager
async def guarded(
    accounts: Accounts,
    guesses: Mapping[bytes, Policy],
    wrong: Sequence[object],
    *,
    shared: Sequence[bytes] = (),
) -> AsyncIterator[None]:
    """Around an attempt that fails by raising Refused with one of the ``wrong`` codes.

    It is counted as failed before its outcome is known, so that attempts at the same moment see
    each other. When it succeeds, all counters begin anew but the ``shared`` ones, which only
    lose this attempt: who can sign in as themselves must not clear the way for guessing others.

    Raises Refused(TOO_MANY_ATTEMPTS) while an earlier count still holds.
    """
    await begin(accounts, guesses)
    try:
        yield
    except Refused as refused:
        if refused.code not in wrong:
            await _take_back(accounts, list(guesses))
        raise
    except BaseException:
        await _take_back(accounts, list(guesses))
        raise
    async with accounts.counting, accounts.database.begin() as connection:
        await proofs.hold_attempts(connection, list(guesses))
        await proofs.forget_attempts(connection, [key for key in guesses if key not in shared])
        await proofs.forgive_attempt(connection, list(shared))


async def begin(accounts: Accounts, guesses: Mapping[bytes, Policy]) -> None:
    """Count one attempt. Raises Refused(TOO_MANY_ATTEMPTS), without counting, if it must wait."""
    async with accounts.counting, accounts.database.begin() as connection:
        delays: dict[bytes, timedelta] = {}
        # In one order, so that no two transactions wait for each other.
        for key, policy in sorted(guesses.items()):
            failures = await proofs.count_attempt(connection, key, FORGOTTEN_AFTER)
            delays[key] = policy.delay_after(failures)
        # Looked at after counting, which has waited for whoever counts at the same moment.
        left = await proofs.locked_until(connection, list(guesses))
        if left is not None:
            # Raised out of the transaction, so that nothing was counted.
            seconds = math.ceil(left.total_seconds())
            raise Refused(TOO_MANY_ATTEMPTS, retry_after_seconds=max(1, seconds))
        await proofs.lock_attempts(
            connection, {key: delay for key, delay in delays.items() if delay}
        )


async def _take_back(accounts: Accounts, keys: Sequence[bytes]) -> None:
    async with accounts.counting, accounts.database.begin() as connection:
        await proofs.hold_attempts(connection, keys)
        await proofs.forgive_attempt(connection, keys)
