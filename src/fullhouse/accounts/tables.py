"""Tables of the accounts."""

import sqlalchemy as sa

from fullhouse.kit.db import metadata, now_column

users = sa.Table(
    "users",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    # Kept in lower case (accounts.rules.normalize_email), so that equality is enough.
    sa.Column("email", sa.Text, nullable=False, unique=True),
    sa.Column("phone", sa.Text),
    sa.Column("password_hash", sa.Text),
    sa.Column("role", sa.Text, nullable=False),
    now_column(),
    sa.CheckConstraint("role IN ('USER', 'ORGANIZER', 'ADMIN')", name="role_known"),
    sa.CheckConstraint("email = lower(email)", name="email_lower"),
)

organizations = sa.Table(
    "organizations",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    now_column(),
)

memberships = sa.Table(
    "memberships",
    metadata,
    sa.Column("organization_id", sa.ForeignKey("organizations.id"), primary_key=True),
    sa.Column("user_id", sa.ForeignKey("users.id"), primary_key=True, index=True),
    sa.Column("role", sa.Text, nullable=False),
    now_column(),
    sa.CheckConstraint("role IN ('owner', 'manager', 'box_office')", name="role_known"),
)
