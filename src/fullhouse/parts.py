"""What a server process is made of: each part made from the settings, and none of them started."""

import hashlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

from pydantic import SecretStr

from fullhouse import settings as fullhouse_settings
from fullhouse.accounts import jobs as accounts_jobs
from fullhouse.accounts import queries as accounts_queries
from fullhouse.accounts.authenticator import Authenticator
from fullhouse.accounts.parts import Accounts, Post
from fullhouse.accounts.passwords import PasswordHasher
from fullhouse.accounts.sessions import Lifetimes, RefreshTokens
from fullhouse.accounts.tokens import AccessTokens, Challenges
from fullhouse.adapters.mail import mailer
from fullhouse.adapters.oauth import Google
from fullhouse.adapters.sms import sms_sender
from fullhouse.adapters.storage import storage
from fullhouse.api.answers import Answers
from fullhouse.api.browsers import Cors
from fullhouse.api.limits import TIERS, Limits, rate_of
from fullhouse.api.proxies import Proxies
from fullhouse.api.shared import SharedAnswers
from fullhouse.bookings import jobs as bookings_jobs
from fullhouse.bookings.best_seats import BestSeats
from fullhouse.bookings.commands import Desk
from fullhouse.bookings.seat_states import SeatStates
from fullhouse.bookings.sequencer import Sequencer
from fullhouse.bookings.terms import Terms
from fullhouse.catalog import jobs as catalog_jobs
from fullhouse.kit import changes
from fullhouse.kit.db import Database
from fullhouse.kit.dispatch import Dispatcher
from fullhouse.kit.housekeeping import Chore, Housekeeper
from fullhouse.kit.listener import Listener
from fullhouse.kit.shared_bytes import SharedBytes
from fullhouse.kit.valkey import SharedWindows
from fullhouse.media import jobs as media_jobs
from fullhouse.media.parts import Media
from fullhouse.media.storage import Storage
from fullhouse.media.workshop import Workshop
from fullhouse.settings import Settings, SettingsError
from fullhouse.venues.queries.seat_maps import SeatMaps

T = TypeVar("T")

# What is asked for by everybody and costs something to make.
_SHARED_PATHS = (
    "/api/v1/events",
    "/api/v1/movies",
    "/api/v1/shows",
    "/api/v1/venues",
)
# Announced by the selling core with every batch, and not written down.
_SALES_TAGS = ("showtime:",)
_CHANGES_SECONDS = 60.0
_MOST_CHANGES = 10_000


@dataclass(frozen=True)
class Parts:
    """What a server process is made of."""

    settings: Settings
    database: Database
    listener: Listener
    answers: Answers
    accounts: Accounts
    authenticator: Authenticator
    dispatcher: Dispatcher
    shared_windows: SharedWindows | None
    shared_bytes: SharedBytes | None
    shared_answers: SharedAnswers | None
    metrics_readers: Proxies
    limits: Limits | None
    proxies: Proxies
    cors: Cors
    media: Media
    seat_maps: SeatMaps
    desk: Desk
    seat_states: SeatStates
    best_seats: BestSeats
    housekeeper: Housekeeper


def make_parts(settings: Settings) -> Parts:
    """Make the parts without starting them. Raises SettingsError without a database to use."""
    if settings.database_url is None:
        raise SettingsError(f"{fullhouse_settings.PREFIX}DATABASE_URL: must be set for the server")
    database = Database(
        settings.database_url.get_secret_value(), pool_size=settings.database_pool_size
    )
    listener = Listener(database)
    accounts, authenticator, dispatcher = _accounts(settings, database, listener)
    shared = _shared_windows(settings)
    shared_bytes = _shared_bytes(settings)
    media = Media(database, _storage(settings), Workshop(), settings.max_media_bytes)
    seat_maps = SeatMaps(database)
    terms = Terms(database, seat_maps)
    seat_states = SeatStates(database, terms)
    sequencer = Sequencer(
        database,
        terms,
        capacity=settings.queue_capacity,
        deadline_seconds=settings.queue_deadline_seconds,
    )
    return Parts(
        settings=settings,
        database=database,
        listener=listener,
        answers=Answers(settings.answers_mib * 1024 * 1024),
        accounts=accounts,
        authenticator=authenticator,
        dispatcher=dispatcher,
        shared_windows=shared,
        shared_bytes=shared_bytes,
        shared_answers=_shared_answers(settings, shared_bytes, database),
        metrics_readers=_metrics_readers(settings),
        limits=_limits(settings, shared),
        proxies=_proxies(settings),
        cors=_cors(settings),
        media=media,
        seat_maps=seat_maps,
        desk=Desk(sequencer, terms),
        seat_states=seat_states,
        best_seats=BestSeats(terms, seat_states),
        housekeeper=_housekeeper(database, sequencer, media),
    )


def check(settings: Settings) -> None:
    """Raise SettingsError for the first of ``READ_BY_PARTS`` that is wrong; nothing is kept."""
    _proxies(settings)
    _cors(settings)
    _metrics_readers(settings)
    _shared_windows(settings)
    _limits(settings, None)
    _post(settings, Dispatcher(), "")
    _google(settings, "")
    _storage(settings)


def _proxies(settings: Settings) -> Proxies:
    return _valid("trusted_proxies", partial(Proxies.parse, settings.trusted_proxies))


def _cors(settings: Settings) -> Cors:
    return _valid("cors_origins", partial(Cors.parse, settings.cors_origins))


def _shared_windows(settings: Settings) -> SharedWindows | None:
    if settings.valkey_url is None:
        return None
    return _valid("valkey_url", partial(SharedWindows, settings.valkey_url.get_secret_value()))


def _shared_bytes(settings: Settings) -> SharedBytes | None:
    if settings.valkey_url is None:
        return None
    return _valid("valkey_url", partial(SharedBytes, settings.valkey_url.get_secret_value()))


def _shared_answers(
    settings: Settings, store: SharedBytes | None, database: Database
) -> SharedAnswers | None:
    if store is None:
        return None
    return SharedAnswers(
        store,
        database,
        secret=secret_of(settings),
        program=_program(),
        paths=_SHARED_PATHS,
        unwritten=_SALES_TAGS,
    )


def _program() -> bytes:
    """A digest of all that this program is, so that after an update nothing old is found."""
    digest = hashlib.blake2b(sys.version.encode())
    for file in sorted(Path(__file__).parent.rglob("*")):
        if file.suffix in (".py", ".sql", ".html"):
            digest.update(file.read_bytes())
    return digest.digest()


def _metrics_readers(settings: Settings) -> Proxies:
    return _valid("metrics_from", partial(Proxies.parse, settings.metrics_from))


def _housekeeper(database: Database, sequencer: Sequencer, media: Media) -> Housekeeper:
    return Housekeeper(
        [
            Chore(
                "sweep_holds",
                bookings_jobs.SWEEP_SECONDS,
                partial(bookings_jobs.sweep, database, sequencer),
            ),
            Chore(
                "finish_call_offs",
                bookings_jobs.CALL_OFF_SECONDS,
                partial(bookings_jobs.finish_call_offs, database, sequencer),
            ),
            Chore(
                "purge_facts", bookings_jobs.PURGE_SECONDS, partial(bookings_jobs.purge, database)
            ),
            Chore("purge_changes", _CHANGES_SECONDS, partial(_purge_changes, database)),
            Chore(
                "refresh_listings",
                catalog_jobs.REFRESH_SECONDS,
                partial(catalog_jobs.refresh_listings, database),
            ),
            Chore(
                "purge_sessions",
                accounts_jobs.PURGE_SECONDS,
                partial(accounts_jobs.purge, database),
            ),
            Chore(
                "make_variants",
                media_jobs.MAKE_SECONDS,
                partial(media_jobs.make_variants, media),
                media.uploaded,
            ),
            Chore(
                "clear_deleted_media",
                media_jobs.CLEAR_SECONDS,
                partial(media_jobs.clear_deleted, media),
                media.deleted,
            ),
            Chore(
                "sweep_originals",
                media_jobs.SWEEP_SECONDS,
                partial(media_jobs.sweep_originals, media),
            ),
        ]
    )


def _storage(settings: Settings) -> Storage:
    return _valid(
        "media_s3_bucket",
        partial(
            storage,
            settings.media_dir or settings.data_dir / "media",
            s3_bucket=settings.media_s3_bucket,
            s3_endpoint=settings.media_s3_endpoint,
            s3_region=settings.media_s3_region,
            s3_access_key_id=settings.media_s3_access_key_id,
            s3_secret_access_key=_text(settings.media_s3_secret_access_key),
            s3_path_style=settings.media_s3_path_style,
            public_url=settings.media_public_url,
        ),
    )


async def _purge_changes(database: Database) -> None:
    async with database.begin() as connection:
        await changes.purge(connection, _MOST_CHANGES)


def _valid(setting: str, make: Callable[[], T]) -> T:
    """What ``make`` makes; what it says of a bad value becomes the setting's error."""
    try:
        return make()
    except ValueError as error:
        raise SettingsError(f"{fullhouse_settings.PREFIX}{setting.upper()}: {error}") from None


def _limits(settings: Settings, shared: SharedWindows | None) -> Limits | None:
    if not settings.rate_limits_enabled:
        return None
    rates = {}
    for tier in TIERS:
        name = f"rate_limit_{tier.name}"
        rates[tier] = _valid(name, partial(rate_of, getattr(settings, name)))
    return Limits(rates, shared)


def _accounts(
    settings: Settings, database: Database, listener: Listener
) -> tuple[Accounts, Authenticator, Dispatcher]:
    secret = secret_of(settings)
    tokens = AccessTokens(secret, settings.access_token_minutes * 60)
    authenticator = Authenticator(
        tokens,
        partial(
            accounts_queries.session_principals,
            database,
            admin_second_factor=settings.admin_second_factor,
        ),
        partial(accounts_queries.key_principals, database),
        hears=listener.connected.is_set,
    )
    dispatcher = Dispatcher()
    public_url = (settings.public_url or f"http://{settings.host}:{settings.port}").rstrip("/")
    accounts = Accounts(
        database=database,
        hasher=PasswordHasher(
            settings.password_hash_memory_kib,
            settings.password_hash_passes,
            settings.password_hash_lanes,
            settings.password_hash_threads,
        ),
        tokens=tokens,
        refresh=RefreshTokens(secret),
        challenges=Challenges(secret),
        post=_post(settings, dispatcher, public_url),
        lifetimes=Lifetimes(
            timedelta(days=settings.session_idle_days),
            timedelta(days=settings.session_longest_days),
        ),
        secret=secret,
        organizer_registration=settings.organizer_registration,
        forget=authenticator.forget,
        google=_google(settings, public_url),
    )
    return accounts, authenticator, dispatcher


def _post(settings: Settings, dispatcher: Dispatcher, public_url: str) -> Post:
    smtp_url = _text(settings.smtp_url)
    return Post(
        _valid("smtp_url", partial(mailer, smtp_url, settings.mail_from)),
        _valid(
            "sms_adapter",
            partial(
                sms_sender,
                settings.sms_adapter,
                webhook_url=settings.sms_webhook_url,
                webhook_secret=_text(settings.sms_webhook_secret),
                twilio_account_sid=settings.twilio_account_sid,
                twilio_auth_token=_text(settings.twilio_auth_token),
                twilio_from=settings.twilio_from,
                twilio_url=settings.twilio_url,
            ),
        ),
        dispatcher,
        public_url,
    )


def _google(settings: Settings, public_url: str) -> Google | None:
    client_id, client_secret = settings.google_client_id, _text(settings.google_client_secret)
    if client_id is None or client_secret is None:
        return None
    callback = f"{public_url}/api/v1/auth/google/callback"
    make = partial(Google, settings.google_issuer, client_id, client_secret, callback)
    return _valid("google_issuer", make)


def _text(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()


def secret_of(settings: Settings) -> str:
    """The secret that signs tokens. Raises SettingsError without one.

    It is never made up here: several servers on one database must have the same.
    """
    if settings.secret_key is None:
        raise SettingsError(
            f"{fullhouse_settings.PREFIX}SECRET_KEY: must be set with a database of your own, "
            "to the same value for every server on it"
        )
    return settings.secret_key.get_secret_value()
