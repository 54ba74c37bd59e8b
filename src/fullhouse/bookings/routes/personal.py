"""Routes about all that is one person's, with what they booked, below ``/api/v1``."""

from litestar import delete, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.response import Stream

from fullhouse.accounts.errors import (
    INVALID_CREDENTIALS,
    LAST_ADMIN,
    LAST_OWNER,
    TOO_MANY_ATTEMPTS,
)
from fullhouse.accounts.parts import Accounts
from fullhouse.accounts.schemas.profiles import DeleteAccountBody
from fullhouse.api.errors import UNAUTHENTICATED, USER_REQUIRED, problems
from fullhouse.api.permissions import SIGNED_IN
from fullhouse.api.principal import Principal
from fullhouse.bookings import personal
from fullhouse.bookings.errors import ACCOUNT_HOLDS_TICKETS
from fullhouse.bookings.personal import ExportView
from fullhouse.kit.db import Database
from fullhouse.venues.queries.seat_maps import SeatMaps

_TAGS = ["My account"]
_FILE = 'attachment; filename="fullhouse-my-data.json"'


@get(
    "/users/me/export",
    access=SIGNED_IN,
    summary="All my data",
    tags=_TAGS,
    responses=problems(UNAUTHENTICATED, USER_REQUIRED)
    | {200: ResponseSpec(ExportView, generate_examples=False, description="All of it.")},
)
async def export(principal: Principal, database: Database, seat_maps: SeatMaps) -> Stream:
    """All that is kept of the caller as one JSON document, to be saved (GDPR, article 20)."""
    pieces = await personal.export(database, seat_maps, principal.user_id)
    return Stream(pieces, media_type="application/json", headers={"Content-Disposition": _FILE})


@delete(
    "/users/me",
    access=SIGNED_IN,
    summary="Delete my account",
    tags=_TAGS,
    responses=problems(
        UNAUTHENTICATED,
        USER_REQUIRED,
        INVALID_CREDENTIALS,
        TOO_MANY_ATTEMPTS,
        ACCOUNT_HOLDS_TICKETS,
        LAST_OWNER,
        LAST_ADMIN,
    ),
)
async def delete_account(
    accounts: Accounts, principal: Principal, data: DeleteAccountBody | None = None
) -> None:
    """Delete one's account for good; organizers keep what was booked, without a name.

    The password goes into the body. Who has none must have signed in a moment ago.
    """
    await personal.delete_account(
        accounts, principal, password=None if data is None else data.password
    )


ROUTES = [export, delete_account]
