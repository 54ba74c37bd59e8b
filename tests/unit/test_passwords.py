"""Hashing in processes of its own, and the queue in front of them."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from fullhouse.accounts import hashing
from fullhouse.accounts import passwords as module
from fullhouse.accounts.passwords import PasswordHasher
from fullhouse.kit.errors import Refused
from tests.support.hashing import hashes, hashing_below, parent_of, stat_of

PASSWORD = "correct horse battery"
BY_BCRYPT = "$2b$04$T6DnDgeoVHDkP60Wb8YwBefhPuC3Yxqp3SUqS7Rvk16rorN0waVL."
BY_SCRYPT = (
    "$scrypt$ln=10,r=8,p=1$h5ASAkBI6X0vxfgfo/SeEw$g2xLvEqq0I1xuptBR5gQc434rzfct6itJjO4t/Jhrgw"
)

Make = Callable[..., PasswordHasher]


@pytest.fixture
def make_hasher() -> Iterator[Make]:
    """Makes hashers, the cheapest that the settings allow, and closes them."""
    made: list[PasswordHasher] = []

    def make(
        memory_kib: int = 19_456,
        passes: int = 2,
        lanes: int = 1,
        processes: int = 1,
        **options: object,
    ) -> PasswordHasher:
        made.append(PasswordHasher(memory_kib, passes, lanes, processes, **options))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def passwords(make_hasher: Make) -> PasswordHasher:
    """A hasher with one process, which has not been started."""
    return make_hasher()


async def process_of(passwords: PasswordHasher) -> int:
    """The process of a hasher that has one; started if it was not, and idle."""
    before = set(hashing_below(os.getpid()))
    await passwords.hash(PASSWORD)
    (pid,) = {process._popen.pid for process in passwords._processes._idle}
    assert pid in hashing_below(os.getpid()) and parent_of(pid) == os.getpid()
    assert pid in before or len(hashing_below(os.getpid())) == len(before) + 1
    return pid


def shown(pid: int, what: str) -> bytes:
    """A file of a process in /proc; nothing where there is no such file."""
    file = Path(f"/proc/{pid}/{what}")
    return file.read_bytes() if file.exists() else b""


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.01)


# --- what is hashed


async def test_a_hash_fits_its_password_only(passwords: PasswordHasher) -> None:
    known = await passwords.hash(PASSWORD)
    assert known.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await passwords.verify_and_update(PASSWORD, known) == (True, None)
    assert await passwords.verify_and_update(PASSWORD + "x", known) == (False, None)
    assert await passwords.verify_and_update(PASSWORD, None) == (False, None)
    assert await passwords.hash(PASSWORD) != known


@pytest.mark.parametrize("known", [BY_BCRYPT, BY_SCRYPT])
async def test_an_older_hash_is_renewed(passwords: PasswordHasher, known: str) -> None:
    assert await passwords.verify_and_update(PASSWORD + "x", known) == (False, None)
    fits, newer = await passwords.verify_and_update(PASSWORD, known)
    assert fits
    assert newer is not None
    assert newer.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await passwords.verify_and_update(PASSWORD, newer) == (True, None)


async def test_the_parameters_are_those_of_the_settings(make_hasher: Make) -> None:
    known = await make_hasher(20_000, 3, 2).hash(PASSWORD)
    assert known.startswith("$argon2id$v=19$m=20000,t=3,p=2$")


@pytest.mark.parametrize("password", ["", "\ud800 half a pair", "a\0b", "ü" * 100_000])
async def test_no_password_is_an_accident(passwords: PasswordHasher, password: str) -> None:
    known = await passwords.hash(password)
    assert await passwords.verify_and_update(password, known) == (True, None)
    assert await passwords.verify_and_update(password + "x", known) == (False, None)
    assert await passwords.verify_and_update(password, BY_BCRYPT) == (False, None)
    assert await passwords.verify_and_update(password, BY_SCRYPT) == (False, None)


@pytest.mark.parametrize("known", ["", "\ud800", "a\0b", "$argon2id$größe"])
async def test_no_kept_hash_is_an_accident(passwords: PasswordHasher, known: str) -> None:
    pid = await process_of(passwords)
    assert await passwords.verify_and_update(PASSWORD, known) == (False, None)
    assert await process_of(passwords) == pid


# --- where it is hashed


async def test_a_process_starts_with_the_first_hash_and_is_used_again(
    passwords: PasswordHasher,
) -> None:
    assert passwords._processes._idle == []
    pid = await process_of(passwords)
    assert pid != os.getpid()
    assert await process_of(passwords) == pid


async def test_hashes_at_the_same_time_are_computed_by_as_many_processes(
    make_hasher: Make,
) -> None:
    passwords = make_hasher(processes=2)
    words = [f"{PASSWORD} {number}" for number in range(8)]
    known = await asyncio.gather(*map(passwords.hash, words))
    checks = [passwords.verify_and_update(*pair) for pair in zip(words, known, strict=True)]
    assert await asyncio.gather(*checks) == [(True, None)] * 8
    mixed = zip(words, known[1:] + known[:1], strict=True)
    wrong = [passwords.verify_and_update(*pair) for pair in mixed]
    assert await asyncio.gather(*wrong) == [(False, None)] * 8
    assert len({process._popen.pid for process in passwords._processes._idle}) == 2


async def test_a_process_tells_nobody_what_it_hashes_and_knows_no_settings(
    passwords: PasswordHasher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FULLHOUSE_SECRET_KEY", "of the server alone")
    monkeypatch.setenv("SOMETHING_ELSE", "stays")
    pid = await process_of(passwords)
    hashing_it = asyncio.ensure_future(passwords.hash(PASSWORD))
    seen = b""
    while not hashing_it.done():
        seen += shown(pid, "cmdline") + shown(pid, "environ")
        await asyncio.sleep(0)
    assert b"SOMETHING_ELSE=stays" in seen
    assert PASSWORD.encode() not in seen
    assert b"FULLHOUSE_" not in seen and b"of the server alone" not in seen


async def test_what_it_cannot_do_is_answered_without_telling_more(
    make_hasher: Make, capfd: pytest.CaptureFixture[str]
) -> None:
    # More lanes than the memory has room for: the library refuses.
    passwords = make_hasher(8, 1, 4)
    with capture_logs() as logs, pytest.raises(Refused) as refused:
        await passwords.hash(PASSWORD)
    assert refused.value.code.name == "overloaded"
    assert logs == [{"event": "password_not_hashed", "log_level": "error", "kind": "HashingError"}]
    assert PASSWORD not in "".join(capfd.readouterr())


# --- what happens to it


async def test_a_process_that_died_is_replaced(passwords: PasswordHasher) -> None:
    pid = await process_of(passwords)
    os.kill(pid, signal.SIGKILL)
    await until(lambda: not hashes(pid))
    with capture_logs() as logs:
        assert await process_of(passwords) != pid
    assert [(log["event"], log["exit_code"]) for log in logs] == [("password_process_died", -9)]


async def test_what_was_under_way_in_a_process_that_dies_is_done_again(
    passwords: PasswordHasher,
) -> None:
    known = await passwords.hash(PASSWORD)
    pid = await process_of(passwords)
    # Stopped, it has the request for certain, and has not answered.
    os.kill(pid, signal.SIGSTOP)
    checking = asyncio.ensure_future(passwords.verify_and_update(PASSWORD, known))
    await until(lambda: not passwords._processes._idle)
    with capture_logs() as logs:
        os.kill(pid, signal.SIGKILL)
        assert await checking == (True, None)
    assert [(log["event"], log["exit_code"]) for log in logs] == [("password_process_died", -9)]
    assert await process_of(passwords) != pid


async def test_whom_two_processes_died_of_is_refused(
    passwords: PasswordHasher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with capture_logs() as logs, pytest.raises(Refused) as refused:
        await passwords.hash(PASSWORD)
    assert refused.value.code.name == "overloaded"
    assert refused.value.retry_after_seconds
    assert [log["event"] for log in logs] == ["password_process_died"] * 2
    monkeypatch.undo()
    assert await passwords.hash(PASSWORD)


async def test_without_a_process_it_is_refused(
    passwords: PasswordHasher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with capture_logs() as logs, pytest.raises(Refused) as refused:
        await passwords.hash(PASSWORD)
    assert refused.value.code.name == "overloaded"
    assert [log["event"] for log in logs] == ["password_process_not_started"]
    monkeypatch.undo()
    assert await passwords.hash(PASSWORD)


async def test_a_process_that_hangs_is_killed(
    passwords: PasswordHasher, monkeypatch: pytest.MonkeyPatch
) -> None:
    pid = await process_of(passwords)
    os.kill(pid, signal.SIGSTOP)
    monkeypatch.setattr(module, "_LONGEST_HASH_SECONDS", 0)
    with capture_logs() as logs, pytest.raises(Refused) as refused:
        await passwords.hash(PASSWORD)
    assert refused.value.code.name == "overloaded"
    # Neither the one that was there nor the one that was started had so little time.
    assert [(log["event"], log["exit_code"]) for log in logs] == [("password_process_died", -9)] * 2
    assert not hashes(pid)
    monkeypatch.undo()
    assert await process_of(passwords) != pid


async def test_closing_ends_the_processes(make_hasher: Make) -> None:
    passwords = make_hasher(processes=2)
    await asyncio.gather(*(passwords.hash(PASSWORD) for _ in range(4)))
    pids = [process._popen.pid for process in passwords._processes._idle]
    assert pids and all(map(hashes, pids))
    passwords.close()
    assert [pid for pid in pids if hashes(pid)] == []


async def test_what_is_under_way_at_the_closing_is_finished(passwords: PasswordHasher) -> None:
    pid = await process_of(passwords)
    os.kill(pid, signal.SIGSTOP)
    last = asyncio.ensure_future(passwords.hash(PASSWORD))
    await until(lambda: not passwords._processes._idle)
    passwords.close()
    os.kill(pid, signal.SIGCONT)
    assert (await last).startswith("$argon2id$")
    await until(lambda: not hashes(pid))


async def test_a_hasher_that_nobody_closed_takes_its_processes_along() -> None:
    passwords = PasswordHasher(19_456, 2, 1, 1)
    pid = await process_of(passwords)
    del passwords
    await until(lambda: not hashes(pid))


async def test_it_ends_with_its_input(passwords: PasswordHasher) -> None:
    pid = await process_of(passwords)
    (process,) = passwords._processes._idle
    process._stdin.close()
    assert process._popen.wait(30) == 0
    assert not hashes(pid)


# --- the queue


async def test_hashing_does_not_hold_up_the_loop_and_is_bounded(make_hasher: Make) -> None:
    passwords = make_hasher(waiting_limit=2)
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


async def test_a_place_is_held_for_all_that_is_done_around_the_hash(make_hasher: Make) -> None:
    passwords = make_hasher(waiting_limit=0)
    async with passwords.place() as place:
        for refused in (passwords.hash(PASSWORD), passwords.verify_and_update(PASSWORD, None)):
            with pytest.raises(Refused):
                await refused
        known = await place.hash(PASSWORD)
        assert await place.verify_and_update(PASSWORD, known) == (True, None)
    assert await passwords.verify_and_update(PASSWORD, known) == (True, None)


async def test_a_place_comes_free_when_what_was_done_around_it_fails(make_hasher: Make) -> None:
    passwords = make_hasher(waiting_limit=0)
    for _ in range(2):
        with pytest.raises(KeyError):
            async with passwords.place():
                raise KeyError
    assert await passwords.hash(PASSWORD)


async def test_whoever_has_waited_too_long_is_not_hashed_for(make_hasher: Make) -> None:
    now = [1_000.0]
    passwords = make_hasher(clock=lambda: now[0])
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


async def test_nobody_is_let_in_who_would_wait_too_long(make_hasher: Make) -> None:
    now = [1_000.0]
    passwords = make_hasher(clock=lambda: now[0])

    def takes(seconds: float) -> None:
        now[0] += seconds

    async def get_in() -> int:
        """How many are let in at once."""
        inside = 0
        async with AsyncExitStack() as crowd:
            with pytest.raises(Refused) as refused:
                while True:
                    await crowd.enter_async_context(passwords.place())
                    inside += 1
        assert refused.value.code.name == "overloaded"
        assert refused.value.retry_after_seconds
        return inside

    # As long as nothing is known of it, and while it is fast, the queue is what limits them.
    assert await get_in() == 17
    for _ in range(100):
        await passwords._off_the_loop(lambda: takes(0.1))
    assert await get_in() == 17
    # Of hashes that take a second each, four may be ahead, besides the one at work.
    for _ in range(100):
        await passwords._off_the_loop(lambda: takes(1.0))
    assert await get_in() == 6
    # However slow it is, one is always let in, and so it is found out when it is fast again.
    for _ in range(100):
        await passwords._off_the_loop(lambda: takes(1_000.0))
    assert await get_in() == 2
    for _ in range(300):
        await passwords._off_the_loop(lambda: takes(0.1))
    assert await get_in() == 17


# --- its share of the machine


def priorities(pid: int) -> dict[int, int]:
    """The nice values of all threads of a process; nothing where /proc does not tell."""
    found: dict[int, int] = {}
    for task in Path(f"/proc/{pid}/task").glob("*/stat"):
        if fields := stat_of(task):
            found[int(task.parent.name)] = int(fields[16])
    return found


def divides_between_sessions() -> bool:
    """Whether a new session gets a share of its own here.

    What /proc says of this process does not tell: it is empty for whoever is in the first session
    of all, as under some CI runners.
    """
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, start_new_session=True) as other:
        return bool(shown(other.pid, "autogroup").split())


async def test_hashing_steps_back_behind_everything_else(passwords: PasswordHasher) -> None:
    own = os.getpriority(os.PRIO_PROCESS, 0)
    pid = await process_of(passwords)
    assert os.getpriority(os.PRIO_PROCESS, pid) == min(own + 10, 19)
    assert os.getpriority(os.PRIO_PROCESS, 0) == own
    # In a session of its own, or what follows would slow the server down too.
    assert os.getsid(pid) == pid != os.getsid(0)
    theirs = shown(pid, "autogroup").split()
    assert theirs[-1:] == ([b"%d" % hashing.SESSIONS_STEPS] if divides_between_sessions() else [])
    assert not theirs or theirs[:1] != shown(os.getpid(), "autogroup").split()[:1]


async def test_the_lanes_step_back_too(make_hasher: Make) -> None:
    passwords = make_hasher(65_536, 3, 4)
    pid = await process_of(passwords)
    lanes: dict[int, int] = {}
    # A lane's thread lives for some milliseconds; one hash starts dozens of them.
    for _ in range(20):
        hashing_it = asyncio.ensure_future(passwords.hash(PASSWORD))
        while not hashing_it.done():
            await asyncio.sleep(0)
            lanes |= {thread: nice for thread, nice in priorities(pid).items() if thread != pid}
        if lanes:
            break
    assert sys.platform != "linux" or lanes
    assert set(lanes.values()) <= {min(os.getpriority(os.PRIO_PROCESS, 0) + 10, 19)}


@pytest.mark.parametrize("error", [PermissionError, FileNotFoundError, BlockingIOError])
def test_a_system_that_knows_no_priorities_hashes_all_the_same(
    error: type[OSError], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def forbidden(*_: object) -> None:
        asked.append("")
        raise error

    monkeypatch.setattr(os, "nice", forbidden)
    monkeypatch.setattr(Path, "write_text", forbidden)
    monkeypatch.setattr(hashing, "_SESSIONS_PAUSE_SECONDS", 0)
    hashing.step_back()
    # Of all users together one may change it in a moment, so that is tried again.
    assert len(asked) == 1 + (5 if error is BlockingIOError else 1)
