"""The command line, in real processes on real folders."""

import contextlib
import fcntl
import json
import os
import pty
import select
import signal
import socket
import subprocess
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from fullhouse import __version__
from fullhouse.bookings.core import invariants
from fullhouse.kit.embedded import EmbeddedPostgres
from tests.support.postgres import short_folder
from tests.support.processes import (
    PROGRAM,
    ROOT,
    ServerProcess,
    environment,
    free_port,
    one_line,
    run,
)
from tests.support.settings import SECRET


@pytest.fixture(scope="module")
def data_dir() -> Iterator[Path]:
    """A folder with a cluster and the demo in it, on which nothing runs."""
    with short_folder() as folder:
        made = run("demo", "--data-dir", folder / "data")
        assert made.returncode == 0, made.stderr
        assert "organizer@test.com" in made.stdout
        yield folder / "data"


def until(condition: Callable[[], object], seconds: float) -> float:
    """Wait for the condition; answers how long it took."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < seconds, "it did not happen in time"
        time.sleep(0.02)
    return time.monotonic() - started


def somebody_listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def register(server: ServerProcess, email: str) -> None:
    body = {"name": "Ada", "email": email, "password": "correct horse battery"}
    request = Request(
        f"{server.url}/api/v1/auth/register",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    with urlopen(request) as answer:
        assert answer.status == 201


def test_serve_runs_everything_and_stops_in_order(data_dir: Path) -> None:
    with ServerProcess(data_dir, "--demo") as server:
        until(lambda: "Stop with Ctrl-C" in server.log(), 5)
        log = server.log()
        for expected in (f"{server.url}/api/v1", f"{server.url}/docs", "buyer@test.com"):
            assert expected in log
        assert server.status("/docs") == 200

        second = one_line(run("serve", "--data-dir", data_dir, "--port", str(free_port())))
        assert f"pid {server.pid}" in second
        assert str(data_dir) in second

        busy = one_line(run("serve", "--port", str(server.port)))
        assert f"port {server.port}" in busy
        assert "--port" in busy

        workers = server.workers()
        assert len(workers) == 1
        assert server.terminate() == 0
        assert "Stopped." in server.log()
    assert not somebody_listens(server.port)
    assert not Path(f"/proc/{workers[0]}").exists()
    assert not (data_dir / "postgres" / "postmaster.pid").exists()


def test_commands_use_the_server_that_runs(data_dir: Path) -> None:
    with ServerProcess(data_dir) as server:
        assert run("audit", "--data-dir", data_dir).returncode == 0
        counted = run("psql", "--data-dir", data_dir, "--", "-Atc", "SELECT count(*) FROM events")
        assert (counted.returncode, int(counted.stdout) > 0) == (0, True)
        assert run("migrate", "--data-dir", data_dir).returncode == 0
        assert server.status("/health/ready") == 200


def test_a_new_house_tells_how_its_first_administrator_is_made() -> None:
    with short_folder() as folder, ServerProcess(folder / "data") as server:
        until(lambda: "Stop with Ctrl-C" in server.log(), 5)
        assert f"fullhouse admin create --data-dir {folder / 'data'} --email" in server.log()
        assert server.terminate() == 0
        server.start()
        until(lambda: server.log().count("Stop with Ctrl-C") == 2, 5)
        assert server.log().count("admin create") == 1


def test_a_signal_while_starting_stops_in_order(data_dir: Path) -> None:
    with contextlib.closing(ServerProcess(data_dir)) as server:
        server.spawn()
        until(lambda: "is starting." in server.log(), 10)
        assert server.terminate(10) == 0
    assert not (data_dir / "postgres" / "postmaster.pid").exists()


def test_the_second_sigterm_stops_at_once(data_dir: Path) -> None:
    with (
        ServerProcess(data_dir) as server,
        socket.create_connection(("127.0.0.1", server.port)) as slow,
    ):
        # A request that never comes to its end would hold up an orderly stop.
        slow.sendall(b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{")
        time.sleep(0.2)
        server.signal(signal.SIGTERM)
        time.sleep(0.5)
        server.signal(signal.SIGTERM)
        assert server.wait(1) == 128 + signal.SIGTERM
    until(lambda: not somebody_listens(server.port), 2)


def test_kill_9_leaves_nobody_on_the_port_and_keeps_the_data(data_dir: Path) -> None:
    with ServerProcess(data_dir, "--workers", "2") as server:
        register(server, "kept@example.com")
        assert len(server.workers()) == 2
        server.kill9()
        until(lambda: not somebody_listens(server.port), 2)

        server.start()
        kept = run(
            "psql", "--data-dir", data_dir, "--", "-Atc",
            "SELECT count(*) FROM users WHERE email = 'kept@example.com'",
        )  # fmt: skip
        assert kept.stdout == "1\n"


def test_a_killed_postgres_comes_back_by_itself(data_dir: Path) -> None:
    with ServerProcess(data_dir) as server:
        for _ in range(2):
            before = server.postgres().pid
            os.kill(before, signal.SIGKILL)
            until(lambda: server.status("/health/ready") == 503, 5)
            server.wait_ready(20)
            assert server.postgres().pid != before
        assert server.log().count("postgres_died") == 2
        register(server, "after-the-crash@example.com")
        assert server.terminate() == 0


def test_a_killed_worker_is_replaced_and_ctrl_c_is_an_order(data_dir: Path) -> None:
    with ServerProcess(data_dir) as server:
        (worker,) = server.workers()
        os.kill(worker, signal.SIGKILL)
        until(lambda: worker not in server.workers() and server.workers(), 5)
        server.wait_ready(20)
        server.signal(signal.SIGINT)
        assert server.wait(10) == 0


def test_audit_tells_good_from_bad(data_dir: Path) -> None:
    good = run("audit", "--data-dir", data_dir)
    assert (good.returncode, good.stderr) == (0, "")
    assert good.stdout.count("\n  ok ") == len(invariants.ALL)

    def change(sql: str) -> None:
        changed = run("psql", "--data-dir", data_dir, "--", "-c", sql)
        assert changed.returncode == 0, changed.stderr

    one = "WHERE showtime_id = (SELECT min(showtime_id::text)::uuid FROM allotments)"
    change(f"UPDATE allotments SET sold = sold + 1 {one}")
    bad = run("audit", "--data-dir", data_dir)
    change(f"UPDATE allotments SET sold = sold - 1 {one}")
    assert bad.returncode == 1
    assert "breaches" in bad.stdout
    assert "recount" in bad.stdout


def test_migrate_twice_and_psql_without_a_server() -> None:
    with short_folder() as folder:
        first = run("migrate", "--data-dir", folder)
        second = run("migrate", "--data-dir", folder)
        shown = run("psql", "--data-dir", folder, "--", "-Atc", "SELECT 6 * 7")
        failed = run("psql", "--data-dir", folder, "--", "-c", "SELECT 1 / 0")
    assert (first.returncode, first.stdout.startswith("Migrated from nothing")) == (0, True)
    assert (second.returncode, second.stdout.startswith("Nothing to migrate")) == (0, True)
    assert (shown.returncode, shown.stdout) == (0, "42\n")
    assert failed.returncode == 1


@pytest.mark.parametrize(
    "command",
    [
        ["audit"],
        ["psql"],
        ["admin", "create", "--email", "ada@example.com", "--name", "Ada"],
    ],
    ids=["audit", "psql", "admin"],
)
def test_what_needs_a_house_makes_none(command: list[str], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "mistyped", tmp_path / "empty"):
        answer = run(*command, "--data-dir", folder)
        line = f"fullhouse: there is no database in {folder}: name its folder with --data-dir"
        assert one_line(answer) == line
        assert (answer.returncode, answer.stdout) == (1, "")
    assert [path.name for path in tmp_path.rglob("*")] == ["empty"]


def test_psql_makes_an_empty_database_only_when_it_is_told_to() -> None:
    with short_folder() as folder:
        count = ["--", "-Atc", "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"]
        made = run("psql", "--create", "--data-dir", folder / "new", *count)
        again = run("psql", "--data-dir", folder / "new", *count)
        audited = run("audit", "--data-dir", folder / "new")
    assert (made.stdout, again.stdout) == ("0\n", "0\n")
    assert "fullhouse migrate" in one_line(audited)


def test_a_folder_of_another_major_version_is_refused(data_dir: Path) -> None:
    version = data_dir / "postgres" / "PG_VERSION"
    ours = version.read_text()
    version.write_text("16\n")
    try:
        line = one_line(run("serve", "--data-dir", data_dir, "--port", str(free_port())))
    finally:
        version.write_text(ours)
    assert "PostgreSQL 16" in line
    assert "--data-dir" in line


@pytest.mark.parametrize("shared_on", ["0.0.0.0", "127.0.0.1"])
def test_a_port_that_somebody_shares_is_busy(shared_on: str) -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind((shared_on, 0))
        other.listen()
        port = other.getsockname()[1]
        answer = run("serve", "--port", str(port), "--data-dir", "/nowhere")
    assert f"port {port}" in one_line(answer)
    assert answer.returncode == 1


@pytest.mark.parametrize(
    ("variables", "arguments", "named"),
    [
        ({"FULLHOUSE_PORT": "abc"}, [], "FULLHOUSE_PORT"),
        ({}, ["--port", "99999"], "--port"),
        ({}, ["--workers", "0"], "--workers"),
        ({}, ["--log-level", "loud"], "--log-level"),
        ({}, ["--host", "no.such.host.invalid"], "FULLHOUSE_HOST"),
        ({}, ["--host", "192.0.2.1"], "FULLHOUSE_HOST"),
        ({"FULLHOUSE_SECRET_KEY": "short"}, [], "FULLHOUSE_SECRET_KEY"),
        ({"FULLHOUSE_DATABASE_URL": "mysql://x/y"}, [], "FULLHOUSE_DATABASE_URL"),
    ],
)
def test_a_bad_setting_is_one_line_that_names_it(
    variables: dict[str, str], arguments: list[str], named: str
) -> None:
    answer = run("serve", *arguments, variables=variables)
    assert named in one_line(answer)
    assert answer.returncode == 2


def test_version() -> None:
    assert run("version").stdout == f"fullhouse {__version__}\n"


def external(url: str) -> dict[str, str]:
    return {"FULLHOUSE_DATABASE_URL": url, "FULLHOUSE_SECRET_KEY": SECRET}


@pytest.mark.parametrize("command", ["serve", "audit"])
def test_an_unreachable_database_is_one_line(command: str, tmp_path: Path) -> None:
    variables = external(f"postgresql://me:hidden@/x?host={tmp_path}")
    line = one_line(run(command, variables=variables | {"FULLHOUSE_PORT": str(free_port())}))
    assert "FULLHOUSE_DATABASE_URL" in line
    assert "hidden" not in line


def test_an_external_database(postgres: EmbeddedPostgres) -> None:
    variables = external(postgres.dsn("cli"))
    refused = run("migrate", variables=variables)
    assert "cli" in one_line(refused)

    def sql(database: str, statement: str) -> None:
        where = external(postgres.dsn(database))
        answer = run("psql", "--", "-qc", statement, variables=where)
        assert answer.returncode == 0, answer.stderr

    sql("postgres", "CREATE DATABASE cli")
    try:
        port = {"FULLHOUSE_PORT": str(free_port())}
        assert "fullhouse migrate" in one_line(run("api", variables=variables | port))
        assert "fullhouse migrate" in one_line(run("audit", variables=variables))
        assert run("migrate", variables=variables).returncode == 0
        with ServerProcess(Path("/nowhere"), command="api", variables=variables) as server:
            assert server.terminate() == 0
        admin = ["admin", "create", "--email", "a@example.com", "--name", "Ada"]
        made = run(*admin, variables=variables).stdout
        assert made.startswith("Made the administrator a@example.com in the database cli.\n")
        sql("cli", "INSERT INTO organizations (id, name) VALUES (gen_random_uuid(), 'Mine')")
        assert "Mine" in one_line(run("demo", variables=variables))
        serve = one_line(run("serve", "--demo", variables=variables | port))
        assert "Mine" in serve
    finally:
        sql("postgres", "DROP DATABASE cli WITH (FORCE)")


def test_api_needs_a_database() -> None:
    assert "FULLHOUSE_DATABASE_URL" in one_line(run("api"))


def test_help_names_every_command() -> None:
    shown: subprocess.CompletedProcess[str] = run("--help")
    for command in ("serve", "api", "migrate", "demo", "admin", "audit", "psql", "version"):
        assert f"\n  {command} " in shown.stdout


def create_admin(
    data_dir: Path, email: str, *arguments: str, typed: str = ""
) -> subprocess.CompletedProcess[str]:
    """``fullhouse admin create`` with this on its standard input, which is no terminal."""
    command = [*PROGRAM, "admin", "create", "--data-dir", str(data_dir), "--email", email]
    return subprocess.run(
        [*command, "--name", "Ada Lovelace", *arguments],
        env=environment(),
        cwd=ROOT,
        input=typed,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def log_in(server: ServerProcess, email: str, password: str) -> str:
    """The role of whoever can sign in with this."""
    request = Request(
        f"{server.url}/api/v1/auth/login",
        json.dumps({"email": email, "password": password}).encode(),
        {"Content-Type": "application/json"},
    )
    with urlopen(request) as answer:
        role: str = json.load(answer)["user"]["role"]
    return role


def test_administrators_are_made_by_the_operator_alone(data_dir: Path) -> None:
    with ServerProcess(data_dir) as server:
        for email, password, named in (
            ("no address", "a password of my own", "--email"),
            ("chief@example.com", "short", "the password"),
            ("chief@example.com", "", "the password"),
            ("chief@example.com", "password123", "the password"),
            ("chief@example.com", "chief@example.com", "the password"),
        ):
            failed = create_admin(data_dir, email, "--password-stdin", typed=f"{password}\n")
            assert named in one_line(failed), (email, password)
            assert (failed.returncode, failed.stdout) == (1, "")

        typed = "a password of my own"
        made = create_admin(data_dir, "Chief@Example.com", "--password-stdin", typed=f"{typed}\n")
        assert (made.returncode, made.stderr) == (0, "")
        place = f"in the folder {data_dir.resolve()}"
        assert made.stdout == f"Made the administrator chief@example.com {place}.\n"
        assert log_in(server, "chief@example.com", typed) == "ADMIN"

        taken = create_admin(data_dir, "chief@example.com", "--password-stdin", typed=f"{typed}\n")
        assert "--email" in one_line(taken)
        assert typed not in taken.stderr

        # Without a terminal and without a password one is made up.
        further = create_admin(data_dir, "second@example.com")
        assert (further.returncode, further.stderr) == (0, "")
        first_line, second_line = further.stdout.splitlines()
        assert first_line == f"Made the administrator second@example.com {place}."
        password = second_line.rpartition(" ")[2]
        assert len(password) >= 24
        assert log_in(server, "second@example.com", password) == "ADMIN"
        assert password not in create_admin(data_dir, "third@example.com").stdout

        entries = run(
            "psql", "--data-dir", data_dir, "--", "-Atc",
            "SELECT actor_kind, action, after ->> 'role' FROM audit_log"
            " WHERE actor_kind = 'operator' AND object_kind = 'user'",
        )  # fmt: skip
        assert entries.stdout.splitlines() == ["operator|user.created|ADMIN"] * 3


def test_a_password_is_asked_for_twice_on_a_terminal_and_not_shown() -> None:
    with short_folder() as folder:
        assert run("migrate", "--data-dir", folder / "data").returncode == 0
        ours, theirs = pty.openpty()
        arguments = ["--data-dir", str(folder / "data"), "--email", "a@example.com", "--name", "A"]
        process = subprocess.Popen(
            [*PROGRAM, "admin", "create", *arguments],
            env=environment(),
            cwd=ROOT,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            # The prompt talks to the controlling terminal, which has to be this one.
            preexec_fn=_take_terminal,
        )
        os.close(theirs)
        shown = b""
        try:
            for question, answer in (
                (b"Password: ", b"a password of my own\n"),
                (b"confirmation: ", b"a password of my owm\n"),
                (b"Password: ", b"a password of my own\n"),
                (b"confirmation: ", b"a password of my own\n"),
            ):
                shown += _read_until(ours, question)
                os.write(ours, answer)
            shown += _read_until(ours, b"Made the administrator a@example.com in the folder ")
            assert process.wait(60) == 0
        finally:
            process.kill()
            process.wait()
            os.close(ours)
    assert b"do not match" in shown
    assert b"of my own" not in shown


def _take_terminal() -> None:
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _read_until(terminal: int, text: bytes) -> bytes:
    """What is written on the terminal up to and with the text."""
    read = b""
    while text not in read:
        ready, _, _ = select.select([terminal], [], [], 60)
        assert ready, f"{text!r} did not come: {read!r}"
        read += os.read(terminal, 1_024)
    return read
