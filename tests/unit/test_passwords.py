"""Password hashes."""

import asyncio
import base64
import hashlib
import os
import sys
import threading
from pathlib import Path
from typing import Any

import argon2
import bcrypt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pwdlib.hashers.argon2 import Argon2Hasher

from fullhouse.accounts import passwords as module
from fullhouse.accounts.passwords import OlderBcrypt, OlderScrypt, PasswordHasher
from fullhouse.kit.errors import Refused

PASSWORD = "correct horse battery"

# Made of PASSWORD by the programs that people come from.
BY_PASSLIB = (
    "$scrypt$ln=10,r=8,p=1$h5ASAkBI6X0vxfgfo/SeEw$g2xLvEqq0I1xuptBR5gQc434rzfct6itJjO4t/Jhrgw"
)
BY_PASSLIB_AS_SHIPPED = (
    "$scrypt$ln=16,r=8,p=1$PEdoDWFsLaVUivF+770X4g$P4PRJXtUQebY2q3kjhXKSstAYQSxpfrMn03an7NOo5w"
)
BY_DJANGO = (
    "scrypt$1024$saltsaltsalt$8$5$8q/xo8InyoCGNRnHwzT2rxpW0fOFSD9jeN+Z1lOeIYtPfxMO1hfMOFnitRHyW6oZZ"
    "/PP7lWFFU/rx3xziRueaA=="
)
BY_BCRYPT_2A = "$2a$04$oBs0mfWsJ0Pvo8Zzxs05.eN.A2dQcoEgZtyS9u.u8qLdAngd1EpJS"
BY_BCRYPT_2B = "$2b$04$T6DnDgeoVHDkP60Wb8YwBefhPuC3Yxqp3SUqS7Rvk16rorN0waVL."
BY_BCRYPT_2Y = "$2y$04$1bQNY9MI0WoyE.ykeWUrheX0MwEurhUbX3gQHBUgbbPycJbE7L6T."
# Of 80 bytes in letters of two bytes and "tail", of which bcrypt saw the first 72 bytes.
LONG_PASSWORD = "ü" * 40 + "tail"
BY_BCRYPT_LONG = "$2b$04$Ur9HtAilFkI/xXw99mXzKuBjsxl3c4O./J7xSG4SC5r.wqg1Qud3q"

OLDER = [
    BY_PASSLIB,
    BY_PASSLIB_AS_SHIPPED,
    BY_DJANGO,
    BY_BCRYPT_2A,
    BY_BCRYPT_2B,
    BY_BCRYPT_2Y,
]


def hasher(**options: Any) -> PasswordHasher:
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


@pytest.mark.parametrize("kind", [argon2.Type.I, argon2.Type.D])
async def test_a_weaker_kind_of_argon2_is_renewed(kind: argon2.Type) -> None:
    known = argon2.PasswordHasher(2, 19_456, 1, 32, 16, type=kind).hash(PASSWORD)
    fits, newer = await hasher().verify_and_update(PASSWORD, known)
    assert fits
    assert newer is not None
    assert newer.startswith("$argon2id$")


@pytest.mark.parametrize("known", OLDER)
async def test_an_older_hash_is_accepted_once_and_renewed(known: str) -> None:
    passwords = hasher()
    assert await passwords.verify_and_update(PASSWORD + "x", known) == (False, None)
    fits, newer = await passwords.verify_and_update(PASSWORD, known)
    assert fits
    assert newer is not None
    assert newer.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await passwords.verify_and_update(PASSWORD, newer) == (True, None)


async def test_what_bcrypt_cut_off_counts_again_after_the_renewal() -> None:
    passwords = hasher()
    fits, newer = await passwords.verify_and_update(LONG_PASSWORD, BY_BCRYPT_LONG)
    assert fits
    assert await passwords.verify_and_update(LONG_PASSWORD, newer) == (True, None)
    assert await passwords.verify_and_update("ü" * 40 + "else", newer) == (False, None)
    # A difference within the first 72 bytes is a wrong password before and after.
    wrong = "ü" * 35 + "u" + LONG_PASSWORD[36:]
    assert await passwords.verify_and_update(wrong, BY_BCRYPT_LONG) == (False, None)


async def test_older_kinds_are_never_made() -> None:
    assert (await hasher().hash(PASSWORD)).startswith("$argon2id$")
    for older in (OlderBcrypt(), OlderScrypt()):
        with pytest.raises(TypeError):
            older.hash(PASSWORD)


@pytest.mark.parametrize(
    "known",
    [
        "",
        "plain text",
        "$argon2id$",
        "$argon2id$v=19$m=19456,t=2,p=1",
        "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0",
        "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$",
        "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$not base64!",
        "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$größe",
        "$argon2id$v=19$m=0,t=0,p=0$c2FsdHNhbHRzYWx0$c2FsdHNhbHRzYWx0",
        "$argon2id$v=19$m=99999999999999999999,t=2,p=1$c2FsdHNhbHRzYWx0$c2FsdHNhbHRzYWx0",
        BY_BCRYPT_2B[:-1],
        BY_BCRYPT_2B + "\n",
        BY_BCRYPT_2B.replace("$04$", "$99$"),
        BY_BCRYPT_2B.replace("$04$", "$03$"),
        BY_BCRYPT_2B.replace("$2b$", "$2x$"),
        BY_PASSLIB[:-30],
        BY_PASSLIB[:-2],
        BY_PASSLIB[:-1],
        BY_PASSLIB.replace("ln=10", "ln=010"),
        BY_PASSLIB.replace("p=1", "p=-1"),
        BY_PASSLIB.replace("ln=10", "ln=0"),
        BY_PASSLIB.replace("r=8", "r=0"),
        BY_PASSLIB.replace("p=1", "p=0"),
        BY_DJANGO[:-1],
        BY_DJANGO.replace("$1024$", "$1023$"),
        BY_DJANGO.replace("saltsaltsalt", "\ud800"),
        BY_DJANGO.replace("1024", "١٠٢٤"),
    ],
)
async def test_what_is_no_hash_fits_no_password(known: str) -> None:
    assert await hasher().verify_and_update(PASSWORD, known) == (False, None)


@settings(max_examples=40, deadline=None)
@given(
    known=st.sampled_from([*OLDER[:1], *OLDER[2:]]),
    place=st.integers(min_value=0, max_value=200),
    instead=st.text(max_size=3),
)
def test_a_damaged_hash_is_no_accident(known: str, place: int, instead: str) -> None:
    damaged = known[:place] + instead + known[place + 1 :]
    fits, newer = hasher()._check(PASSWORD.encode(), damaged)
    assert fits == (newer is not None)
    # What still fits is another way to write the same: 2a for 2b, or a bit that does not count.
    assert not fits or len(damaged) == len(known)


@pytest.mark.parametrize(
    "known",
    [
        "$argon2id$v=19$m=1048576,t=1,p=1$c2FsdHNhbHRzYWx0$c2FsdHNhbHRzYWx0",
        "$argon2id$v=19$m=262144,t=4294967295,p=1$c2FsdHNhbHRzYWx0$c2FsdHNhbHRzYWx0",
        "$argon2id$v=19$m=262144,t=2,p=16384$c2FsdHNhbHRzYWx0$c2FsdHNhbHRzYWx0",
        BY_BCRYPT_2B.replace("$04$", "$31$"),
        BY_BCRYPT_2B.replace("$04$", "$16$"),
        BY_PASSLIB.replace("ln=10", "ln=18"),
        BY_PASSLIB.replace("ln=10", "ln=63"),
        BY_PASSLIB.replace("ln=10,r=8", "ln=11,r=999"),
        BY_PASSLIB.replace("ln=10", "ln=17").replace("p=1", "p=999"),
        BY_DJANGO.replace("$1024$", "$67108864$"),
    ],
)
async def test_a_planted_hash_costs_no_more_than_a_wrong_password(
    known: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> bool:
        raise AssertionError("was computed")

    def wrong(_: Argon2Hasher, password: bytes, known: str) -> bool:
        checked.append(known)
        return False

    checked: list[str] = []
    monkeypatch.setattr(bcrypt, "checkpw", never)
    monkeypatch.setattr(hashlib, "scrypt", never)
    monkeypatch.setattr(Argon2Hasher, "verify", wrong)
    assert await hasher().verify_and_update(PASSWORD, known) == (False, None)
    # What was computed instead is a hash of the server's own settings.
    assert len(checked) == 1
    assert checked[0].startswith("$argon2id$v=19$m=19456,t=2,p=1$")


async def test_the_servers_own_settings_are_always_affordable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_MOST_ARGON2_KIB", 1)
    monkeypatch.setattr(module, "_MOST_ARGON2_KIB_PASSES", 1)
    monkeypatch.setattr(module, "_MOST_ARGON2_LANES", 1)
    passwords = PasswordHasher(19_456, 3, 2, 1)
    assert await passwords.verify_and_update(PASSWORD, await passwords.hash(PASSWORD)) == (
        True,
        None,
    )
    dearer = await PasswordHasher(19_457, 3, 2, 1).hash(PASSWORD)
    assert await passwords.verify_and_update(PASSWORD, dearer) == (False, None)


@pytest.mark.parametrize(("ln", "p"), [(17, 1), (13, 10)])
async def test_the_scrypt_that_is_advised_is_affordable(ln: int, p: int) -> None:
    # The first and the last of OWASP's choices, with r = 8.
    digest = hashlib.scrypt(
        PASSWORD.encode(), salt=bytes(16), n=2**ln, r=8, p=p, maxmem=2**28, dklen=32
    )
    coded = base64.b64encode(digest).decode().rstrip("=")
    known = f"$scrypt$ln={ln},r=8,p={p}${'A' * 22}${coded}"
    fits, newer = await hasher().verify_and_update(PASSWORD, known)
    assert fits
    assert newer is not None


@pytest.mark.parametrize("password", ["", "\ud800 half a pair", "a\0b", "ü" * 100_000])
async def test_no_password_is_an_accident(password: str) -> None:
    passwords = hasher()
    known = await passwords.hash(password)
    assert await passwords.verify_and_update(password, known) == (True, None)
    assert await passwords.verify_and_update(password, BY_BCRYPT_2B) == (False, None)
    assert await passwords.verify_and_update(password, BY_PASSLIB) == (False, None)


async def test_a_nul_does_not_end_a_password_for_bcrypt() -> None:
    known = bcrypt.hashpw(b"a\0b", bcrypt.gensalt(4)).decode()
    assert (await hasher().verify_and_update("a\0c", known)) == (False, None)


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

    async def wait() -> bool:
        async with passwords.place():
            return await passwords._off_the_loop(release.wait)

    blocked = [asyncio.ensure_future(wait()) for _ in range(3)]
    await asyncio.sleep(0.01)
    with pytest.raises(Refused) as refused:
        await passwords.hash(PASSWORD)
    assert refused.value.code.name == "overloaded"
    assert refused.value.retry_after_seconds
    release.set()
    assert await asyncio.gather(*blocked) == [True] * 3
    assert await passwords.hash(PASSWORD)


async def test_a_place_is_held_for_all_that_is_done_around_the_hash() -> None:
    passwords = hasher(waiting_limit=0)
    async with passwords.place() as place:
        for refused in (passwords.hash(PASSWORD), passwords.verify_and_update(PASSWORD, None)):
            with pytest.raises(Refused):
                await refused
        known = await place.hash(PASSWORD)
        assert await place.verify_and_update(PASSWORD, known) == (True, None)
    assert await passwords.verify_and_update(PASSWORD, known) == (True, None)


async def test_a_place_comes_free_when_what_was_done_around_it_fails() -> None:
    passwords = hasher(waiting_limit=0)
    for _ in range(2):
        with pytest.raises(KeyError):
            async with passwords.place():
                raise KeyError
    assert await passwords.hash(PASSWORD)


async def test_whoever_has_waited_too_long_is_not_hashed_for() -> None:
    now = [1_000.0]
    passwords = hasher(clock=lambda: now[0])
    release = threading.Event()
    at_work = asyncio.ensure_future(passwords._off_the_loop(release.wait))
    late = asyncio.ensure_future(passwords.verify_and_update(PASSWORD, None))
    await asyncio.sleep(0.01)
    now[0] += module._LONGEST_WAIT_SECONDS
    in_time = asyncio.ensure_future(passwords.hash(PASSWORD))
    await asyncio.sleep(0.01)
    now[0] += 0.5
    release.set()
    with pytest.raises(Refused) as refused:
        await late
    assert refused.value.code.name == "overloaded"
    assert refused.value.retry_after_seconds
    # Who was at work already, and who came later, are not concerned.
    assert await at_work
    assert (await in_time).startswith("$argon2id$")


def priorities() -> dict[int, int]:
    """The nice values of all threads of this process; nothing where /proc does not tell."""
    found: dict[int, int] = {}
    for task in Path("/proc/self/task").glob("*/stat"):
        try:
            fields = task.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended meanwhile
        found[int(task.parent.name)] = int(fields[16])
    return found


async def test_hashing_steps_back_behind_everything_else() -> None:
    own = os.getpriority(os.PRIO_PROCESS, 0)
    passwords = hasher()
    behind = await passwords._off_the_loop(lambda: os.getpriority(os.PRIO_PROCESS, 0))
    assert behind == (min(own + 10, 19) if sys.platform == "linux" else own)
    assert os.getpriority(os.PRIO_PROCESS, 0) == own


async def test_the_lanes_step_back_too() -> None:
    passwords = PasswordHasher(65_536, 3, 4, 1)
    await passwords.hash(PASSWORD)
    known = priorities()
    lanes: dict[int, int] = {}
    # A lane's thread lives for some milliseconds; one hash starts dozens of them.
    for _ in range(20):
        hashing = asyncio.ensure_future(passwords.hash(PASSWORD))
        while not hashing.done():
            await asyncio.sleep(0)
            lanes |= {thread: nice for thread, nice in priorities().items() if thread not in known}
        if lanes:
            break
    assert sys.platform != "linux" or lanes
    behind = min(os.getpriority(os.PRIO_PROCESS, 0) + 10, 19)
    assert set(lanes.values()) <= {behind}


async def test_a_system_that_knows_no_priorities_hashes_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def forbidden(*_: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "setpriority", forbidden)
    passwords = hasher()
    assert await passwords.verify_and_update(PASSWORD, await passwords.hash(PASSWORD)) == (
        True,
        None,
    )
