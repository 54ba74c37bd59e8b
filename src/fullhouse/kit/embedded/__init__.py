"""Servers that Fullhouse brings along and runs itself: PostgreSQL on a folder.

Standard library only, so that a broken environment still gives a clear message.
"""

from fullhouse.kit.embedded.errors import EmbeddedPostgresError
from fullhouse.kit.embedded.postgres import (
    AttachedPostgres,
    EmbeddedPostgres,
    attach,
    has_cluster,
)

__all__ = [
    "AttachedPostgres",
    "EmbeddedPostgres",
    "EmbeddedPostgresError",
    "attach",
    "has_cluster",
]
