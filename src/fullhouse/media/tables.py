"""Tables of the media."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from fullhouse.kit.db import metadata, now_column

media = sa.Table(
    "media",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("organization_id", sa.ForeignKey("organizations.id"), index=True),  # NULL: platform
    sa.Column("uploaded_by", sa.Uuid, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("content_type", sa.Text, nullable=False),  # of what was uploaded
    sa.Column("bytes", sa.Integer, nullable=False),
    sa.Column("sha256", sa.LargeBinary, nullable=False),
    sa.Column("width", sa.Integer, nullable=False),
    sa.Column("height", sa.Integer, nullable=False),
    sa.Column("alt", sa.Text, nullable=False, server_default=""),  # for who cannot see it
    # [{format, width, height, bytes, key}]; empty until the job has made them.
    sa.Column("variants", JSONB, nullable=False, server_default="[]"),
    sa.Column("failure", sa.Text),
    # Whose work it is until then, be it to make variants or to clear away, and how often it
    # has been begun.
    sa.Column("claimed_until", sa.DateTime(timezone=True)),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    now_column(),
    sa.Column("deleted_at", sa.DateTime(timezone=True)),
    sa.Column("cleared_at", sa.DateTime(timezone=True)),  # nothing is left in the storage
    sa.CheckConstraint("status IN ('processing', 'ready', 'failed')", name="status_known"),
    sa.CheckConstraint("(status = 'failed') = (failure IS NOT NULL)", name="failure_has_reason"),
    sa.CheckConstraint("width > 0 AND height > 0 AND bytes > 0", name="not_empty"),
    sa.CheckConstraint("cleared_at IS NULL OR deleted_at IS NOT NULL", name="cleared_is_deleted"),
    sa.Index(
        "media_processing",
        "created_at",
        postgresql_where=sa.text("status = 'processing' AND deleted_at IS NULL"),
    ),
    sa.Index(
        "media_to_clear",
        "deleted_at",
        postgresql_where=sa.text("deleted_at IS NOT NULL AND cleared_at IS NULL"),
    ),
)
