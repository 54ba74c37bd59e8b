"""The end of an organization, below ``/api/v1``."""

from uuid import UUID

from litestar import delete

from fullhouse.accounts.errors import INVALID_CREDENTIALS, TOO_MANY_ATTEMPTS
from fullhouse.accounts.parts import Accounts
from fullhouse.accounts.schemas.profiles import DeleteAccountBody
from fullhouse.api.errors import NOT_FOUND, USER_REQUIRED, problems
from fullhouse.api.permissions import Permission, member
from fullhouse.api.principal import Principal
from fullhouse.bookings import closing
from fullhouse.bookings.errors import ORGANIZATION_HAS_SALES


@delete(
    "/organizations/{organization_id:uuid}",
    access=member(Permission.ORGANIZATION_WRITE),
    summary="Close an organization",
    tags=["Organizations"],
    responses=problems(
        NOT_FOUND, USER_REQUIRED, INVALID_CREDENTIALS, TOO_MANY_ATTEMPTS, ORGANIZATION_HAS_SALES
    ),
)
async def close_organization(
    organization_id: UUID,
    accounts: Accounts,
    principal: Principal,
    data: DeleteAccountBody | None = None,
) -> None:
    """End its events and take out all members, invitations and keys; what was sold stays on record.

    The caller's password goes into the body. Who has none must have signed in a moment ago.
    """
    await closing.close_organization(
        accounts, principal, organization_id, password=None if data is None else data.password
    )


ROUTES = [close_organization]
