"""What is asked of the place where pictures lie; ``adapters/storage`` has those that there are.

``originals/`` holds uploads until their variants are made, and is nobody's business: they may tell
where they were taken. ``pictures/`` holds the variants, which everybody may see.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from fullhouse.media.rules import name_of

ORIGINALS, PICTURES = "originals", "pictures"


class StorageUnavailable(Exception):
    """The storage cannot be reached, or does not do what it is asked, at the moment."""


class Stored(NamedTuple):
    """An object that the storage has."""

    key: str
    modified_at: datetime


class Storage(Protocol):
    """Keeps objects under keys. Everything may raise StorageUnavailable."""

    async def put(self, key: str, data: bytes, content_type: str) -> None:
        """Keep the object: whole or not at all, in the place of an earlier one."""

    async def get(self, key: str) -> bytes | None:
        """The object, None if there is none."""

    async def delete(self, keys: Sequence[str]) -> None:
        """Remove these objects, as far as they are there."""

    async def list(self, folder: str) -> Sequence[Stored]:
        """Every object in the folder."""

    def public_url(self, key: str) -> str | None:
        """Where everybody can read the object past this server; None if that is not so."""

    def close(self) -> None:
        """Begin nothing more."""


def key_of_original(media_id: UUID, sha256: bytes) -> str:
    """Where an upload lies; only whoever has it can know the name."""
    return f"{ORIGINALS}/{media_id}-{sha256.hex()}"


def media_of_original(key: str) -> UUID | None:
    """Whose upload lies there; None for what is none of ours."""
    try:
        return UUID(key.removeprefix(f"{ORIGINALS}/")[:36])
    except ValueError:
        return None


def folder_of_variants(media_id: UUID) -> str:
    """Where a picture's variants lie."""
    return f"{PICTURES}/{media_id}"


def key_of_variant(media_id: UUID, variant_format: str, width: int) -> str:
    """Where a variant lies: always the same place, so that making it again doubles nothing."""
    return f"{folder_of_variants(media_id)}/{name_of(variant_format, width)}"
