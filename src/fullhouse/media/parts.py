"""What the commands and the jobs of the media work with."""

import asyncio
from dataclasses import dataclass, field

from fullhouse.kit.db import Database
from fullhouse.media.storage import Storage
from fullhouse.media.workshop import Workshop


@dataclass(frozen=True, slots=True)
class Media:
    """The parts of taking pictures, making variants of them, and giving them out.

    Attributes:
        most_bytes: how large an upload may be.
        uploaded: wakes this process's job that makes variants; others look from time to time.
        deleted: the same for the one that clears away.
    """

    database: Database
    storage: Storage
    workshop: Workshop
    most_bytes: int
    uploaded: asyncio.Event = field(default_factory=asyncio.Event)
    deleted: asyncio.Event = field(default_factory=asyncio.Event)
