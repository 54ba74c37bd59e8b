"""The house rules, held over the source; each with a bad example that must be noticed."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.architecture import checkers
from tests.architecture.checkers import Source

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "fullhouse"

MOST_LINES = 400
# Cases of one subject stay together, and a list of cases reads faster than code does.
MOST_TEST_LINES = 800

# Where SQL stands outside the stores, and why.
SQL_ELSEWHERE = {
    "databases.py": "asks what a database has seen before anything heavy is loaded",
    "migrate.py": "brings the tables up to date",
}

# Who else touches the environment, and why; none reads a setting from it.
ENVIRONMENT = {
    "settings.py": "the only reader of settings",
    "cli.py": "hands psql its own environment and the password",
    "server.py": "hands the settings to the worker processes",
    "accounts/passwords.py": "keeps the settings from the processes that hash",
}

_WRITTEN_BY_PEOPLE = (
    ".py",
    ".md",
    ".sql",
    ".toml",
    ".txt",
    ".mako",
    ".yml",
    ".yaml",
    ".sh",
    ".lua",
)
_FOLDERS = ("src", "tests", "docs", "bench", "migrations", "requirements", ".ci", "deploy")

Checker = Callable[[Source], Iterable[str]]


def sources(folder: Path, root: Path) -> Iterator[Source]:
    """Every Python file below the folder."""
    for path in sorted(folder.rglob("*.py")):
        yield Source(path.relative_to(root).as_posix(), path.read_text(encoding="utf-8"))


HOUSE = list(sources(PACKAGE, PACKAGE))
BENCH = list(sources(ROOT / "bench", ROOT))
TESTS = list(sources(ROOT / "tests", ROOT))


def findings(checker: Checker, files: Iterable[Source]) -> list[str]:
    """What the checker has to say about all the files."""
    return [found for source in files for found in checker(source)]


def bad(path: str, *lines: str) -> Source:
    """A small file that breaks a rule."""
    return Source(path, "\n".join(lines) + "\n")


def test_there_are_files_to_check() -> None:
    assert len(HOUSE) > 80
    assert {source.kind for source in HOUSE} >= {*checkers.GRAMMAR.values(), "runtime", None}
    assert len(texts()) > 150


def test_functions_are_short() -> None:
    assert findings(checkers.long_functions, [*HOUSE, *BENCH, *TESTS]) == []
    body = ["    pass"] * checkers.MOST_FUNCTION_LINES
    assert findings(checkers.long_functions, [bad("a.py", "def long():", *body)]) == [
        "a.py:1: long has 71 lines"
    ]


def test_modules_are_short() -> None:
    assert findings(partial(checkers.long_modules, most=MOST_LINES), [*HOUSE, *BENCH]) == []
    assert findings(partial(checkers.long_modules, most=MOST_TEST_LINES), TESTS) == []
    long = bad("a.py", *["pass"] * (MOST_LINES + 1))
    assert findings(partial(checkers.long_modules, most=MOST_LINES), [long])


def test_domains_have_the_same_files() -> None:
    assert findings(checkers.unknown_files, HOUSE) == []
    for path in ("bookings/helpers.py", "venues/repositories/base.py", "catalog/utils.py"):
        assert findings(checkers.unknown_files, [bad(path, "pass")])
    for path in ("bookings/core/more.py", "venues/store/reading.py", "api/anything.py"):
        assert not findings(checkers.unknown_files, [bad(path, "pass")])


def test_extra_files_exist() -> None:
    """A file that is gone is no longer an exception to anything."""
    there = {source.path.removesuffix(".py") for source in HOUSE}
    packages = {path.rpartition("/")[0] for path in there}
    assert set(checkers.EXTRAS) <= there | packages
    files = {source.path for source in HOUSE}
    assert {*SQL_ELSEWHERE, *ENVIRONMENT} <= files


@pytest.mark.parametrize(
    "line",
    [
        "async def decide(): ...",
        "import time",
        "import sqlalchemy as sa",
        "from litestar import get",
        "from random import choice",
        "from fullhouse.kit.clock import utc_now",
        "from fullhouse.kit.ids import new_id",
        "started = datetime.now(UTC)",
        "day = date.today()",
        "key = uuid.uuid4()",
        "text = open('file')",
    ],
)
@pytest.mark.parametrize("path", ["bookings/core/decide.py", "venues/rules.py", "venues/labels.py"])
def test_impure_decision_is_noticed(path: str, line: str) -> None:
    assert findings(checkers.impurities, [bad(path, line)])
    assert not findings(checkers.impurities, [bad("bookings/jobs.py", line)])


def test_decisions_are_pure() -> None:
    assert sum(source.kind == "pure" for source in HOUSE) > 15
    assert findings(checkers.impurities, HOUSE) == []
    given = bad("venues/rules.py", "def is_over(now: datetime) -> bool:", "    return now > END")
    assert not findings(checkers.impurities, [given])


def test_http_ends_at_the_routes() -> None:
    assert findings(checkers.framework_in_the_wrong_place, HOUSE) == []
    line = "from litestar.exceptions import HTTPException"
    for path in ("venues/commands.py", "bookings/store/save.py", "bookings/sequencer.py"):
        assert findings(checkers.framework_in_the_wrong_place, [bad(path, line)])
    assert not findings(checkers.framework_in_the_wrong_place, [bad("venues/routes.py", line)])


@pytest.mark.parametrize(
    "line",
    [
        "import httpx",
        "import httpx2",
        "from valkey.asyncio import Valkey",
        "import urllib.request",
        "from http.client import HTTPConnection",
        "import socket as s",
        "from fullhouse.adapters.mail import Mailer",
    ],
)
def test_domains_know_no_network(line: str) -> None:
    assert findings(checkers.network_in_the_house, HOUSE) == []
    for path in ("catalog/queries.py", "bookings/store/read.py", "kit/db.py"):
        assert findings(checkers.network_in_the_house, [bad(path, line)])


def test_who_reaches_out_from_below_needs_the_exception() -> None:
    files = {source.path: source for source in HOUSE}
    for path, module in checkers.NETWORK_BELOW:
        assert list(files[path].imported_from([module])), f"{path} needs no exception"
    assert findings(checkers.network_in_the_house, [bad("kit/valkey.py", "import httpx")])


def test_network_words_are_not_the_network() -> None:
    harmless = bad("kit/names.py", "from urllib.parse import quote", "from http import HTTPStatus")
    assert not findings(checkers.network_in_the_house, [harmless])


@pytest.mark.parametrize(
    "lines",
    [
        ("async def pay(connection):", "    await httpx.post('…')"),
        ("async def pay(c: AsyncConnection):", "    httpx.get('…')"),
        (
            "async def pay(c: 'asyncpg.Connection[Any]'):",
            "    import smtplib",
            "    smtplib.SMTP()",
        ),
        ("def pay(*, c: RawConnection | None):", "    request.urlopen('…')"),
        ("async def pay(connection, mail: Mailer):", "    await mail.send()"),
        ("async def pay(connection, gateway: Gateway):", "    await gateway.charge()"),
        ("async def pay(db):", "    async with db.begin() as c:", "        await httpx.post('…')"),
    ],
)
def test_network_call_in_a_transaction_is_noticed(lines: tuple[str, ...]) -> None:
    known = (
        "import httpx",
        "from urllib import request",
        "from fullhouse.adapters.mail import Mailer",
        "from fullhouse.payments.ports import Gateway",
    )
    assert findings(checkers.network_in_transactions, [bad("payments/commands.py", *known, *lines)])


def test_transactions_make_no_network_calls() -> None:
    assert findings(checkers.network_in_transactions, HOUSE) == []
    between = bad(
        "payments/commands.py",
        "import httpx",
        "async def pay(database):",
        "    async with database.begin() as connection:",
        "        await store.start(connection)",
        "    answer = await httpx.post('…')",
    )
    assert not findings(checkers.network_in_transactions, [between])


@pytest.mark.parametrize("text", ["repr(error)", "str(error)", "f'{error}'", "f'a {error!r}'"])
def test_errors_are_logged_as_themselves(text: str) -> None:
    assert findings(checkers.errors_as_text, HOUSE) == []
    for call in ("log.warning", "logger.error", "_log"):
        assert findings(checkers.errors_as_text, [bad("a.py", f"{call}('x', error={text})")])
    for line in ("log.warning('x', error=error)", "log.warning('x', error=type(error).__name__)"):
        assert not findings(checkers.errors_as_text, [bad("a.py", line)])


def test_sql_is_in_the_stores() -> None:
    check = partial(checkers.sql_outside_store, elsewhere=set(SQL_ELSEWHERE))
    assert findings(check, HOUSE) == []
    for line in (
        "import sqlalchemy as sa",
        "from sqlalchemy import select",
        'rows = "SELECT 1"',
        'rows = f"UPDATE {table} SET a = 1"',
        'rows = "WITH a AS (SELECT 1) SELECT * FROM a"',
    ):
        for path in ("venues/commands.py", "venues/queries.py", "bookings/core/decide.py"):
            assert findings(check, [bad(path, line)]), line
        assert not findings(check, [bad("venues/store.py", line)]), line


def test_statements_in_files_are_in_the_stores() -> None:
    files = [path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.sql")]
    assert files
    assert [path for path in files if "/store/" not in path] == []


def test_store_neither_begins_nor_commits() -> None:
    assert findings(checkers.commits_in_store, HOUSE) == []
    for line in ("await connection.commit()", "connection.begin()", 'run("COMMIT")'):
        assert findings(checkers.commits_in_store, [bad("venues/store.py", line)])


@pytest.mark.parametrize(
    "line",
    [
        'run("UPDATE allotments SET sold = sold + 1")',
        'run("INSERT INTO seat_claims VALUES ($1)")',
        'run("DELETE FROM bookings WHERE id = $1")',
        'run("truncate waitlist_entries")',
        "run(allotments.update().values(sold=1))",
        "run(sa.delete(seat_claims))",
        "run(pg_insert(tables.bookings).values(id=1))",
        "run(tables.allotments.delete())",
    ],
)
@pytest.mark.parametrize("path", ["catalog/store/event_writes.py", "accounts/store.py", "demo.py"])
def test_sale_past_the_core_is_noticed(path: str, line: str) -> None:
    assert findings(checkers.sales_past_the_core, [bad(path, line)])


def test_selling_core_alone_changes_what_can_be_sold() -> None:
    assert findings(checkers.sales_past_the_core, HOUSE) == []
    for path in PACKAGE.rglob("*.sql"):
        if "bookings/store" not in path.as_posix():
            touched = {table for _, table in checkers.writes_in_sql(path.read_text("utf-8"))}
            assert not touched & set(checkers.SOLD), path
    own = [source for source in HOUSE if source.path.startswith("bookings/store/")]
    changed = {table for source in own for _, table, _ in checkers.writes(source)}
    assert changed >= set(checkers.SOLD)


def test_catalogue_makes_inventories_and_sets_their_revision() -> None:
    assert findings(checkers.wide_updates, HOUSE) == []
    made = {
        (verb, table)
        for source in HOUSE
        if source.path.startswith("catalog/store")
        for verb, table, _ in checkers.writes(source)
    }
    assert made >= set(checkers.CATALOGUE_MAY)
    for wide in (
        "run(inventories.update().where(x).values(revision=1, version=2))",
        "run(allotments.update().where(x).values(capacity=1, sold=2))",
    ):
        assert findings(checkers.wide_updates, [bad("catalog/store/event_writes.py", wide)])


def test_settings_alone_read_the_environment() -> None:
    others = [source for source in HOUSE if source.path not in ENVIRONMENT]
    assert findings(checkers.environment_readers, others) == []
    for path in ENVIRONMENT:
        (source,) = (source for source in HOUSE if source.path == path)
        assert findings(checkers.environment_readers, [source]), f"{path} needs no exception"
    for line in ("import os; a = os.environ['A']", "os.getenv('A')", "from os import environ"):
        assert findings(checkers.environment_readers, [bad("api/edge.py", line)])


def test_public_things_have_docstrings() -> None:
    assert findings(checkers.missing_docstrings, HOUSE) == []
    for line in ("def public(): ...", "class Public:\n    def __init__(self): ...", "x = 1"):
        assert findings(checkers.missing_docstrings, [bad("a.py", line)])
    listed = ('"""A module."""', "class Row(Struct):", "    id: UUID", "def _private(): ...")
    assert not findings(checkers.missing_docstrings, [bad("a.py", *listed)])
    body = ["        pass"] * checkers.MOST_LINES_WITHOUT_DOCSTRING
    long = ('"""A module."""', "class Long:", '    """A class."""', "    def act(self):", *body)
    assert findings(checkers.missing_docstrings, [bad("a.py", *long)])


def texts() -> list[tuple[str, str]]:
    """Every text that people write: path and content; without this test's own bad examples."""
    paths = [path for path in ROOT.iterdir() if path.is_file()]
    paths += [path for folder in _FOLDERS for path in (ROOT / folder).rglob("*") if path.is_file()]
    return [
        (path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
        for path in sorted(paths)
        if path.suffix in _WRITTEN_BY_PEOPLE or path.name in ("Makefile", "run", ".gitignore")
        if path != Path(__file__)
    ]


# Each has a bar in it that is taken out, so that nothing in the repository says it.
@pytest.mark.parametrize(
    "line",
    [
        "see ../sha|red/DESIGN.md",
        "cd /wo|rk/main",
        "/ro|ot/.cache/uv",
        "/ho|me/ada/project",
        "--index-|url https://py|pi.org/simple",
        "https://files.python|hosted.org/packages/a.w|hl",
        "https://registry.np|mjs.org/react",
        '<script src="https://cdn.example.com/a.js">',
        "https://unpkg.com/react",
        "# TO|DO: later",
        "# FIX|ME",
        "raise NotImpl|ementedError",
        "@pytest.mark.sk|ip(reason='…')",
        "@pytest.mark.xfail",
        "@pytest.mark.skipif(True, reason='…')",
    ],
)
def test_banned_text_is_noticed(line: str) -> None:
    assert list(checkers.banned_texts("a.md", f"First.\n{line.replace('|', '')}\n"))


def test_texts_name_no_machine_and_leave_nothing_open() -> None:
    assert [found for path, text in texts() for found in checkers.banned_texts(path, text)] == []


def test_harmless_texts_are_not_complained_about() -> None:
    for line in (
        "What is shared by all, src/shared-code.py, root's home, /var/lib/fullhouse",
        '@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")',
        "https://www.rfc-editor.org/rfc/rfc9457",
    ):
        assert not list(checkers.banned_texts("a.md", line))


def test_locks_name_no_server() -> None:
    locks = sorted((ROOT / "requirements").glob("*.txt"))
    assert locks
    for lock in locks:
        text = lock.read_text(encoding="utf-8")
        assert "--hash=sha256:" in text, lock
        assert list(checkers.addresses_in_lock(lock.name, text)) == []
    for line in ("--index|-url https://a.example/simple", "a @ https://a.example/a.w|hl", "-f dir"):
        assert list(checkers.addresses_in_lock("run.txt", line.replace("|", "")))
