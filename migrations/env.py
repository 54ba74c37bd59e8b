"""Alembic's entry: runs the migrations on the connection that ``fullhouse.migrate`` hands over."""

from alembic import context

from fullhouse.migrate import metadata


def run() -> None:
    connection = context.config.attributes["connection"]
    context.configure(
        connection=connection,
        target_metadata=metadata,
        compare_type=True,
        compare_server_default=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


run()
