"""What ``fullhouse serve`` and ``fullhouse api`` do, from the address to the last goodbye."""

import contextlib
import importlib
import shlex
import threading
from collections.abc import Callable, Iterator
from ipaddress import ip_address

from pydantic import SecretStr

from fullhouse import __version__, databases, server
from fullhouse.databases import Target
from fullhouse.failures import BAD_SETTING, Failure
from fullhouse.kit.embedded import EmbeddedPostgres
from fullhouse.kit.keyfile import secret_in
from fullhouse.server import Stopped, StopSignals
from fullhouse.settings import READ_BY_PARTS, Settings
from fullhouse.supervisor import Supervisor

SECRET_FILE = "secret.key"

# Of each worker: the sequencer's and the listener's. And what psql, the audit and others need.
UNPOOLED_CONNECTIONS = 10
MOST_CONNECTIONS = 200


def serve_everything(settings: Settings, *, demo: bool = False, reload: bool = False) -> None:
    """Run the database, unless one is configured, and the server, until asked to stop.

    Raises Failure and EmbeddedPostgresError.
    """

    def prepare(target: Target) -> None:
        databases.migrate(target)
        if demo:
            databases.load_demo(settings, target)

    new = settings.database_url is None and not (settings.data_dir / "postgres").exists()
    if new:
        # A new cluster takes a second of another processor's time: use it.
        threading.Thread(target=_load_ahead, args=(demo,), name="load-ahead", daemon=True).start()
    _run(settings, prepare, demo=demo, new=new, reload=reload)


def serve_api(settings: Settings) -> None:
    """Run the server alone on the configured database, until asked to stop. Raises Failure."""
    if settings.database_url is None:
        raise Failure(
            "FULLHOUSE_DATABASE_URL: must be set for 'fullhouse api'; 'fullhouse serve' brings "
            "its own PostgreSQL",
            BAD_SETTING,
        )
    _run(settings, databases.check_migrated)


def _run(
    settings: Settings,
    prepare: Callable[[Target], None],
    *,
    demo: bool = False,
    new: bool = False,
    reload: bool = False,
) -> None:
    _check(settings)
    address, holder = server.hold_port(settings.host, settings.port)
    signals = StopSignals()
    with contextlib.suppress(Stopped), holder:
        signals.install()
        print(f"Fullhouse {__version__} is starting.", flush=True)
        with _with_database(settings) as (complete, target):

            def prepare_all() -> None:
                _configure_logs(settings)
                prepare(target)
                _warn_of_open_demo(databases.demo_accounts(target), address, demo=demo)

            def ready() -> None:
                print(_welcome(settings, demo=demo, new=new), flush=True)

            server.serve(complete, address, signals, prepare_all, ready, reload=reload)
        print("Stopped.", flush=True)


def _check(settings: Settings) -> None:
    """Raise SettingsError here, in one line, for what the workers would all stumble over.

    Loading their parts takes a while: only who has set any of these waits for it.
    """
    if settings.model_fields_set & READ_BY_PARTS:
        from fullhouse import parts

        parts.check(settings)


def _load_ahead(demo: bool) -> None:
    """Load the modules that a first start will need."""
    # Where the program ends meanwhile, some of them cannot be loaded any more.
    with contextlib.suppress(RuntimeError):
        importlib.import_module("fullhouse.migrate")
        if demo:
            importlib.import_module("fullhouse.demo")


@contextlib.contextmanager
def _with_database(settings: Settings) -> Iterator[tuple[Settings, Target]]:
    """The database, and the settings with its address in them.

    An embedded one is kept running during the block.
    """
    if settings.database_url is not None:
        if settings.secret_key is None:
            raise Failure(
                "FULLHOUSE_SECRET_KEY: must be set with a database of your own, to the same value "
                "for every server on it",
                BAD_SETTING,
            )
        yield settings, Target(settings.database_url.get_secret_value(), external=True)
        return
    connections = settings.workers * (settings.database_pool_size + UNPOOLED_CONNECTIONS)
    most = {"max_connections": str(max(MOST_CONNECTIONS, connections))}
    with EmbeddedPostgres(settings.data_dir, settings=most) as postgres:
        secret = settings.secret_key or SecretStr(secret_in(postgres.data_dir / SECRET_FILE))
        complete = settings.model_copy(
            update={"database_url": SecretStr(postgres.dsn()), "secret_key": secret}
        )
        supervisor = Supervisor(postgres)
        supervisor.start()
        try:
            yield complete, Target(postgres.dsn(), external=False)
        finally:
            supervisor.stop()


def _configure_logs(settings: Settings) -> None:
    from fullhouse.kit import logging

    logging.configure(settings.log_level, settings.log_format, lambda: "")


def _warn_of_open_demo(accounts: list[str], address: str, *, demo: bool) -> None:
    """Everybody knows the passwords of the demo: say so where nobody asked for it, or far too many
    can reach it."""
    if accounts and not (demo and ip_address(address).is_loopback):
        import structlog

        log = structlog.get_logger(__name__)
        log.warning(
            "demo_accounts_are_open",
            accounts=accounts,
            remedy="give them other passwords, or use another data folder without --demo",
        )


def _welcome(settings: Settings, *, demo: bool, new: bool) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)
    base = f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"
    database = (
        f"embedded PostgreSQL in {settings.data_dir}"
        if settings.database_url is None
        else "the PostgreSQL of FULLHOUSE_DATABASE_URL"
    )
    lines = [
        "",
        "Fullhouse is ready.",
        "",
        f"  API        {base}/api/v1",
        f"  Docs       {base}/docs",
        f"  Health     {base}/health",
        f"  Database   {database}",
    ]
    if demo:
        lines += ["", "  Demo logins"]
        lines += [f"    {login}" for login in databases.demo_logins()]
    elif new:
        folder = shlex.quote(str(settings.data_dir))
        lines += ["", "  Nobody is here yet. The first administrator:"]
        lines += [f"    fullhouse admin create --data-dir {folder} --email … --name …"]
    return "\n".join([*lines, "", "Stop with Ctrl-C.", ""])
