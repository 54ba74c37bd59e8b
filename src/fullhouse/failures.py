"""Failures that an operator can do something about: one line on standard error, no traceback."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

BAD_SETTING = 2
Result = TypeVar("Result")


class Failure(Exception):
    """The command cannot go on. The message names the setting concerned or the remedy.

    ``code`` is the exit code: 2 for a setting that is wrong, else 1.
    """

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


def run_on_database(work: Coroutine[Any, Any, Result], *, external: bool) -> Result:
    """Run ``work`` to its end on a loop of its own.

    Raises Failure when the database cannot be reached, refuses us or lacks our tables.
    """
    import asyncpg

    try:
        return asyncio.run(work)
    except Failure:
        raise
    except Exception as error:
        cause = _cause(error)
        if not isinstance(cause, (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)):
            raise
        message = _explanation(cause, external=external)
        if message is None:
            raise
        raise Failure(message) from error


def _cause(error: Exception) -> Exception:
    """What asyncpg or the system said, below what SQLAlchemy made of it."""
    cause = getattr(getattr(error, "orig", None), "__cause__", None)
    return cause if isinstance(cause, Exception) else error


def _explanation(error: Exception, *, external: bool) -> str | None:
    """What to tell the operator, or None for what is a fault of ours.

    Never the address, which may hold the password.
    """
    import asyncpg

    where = "FULLHOUSE_DATABASE_URL" if external else "the embedded PostgreSQL"
    if isinstance(error, asyncpg.UndefinedTableError):
        return "the database has not all tables of this version: run 'fullhouse migrate' first"
    if isinstance(error, asyncpg.InsufficientPrivilegeError):
        return f"{where}: the account lacks a right in this database: {error}"
    refusals = (
        asyncpg.InvalidAuthorizationSpecificationError,
        asyncpg.InvalidCatalogNameError,
        asyncpg.PostgresConnectionError,
        asyncpg.CannotConnectNowError,
        asyncpg.TooManyConnectionsError,
        asyncpg.AdminShutdownError,
    )
    if isinstance(error, refusals):
        return f"{where}: the server refused the connection: {error}"
    if isinstance(error, asyncpg.ClientConfigurationError):
        return f"{where}: {error}"
    if isinstance(error, TimeoutError):
        return f"{where}: the server did not answer in time"
    if isinstance(error, OSError):
        return f"{where}: the server cannot be reached: {error.strerror or error}"
    return None
