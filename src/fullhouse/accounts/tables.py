"""Tables of the accounts. Of every secret only what it can be checked by is kept."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from fullhouse.kit.db import metadata, now_column

_TIME = sa.DateTime(timezone=True)

users = sa.Table(
    "users",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    # Kept in lower case (accounts.rules.normalize_email), so that equality is enough.
    sa.Column("email", sa.Text, nullable=False, unique=True),
    sa.Column("email_verified_at", _TIME),
    sa.Column("phone", sa.Text, unique=True),  # E.164; only ever a proven one
    sa.Column("password_hash", sa.Text),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("language", sa.Text),  # BCP 47
    sa.Column("timezone", sa.Text),  # IANA name
    sa.Column("notices", ARRAY(sa.Text), nullable=False, server_default="{email}"),
    # TOTP: the secret is encrypted; it counts once it has been confirmed with a code.
    sa.Column("totp_secret", sa.LargeBinary),
    sa.Column("totp_confirmed_at", _TIME),
    sa.Column("totp_last_step", sa.BigInteger),  # no code works twice
    sa.Column("disabled_at", _TIME),
    sa.Column("deleted_at", _TIME),
    now_column(),
    sa.CheckConstraint("role IN ('USER', 'ORGANIZER', 'EDITOR', 'ADMIN')", name="role_known"),
    sa.CheckConstraint("email = lower(email)", name="email_lower"),
    sa.CheckConstraint("notices <@ '{email,sms}'", name="notices_known"),
    sa.CheckConstraint(
        "totp_confirmed_at IS NULL OR totp_secret IS NOT NULL", name="totp_has_secret"
    ),
)
# For whoever looks for a buyer by the beginning of the name or the address.
_LOWER_NAME = sa.func.lower(users.c.name).label("lower_name")
sa.Index("users_name_start", _LOWER_NAME, postgresql_ops={"lower_name": "text_pattern_ops"})
sa.Index("users_email_start", users.c.email, postgresql_ops={"email": "text_pattern_ops"})

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("user_id", sa.ForeignKey("users.id"), nullable=False, index=True),
    sa.Column("method", sa.Text, nullable=False),
    sa.Column("second_factor", sa.Boolean, nullable=False),
    sa.Column("address", sa.Text, nullable=False),  # of the last use
    sa.Column("agent", sa.Text, nullable=False),  # the User-Agent header of the last use
    now_column(),
    now_column("last_used_at"),
    sa.Column("idle_until", _TIME, nullable=False),
    sa.Column("ends_at", _TIME, nullable=False),
    # SHA-256 of the refresh token that is good, and of the one that it replaced.
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("token_hash", sa.LargeBinary, nullable=False),
    sa.Column("previous_hash", sa.LargeBinary),
    sa.Column("rotated_at", _TIME),
    sa.Column("ended_at", _TIME),
    sa.Column("ended_because", sa.Text),
    sa.CheckConstraint("method IN ('password', 'google', 'phone')", name="method_known"),
    sa.CheckConstraint("(ended_at IS NULL) = (ended_because IS NULL)", name="end_has_reason"),
    sa.Index("sessions_idle_until", "idle_until"),
)

identities = sa.Table(
    "identities",
    metadata,
    # Who somebody is at an OpenID provider: never their address (OIDC Core §5.7).
    sa.Column("issuer", sa.Text, primary_key=True),
    sa.Column("subject", sa.Text, primary_key=True),
    sa.Column("user_id", sa.ForeignKey("users.id"), nullable=False, index=True),
    now_column(),
)

mail_tokens = sa.Table(
    "mail_tokens",
    metadata,
    sa.Column("token_hash", sa.LargeBinary, primary_key=True),
    sa.Column("user_id", sa.ForeignKey("users.id"), nullable=False, index=True),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("email", sa.Text, nullable=False),  # the address that it proves
    sa.Column("expires_at", _TIME, nullable=False, index=True),
    now_column(),
    sa.CheckConstraint("purpose IN ('verify_email', 'reset_password')", name="purpose_known"),
)

phone_codes = sa.Table(
    "phone_codes",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    # One good code for each number: a new one replaces it.
    sa.Column("phone", sa.Text, nullable=False, unique=True),
    sa.Column("user_id", sa.ForeignKey("users.id"), index=True),  # who wants to link the number
    sa.Column("code_hash", sa.LargeBinary, nullable=False),
    sa.Column("expires_at", _TIME, nullable=False, index=True),
    now_column(),
)

recovery_codes = sa.Table(
    "recovery_codes",
    metadata,
    sa.Column("user_id", sa.ForeignKey("users.id"), primary_key=True),
    sa.Column("code_hash", sa.LargeBinary, primary_key=True),
    now_column(),
)

attempts = sa.Table(
    "attempts",
    metadata,
    # Of what is being guessed at, by whom: no table of addresses for whoever reads it.
    sa.Column("key", sa.LargeBinary, primary_key=True),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("last_failed_at", _TIME, nullable=False, index=True),
    sa.Column("locked_until", _TIME),
    sa.CheckConstraint("failures > 0", name="failures_positive"),
)

organizations = sa.Table(
    "organizations",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    now_column(),
)

_MEMBER_ROLES = "('owner', 'manager', 'editor', 'box_office', 'scanner', 'viewer')"

memberships = sa.Table(
    "memberships",
    metadata,
    sa.Column("organization_id", sa.ForeignKey("organizations.id"), primary_key=True),
    sa.Column("user_id", sa.ForeignKey("users.id"), primary_key=True, index=True),
    sa.Column("role", sa.Text, nullable=False),
    now_column(),
    sa.CheckConstraint(f"role IN {_MEMBER_ROLES}", name="role_known"),
)

invitations = sa.Table(
    "invitations",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("organization_id", sa.ForeignKey("organizations.id"), nullable=False),
    sa.Column("email", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("token_hash", sa.LargeBinary, nullable=False, unique=True),
    sa.Column("invited_by", sa.ForeignKey("users.id"), nullable=False, index=True),
    sa.Column("expires_at", _TIME, nullable=False, index=True),
    now_column(),
    sa.UniqueConstraint("organization_id", "email"),
    sa.CheckConstraint(f"role IN {_MEMBER_ROLES}", name="role_known"),
)

api_keys = sa.Table(
    "api_keys",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("organization_id", sa.ForeignKey("organizations.id"), nullable=False, index=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("shown", sa.Text, nullable=False),  # its beginning, to tell it from others
    sa.Column("secret_hash", sa.LargeBinary, nullable=False, unique=True),
    sa.Column("scopes", ARRAY(sa.Text), nullable=False),
    sa.Column("created_by", sa.ForeignKey("users.id"), nullable=False),
    sa.Column("expires_at", _TIME),
    sa.Column("last_used_at", _TIME),
    sa.Column("revoked_at", _TIME),
    now_column(),
)
