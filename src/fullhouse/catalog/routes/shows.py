"""Routes with which organizers keep their shows, below ``/api/v1``."""

from uuid import UUID

from litestar import delete, get, patch, post

from fullhouse.api.errors import FORBIDDEN, NOT_FOUND, UNAUTHENTICATED, problems
from fullhouse.api.organizations import ORGANIZATION_REQUIRED
from fullhouse.api.pagination import Page, Slice
from fullhouse.api.permissions import Permission, member
from fullhouse.api.principal import Principal
from fullhouse.catalog import parameters, queries
from fullhouse.catalog.commands import shows
from fullhouse.catalog.errors import SHOW_IN_USE
from fullhouse.catalog.filters import ShowFilters, Viewer, search_order, statuses_of
from fullhouse.catalog.schemas.shows import ShowBody, ShowPatchBody, show_change, show_draft
from fullhouse.catalog.schemas.views import (
    ShowDetailView,
    ShowView,
    projected,
    show_detail_view,
    show_views,
)
from fullhouse.catalog.store.shows import SORT_KEYS
from fullhouse.kit import richtext
from fullhouse.kit.db import Database

_TAGS = ["Organizer"]

# Whoever may change something is shown what came of it, also a key that may read no drafts.
_WHO_CHANGED_IT = Viewer(organizations=None)
_NEWEST_FIRST = "-createdAt"


@post(
    "/shows",
    access=member(Permission.EVENTS_WRITE),
    summary="Make a show",
    tags=_TAGS,
    responses=problems(UNAUTHENTICATED, FORBIDDEN, ORGANIZATION_REQUIRED),
)
async def create_show(data: ShowBody, database: Database, principal: Principal) -> ShowDetailView:
    """A show that events can put on.

    Until one is published, or the show is ``announced``, only its organization sees it.
    """
    show_id = await shows.create_show(
        database,
        principal,
        title=data.title.strip(),
        description=richtext.clean(data.description),
        show=show_draft(data, data.kind),
        organization_id=data.organization_id,
    )
    return show_detail_view(await queries.show(database, show_id, _WHO_CHANGED_IT))


@patch(
    "/shows/{show_id:uuid}",
    access=member(Permission.EVENTS_WRITE),
    summary="Change a show",
    tags=_TAGS,
    responses=problems(UNAUTHENTICATED, FORBIDDEN, NOT_FOUND),
)
async def change_show(
    show_id: UUID, data: ShowPatchBody, database: Database, principal: Principal
) -> ShowDetailView:
    """What is left out stays, null takes away.

    Events keep their own titles. Another duration counts for showtimes that are made from now on;
    those that exist keep their ends.
    """
    await shows.change_show(database, principal, show_id, show_change(data))
    return show_detail_view(await queries.show(database, show_id, _WHO_CHANGED_IT))


@delete(
    "/shows/{show_id:uuid}",
    access=member(Permission.EVENTS_WRITE),
    summary="Delete a show",
    tags=_TAGS,
    responses=problems(UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, SHOW_IN_USE),
)
async def delete_show(show_id: UUID, database: Database, principal: Principal) -> None:
    """Refused while an event that is neither over, cancelled nor deleted puts it on."""
    await shows.delete_show(database, principal, show_id)


@get(
    "/organizer/shows",
    access=member(Permission.EVENTS_READ),
    summary="List own shows",
    tags=_TAGS,
    responses=problems(UNAUTHENTICATED, FORBIDDEN),
)
async def list_own_shows(
    database: Database,
    principal: Principal,
    part: Slice,
    organization_id: parameters.OrganizationId = None,
    search: parameters.ShowSearch = None,
    kind: parameters.Kind = None,
    statuses: parameters.Statuses = None,
    genre: parameters.Genre = None,
    language: parameters.Language = None,
    sort: parameters.ShowSort = None,
    fields: parameters.Fields = None,
) -> Page[ShowView]:
    """Shows of the caller's organizations, also those that no event puts on; newest first.

    With ``q`` those that fit best are first.
    """
    found = await queries.own_shows(
        database,
        principal,
        ShowFilters(kind, search, genre, language, statuses_of(statuses)),
        search_order(sort, search, SORT_KEYS, _NEWEST_FIRST),
        part,
        organization_id=organization_id,
    )
    views = projected(show_views(found), fields, ShowView)
    return Page(views, found.part.next_cursor, found.part.total)


ROUTES = [create_show, change_show, delete_show, list_own_shows]
