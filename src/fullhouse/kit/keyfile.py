"""A secret that is made once and kept in a file that only its owner may read."""

import contextlib
import os
import secrets
from pathlib import Path

_BYTES = 48


def secret_in(path: Path) -> str:
    """The secret kept in ``path``; made by whoever comes first when several start at once.

    The file appears whole or not at all: it is written aside and then linked to its name,
    which fails if somebody else was faster. Raises OSError when the folder cannot be written.
    """
    with contextlib.suppress(FileNotFoundError):
        return path.read_text("ascii").strip()
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(aside, path)
    finally:
        aside.unlink()
    return path.read_text("ascii").strip()
