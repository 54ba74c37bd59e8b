"""Which seats moved with which version, so that nobody reads a whole stadium for one of them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "seat_changes",
        sa.Column("showtime_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("seats", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("states", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "char_length(states) = cardinality(seats)", name=op.f("seat_changes_state_of_each")
        ),
        sa.PrimaryKeyConstraint("showtime_id", "version", name=op.f("seat_changes_pkey")),
    )
    op.create_index(
        "seat_changes_occurred_at", "seat_changes", ["occurred_at"], postgresql_using="brin"
    )
