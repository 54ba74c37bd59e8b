"""Settings for tests."""

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
        **{"rate_limits_enabled": False, **options},
    )
