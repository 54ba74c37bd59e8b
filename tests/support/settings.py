"""Settings for tests."""

import atexit
import functools
import shutil
import tempfile
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from fullhouse.settings import Settings

SECRET = "a secret for tests, long enough to be one"


def settings_for(database_url: str, **options: Any) -> Settings:
    """Settings on this database, with the cheapest password hashes that are allowed."""
    return Settings(
        database_url=SecretStr(database_url),
        secret_key=SecretStr(SECRET),
        password_hash_memory_kib=19_456,
        password_hash_passes=2,
        password_hash_lanes=1,
        **{"rate_limits_enabled": False, "media_dir": _pictures(), **options},
    )


@functools.cache
def _pictures() -> Path:
    """Where the servers of this test process keep pictures, as far as nothing else is said."""
    folder = Path(tempfile.mkdtemp(prefix="fullhouse-media-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
