"""Password hashes."""

import asyncio
import threading

import pytest
from pwdlib.hashers.argon2 import Argon2Hasher

from fullhouse.accounts.passwords import PasswordHasher
from fullhouse.kit.errors import Refused

PASSWORD = "correct horse battery"


def hasher(**options: int) -> PasswordHasher:
    """The cheapest hasher that the settings allow."""
    return PasswordHasher(19_456, 2, 1, 1, **options)


async def test_a_hash_fits_its_password_only() -> None:
    passwords = hasher()
    known = await passwords.hash(PASSWORD)
    assert known.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await passwords.verify_and_update(PASSWORD, known) == (True, None)
    assert await passwords.verify_and_update(PASSWORD + "x", known) == (False, None)
    assert await passwords.hash(PASSWORD) != known


async def test_a_hash_of_other_settings_is_renewed() -> None:
    known = await PasswordHasher(20_000, 2, 1, 1).hash(PASSWORD)
    fits, newer = await hasher().verify_and_update(PASSWORD, known)
    assert fits
    assert newer is not None
    assert "m=19456" in newer
    assert await hasher().verify_and_update(PASSWORD, newer) == (True, None)


async def test_nobody_has_a_hash_that_no_password_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []
    verify = Argon2Hasher.verify

    def noting(self: Argon2Hasher, password: str | bytes, known: str | bytes) -> bool:
        checked.append(str(known))
        return verify(self, password, known)

    monkeypatch.setattr(Argon2Hasher, "verify", noting)
    assert await hasher().verify_and_update(PASSWORD, None) == (False, None)
    # It was truly computed, with the same settings, or an unknown address were told by time.
    assert len(checked) == 1
    assert checked[0].startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    real = await hasher().hash(PASSWORD)
    assert [len(part) for part in checked[0].split("$")] == [len(part) for part in real.split("$")]


async def test_hashing_does_not_hold_up_the_loop_and_is_bounded() -> None:
    passwords = hasher(waiting_limit=2)
    release = threading.Event()
    blocked = [asyncio.ensure_future(passwords._off_the_loop(release.wait)) for _ in range(3)]
    await asyncio.sleep(0.01)
    with pytest.raises(Refused) as refused:
        await passwords.hash(PASSWORD)
    assert refused.value.code.name == "overloaded"
    assert refused.value.retry_after_seconds
    release.set()
    assert await asyncio.gather(*blocked) == [True] * 3
    assert await passwords.hash(PASSWORD)
