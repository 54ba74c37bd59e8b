"""The one error of this package."""


class EmbeddedPostgresError(Exception):
    """PostgreSQL cannot run here.

    The message is written for the person who started the server: it names the
    folder, account or setting concerned and says what to do.
    """
