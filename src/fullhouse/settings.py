"""All settings, and the only reader of the environment.

Each is ``FULLHOUSE_<NAME>``. ``docs/reference/settings.md`` is made from this class.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "FULLHOUSE_"


# Settings whose form only the part that they are for can tell (``parts.check``).
READ_BY_PARTS = frozenset(
    {
        "trusted_proxies",
        "cors_origins",
        "metrics_from",
        "valkey_url",
        "smtp_url",
        "mail_from",
        "sms_adapter",
        "sms_webhook_url",
        "sms_webhook_secret",
        "twilio_account_sid",
        "twilio_auth_token",
        "twilio_from",
        "twilio_url",
        "google_issuer",
        "google_client_id",
        "google_client_secret",
        "media_s3_bucket",
        "media_s3_endpoint",
        "media_s3_access_key_id",
        "media_s3_secret_access_key",
        "media_public_url",
        "rate_limit_authenticated",
        "rate_limit_auth",
        "rate_limit_public",
        "rate_limit_user",
        "rate_limit_writes",
        "rate_limit_bookings",
    }
)


class SettingsError(Exception):
    """A setting is wrong; the message is one line that names it."""


def _default_data_dir() -> Path:
    """Where the data live unless said otherwise: a folder that the server's account can reach."""
    if os.geteuid() == 0:
        # The database cannot run as root, and root's home is closed to every other account.
        return Path("/var/lib/fullhouse")
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "fullhouse"


class Settings(BaseSettings):
    """What an operator may choose."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: Annotated[int, Field(ge=1, le=65_535)] = Field(8000, description="Port to listen on.")
    workers: Annotated[int, Field(ge=1, le=64)] = Field(
        1, description="Server processes. One fills two cores; measure before adding."
    )
    data_dir: Path = Field(
        default_factory=_default_data_dir,
        description="Folder of the embedded database and the generated secret. "
        "Default: /var/lib/fullhouse for root, else fullhouse in the user's data folder.",
    )
    database_url: SecretStr | None = Field(
        None,
        description="postgresql://… of a PostgreSQL 15 or newer. Unset: the embedded one.",
    )
    database_pool_size: Annotated[int, Field(ge=1, le=200)] = Field(
        10, description="Pooled connections of each server process."
    )
    secret_key: SecretStr | None = Field(
        None,
        description="At least 32 characters; signs access tokens. Unset: made once and kept in "
        "the data folder. Must be set, to the same value everywhere, with a database URL.",
    )
    public_url: str | None = Field(
        None,
        description="https://… under which people reach this server: for links in messages and "
        "the way back from Google. Default: http:// with host and port.",
    )
    trusted_proxies: str = Field(
        "",
        description="Addresses and networks, separated by commas, of proxies whose "
        "X-Forwarded-For and X-Forwarded-Proto are believed; the word unix stands for whoever "
        "comes through a Unix socket. Default: none.",
    )
    cors_origins: str = Field(
        "",
        description="Origins, separated by commas, whose pages may call the API with "
        "credentials, such as https://tickets.example. Default: none but our own.",
    )
    valkey_url: SecretStr | None = Field(
        None,
        description="valkey://…, redis://… or unix://… of a Valkey that counts rate limits and "
        "keeps finished answers for all servers together. Unset: each process for itself.",
    )
    answers_mib: Annotated[int, Field(ge=1, le=65_536)] = Field(
        64, description="Memory of each server process for finished answers, in MiB."
    )
    metrics_from: str = Field(
        "127.0.0.0/8, ::1",
        description="Addresses and networks, separated by commas, that may read /metrics, and "
        "only directly: what a proxy passes on is not answered.",
    )
    rate_limits_enabled: bool = Field(
        True, description="Whether requests are limited; switch it off for load tests only."
    )
    rate_limit_authenticated: str = Field(
        "1000 per hour", description="Requests with a token, of one address."
    )
    rate_limit_auth: str = Field(
        "10 per 15 minutes", description="Attempts to get in (below /auth), of one address."
    )
    rate_limit_public: str = Field(
        "3000 per hour", description="Requests without a token, of one address."
    )
    rate_limit_user: str = Field("200 per hour", description="Requests of one user or API key.")
    rate_limit_writes: str = Field(
        "100 per hour",
        description="Requests that are made to change something, of one user or API key: refused "
        "ones and dry runs count too.",
    )
    rate_limit_bookings: str = Field("5 per minute", description="Reservations of one user.")
    session_idle_days: Annotated[int, Field(ge=1, le=365)] = Field(
        30, description="After how long without use a session ends."
    )
    session_longest_days: Annotated[int, Field(ge=1, le=3_650)] = Field(
        180, description="After how long a session ends, however much it is used."
    )
    admin_second_factor: bool = Field(
        False, description="Whether administrators must have signed in with a second factor."
    )
    smtp_url: SecretStr | None = Field(
        None,
        description="smtp://user:password@host:587 (STARTTLS where offered), smtps://… (TLS) of "
        "the mail server. Unset: mails are written to the log, with the codes in them.",
    )
    mail_from: str = Field(
        "Fullhouse <tickets@localhost>", description="Sender of mails: Name <address>."
    )
    sms_adapter: Literal["log", "webhook", "twilio"] = Field(
        "log", description="How text messages leave. log writes them, with the codes, to the log."
    )
    sms_webhook_url: str | None = Field(
        None, description="https://… that gets each text message as JSON, for sms_adapter=webhook."
    )
    sms_webhook_secret: SecretStr | None = Field(
        None,
        description="Signs those requests (Standard Webhooks): whsec_ and the key in base64, or "
        "any text; at least 24 bytes.",
    )
    twilio_account_sid: str | None = Field(None, description="For sms_adapter=twilio.")
    twilio_auth_token: SecretStr | None = Field(None, description="For sms_adapter=twilio.")
    twilio_from: str | None = Field(
        None, description="Sender for sms_adapter=twilio: a number in E.164 form, or MG… service."
    )
    twilio_url: str = Field("https://api.twilio.com", description="Twilio's address, for tests.")
    google_client_id: str | None = Field(
        None, description="Of the OAuth client at Google; unset: no way in with Google."
    )
    google_client_secret: SecretStr | None = Field(None, description="Of the same client.")
    google_issuer: str = Field(
        "https://accounts.google.com", description="OpenID issuer; another one for tests."
    )
    access_token_minutes: Annotated[int, Field(ge=1, le=1_440)] = Field(
        15, description="How long an access token is good for."
    )
    organizer_registration: bool = Field(
        True, description="Whether anybody may register as ORGANIZER."
    )
    password_hash_memory_kib: Annotated[int, Field(ge=19_456)] = Field(
        65_536, description="Memory of one Argon2id hash (RFC 9106's second choice: 64 MiB)."
    )
    password_hash_passes: Annotated[int, Field(ge=2, le=16)] = Field(
        3, description="Passes of one Argon2id hash."
    )
    password_hash_lanes: Annotated[int, Field(ge=1, le=16)] = Field(
        4, description="Lanes of one Argon2id hash."
    )
    password_hash_threads: Annotated[int, Field(ge=1, le=64)] = Field(
        2,
        description="Hashes computed at the same time by each worker, in processes of their own; "
        "further ones wait in a short queue.",
    )
    queue_capacity: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        32_000, description="Selling commands that may wait; beyond it the answer is 503."
    )
    queue_deadline_seconds: Annotated[float, Field(gt=0, le=300)] = Field(
        15.0, description="How long a selling command may wait before the answer is 503."
    )
    max_body_bytes: Annotated[int, Field(ge=1_024, le=1_000_000_000)] = Field(
        1_000_000, description="Largest request body."
    )
    max_seat_map_bytes: Annotated[int, Field(ge=1_024, le=1_000_000_000)] = Field(
        30_000_000,
        description="Largest seat map sent to PUT /halls/{id}/seat-map, or document imported.",
    )
    max_media_bytes: Annotated[int, Field(ge=1_024, le=100_000_000)] = Field(
        5_242_880, description="Largest picture sent to POST /media."
    )
    media_dir: Path | None = Field(
        None,
        description="Folder of the uploaded pictures, the same for every server. "
        "Default: media in the data folder.",
    )
    media_s3_bucket: str | None = Field(
        None, description="Bucket for the pictures, in a storage that speaks S3; unset: the folder."
    )
    media_s3_endpoint: str | None = Field(
        None, description="https://… of that storage. Default: Amazon's in the region."
    )
    media_s3_region: str = Field("us-east-1", description="Region of the bucket.")
    media_s3_access_key_id: str | None = Field(
        None, description="Key for the bucket. Unset: what the machine has, as Amazon's tools do."
    )
    media_s3_secret_access_key: SecretStr | None = Field(None, description="Secret of that key.")
    media_s3_path_style: bool = Field(
        True, description="Whether addresses name the bucket in the path; false: in the host."
    )
    media_public_url: str | None = Field(
        None,
        description="https://… under which everybody can read the storage's pictures/; browsers "
        "are sent there. Unset: they pass through this server.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least severity that is logged."
    )
    log_format: Literal["json", "console"] = Field("json", description="Form of the log lines.")

    @field_validator("database_url")
    @classmethod
    def _is_postgresql(cls, url: SecretStr | None) -> SecretStr | None:
        scheme = url.get_secret_value().partition("://")[0].partition("+")[0] if url else None
        if scheme not in (None, "postgresql", "postgres"):
            raise ValueError("must start with postgresql://")
        return url

    @field_validator("secret_key")
    @classmethod
    def _is_long_enough(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and len(secret.get_secret_value()) < 32:
            raise ValueError("must have at least 32 characters")
        return secret


def load(**options: object) -> Settings:
    """The settings of this process: options given here win over the environment.

    Options that are None count as not given. Raises SettingsError with one line per mistake.
    """
    given = {name: value for name, value in options.items() if value is not None}
    try:
        return Settings(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        raise SettingsError(
            "\n".join(_line(tuple(mistake["loc"]), mistake["msg"]) for mistake in error.errors())
        ) from None


def as_environment(settings: Settings) -> dict[str, str]:
    """The settings as variables, to hand them to child processes."""
    values = settings.model_dump()
    for name, value in values.items():
        if isinstance(value, SecretStr):
            values[name] = value.get_secret_value()
    return {
        f"{PREFIX}{name.upper()}": str(value) for name, value in values.items() if value is not None
    }


def cautions(settings: Settings) -> Iterator[tuple[str, str]]:
    """What suits developers and nobody else, each with the variable that changes it."""
    if not settings.rate_limits_enabled:
        yield "rate_limits_are_off", f"{PREFIX}RATE_LIMITS_ENABLED"
    if settings.smtp_url is None:
        yield "mail_goes_to_the_log", f"{PREFIX}SMTP_URL"
    if settings.sms_adapter == "log":
        yield "sms_goes_to_the_log", f"{PREFIX}SMS_ADAPTER"


def _line(location: tuple[int | str, ...], message: str) -> str:
    name = f"{PREFIX}{str(location[0]).upper()}" if location else "settings"
    return f"{name}: {message.removeprefix('Value error, ')}"
