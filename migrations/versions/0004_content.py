"""What people are shown: pictures, casts, trailers, releases, and what venues say of themselves."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_CHECKS = (
    ("shows", "release_ordered", "ends_on >= released_on"),
    ("venues", "latitude_on_earth", "latitude BETWEEN -90 AND 90"),
    ("venues", "longitude_on_earth", "longitude BETWEEN -180 AND 180"),
    ("venues", "coordinates_whole", "(latitude IS NULL) = (longitude IS NULL)"),
    ("venues", "hold_sensible", "hold_seconds BETWEEN 60 AND 3600"),
)


def upgrade() -> None:
    _media()
    _shows()
    _events()
    _venues()
    for table, name, condition in _CHECKS:
        op.create_check_constraint(op.f(f"{table}_{name}"), table, condition)


def _media() -> None:
    op.create_table(
        "media",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=True),
        sa.Column("uploaded_by", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("bytes", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("alt", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "variants", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False
        ),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(status = 'failed') = (failure IS NOT NULL)", name=op.f("media_failure_has_reason")
        ),
        sa.CheckConstraint(
            "status IN ('processing', 'ready', 'failed')", name=op.f("media_status_known")
        ),
        sa.CheckConstraint("width > 0 AND height > 0 AND bytes > 0", name=op.f("media_not_empty")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("media_organization_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("media_pkey")),
    )
    op.create_index(op.f("media_organization_id"), "media", ["organization_id"], unique=False)


def _shows() -> None:
    op.add_column("shows", sa.Column("released_on", sa.Date(), nullable=True))
    op.add_column("shows", sa.Column("ends_on", sa.Date(), nullable=True))
    op.add_column(
        "shows",
        sa.Column(
            "cast", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False
        ),
    )
    op.add_column(
        "shows",
        sa.Column("trailers", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
    )
    op.add_column(
        "shows",
        sa.Column("images", postgresql.ARRAY(sa.Uuid()), server_default="{}", nullable=False),
    )


def _events() -> None:
    op.add_column("events", sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "events",
        sa.Column("images", postgresql.ARRAY(sa.Uuid()), server_default="{}", nullable=False),
    )


def _venues() -> None:
    op.add_column("venues", sa.Column("latitude", sa.Double(), nullable=True))
    op.add_column("venues", sa.Column("longitude", sa.Double(), nullable=True))
    op.add_column(
        "venues",
        sa.Column("amenities", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
    )
    op.add_column("venues", sa.Column("house_rules", sa.Text(), server_default="", nullable=False))
    op.add_column(
        "venues",
        sa.Column("images", postgresql.ARRAY(sa.Uuid()), server_default="{}", nullable=False),
    )
    op.add_column("venues", sa.Column("hold_seconds", sa.Integer(), nullable=True))
    op.add_column("venues", sa.Column("age_rating", sa.Text(), nullable=True))
