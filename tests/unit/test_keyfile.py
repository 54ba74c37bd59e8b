"""The secret that is made once."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from fullhouse.kit.keyfile import secret_in


def test_the_secret_stays_and_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "data" / "secret.key"
    secret = secret_in(path)
    assert len(secret) >= 64
    assert secret_in(path) == secret
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["secret.key"]


def test_whoever_starts_at_the_same_time_gets_the_same(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    with ThreadPoolExecutor(16) as threads:
        secrets = set(threads.map(lambda _: secret_in(path), range(64)))
    assert len(secrets) == 1
