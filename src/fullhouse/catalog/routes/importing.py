"""Routes that make many things at once from tables, below ``/api/v1``."""

from typing import Annotated

from litestar import post
from litestar.params import QueryParameter

from fullhouse.api.errors import FORBIDDEN, UNAUTHENTICATED, problems
from fullhouse.api.organizations import ORGANIZATION_REQUIRED
from fullhouse.api.permissions import Permission, member
from fullhouse.api.principal import Principal
from fullhouse.api.tables import CsvText
from fullhouse.catalog import parameters
from fullhouse.catalog.commands import importing
from fullhouse.catalog.csv_import import Mode
from fullhouse.catalog.errors import CSV_INVALID, IMPORT_FAILED, SCHEDULE_CONFLICT
from fullhouse.catalog.schemas.importing import (
    ImportView,
    import_view,
    show_lines,
    showtime_lines,
)
from fullhouse.kit.db import Database
from fullhouse.venues.queries.seat_maps import SeatMaps

_TAGS = ["Organizer"]

DryRun = Annotated[
    bool, QueryParameter(name="dryRun", description="Only say what would be done, and do nothing.")
]
Partial = Annotated[
    bool, QueryParameter(description="Make what can be made, even where other lines fail.")
]


@post(
    "/organizer/import/shows",
    access=member(Permission.EVENTS_WRITE),
    status_code=200,
    summary="Import shows",
    tags=_TAGS,
    responses=problems(
        UNAUTHENTICATED, FORBIDDEN, ORGANIZATION_REQUIRED, CSV_INVALID, IMPORT_FAILED
    ),
)
async def import_shows(
    data: CsvText,
    database: Database,
    principal: Principal,
    organization_id: parameters.OrganizationId = None,
    dry_run: DryRun = False,
    partial: Partial = False,
) -> ImportView:
    """Make shows from a table of at most 2,000 lines.

    Columns: ``kind`` and ``title``, and any of ``description``, ``durationMinutes``, ``genre``,
    ``language``, ``ageRating``, ``releasedOn``, ``endsOn``, ``cast`` (``Name: role | Name``),
    ``trailers``, ``images`` (ids) and ``announced``; ``|`` stands between items. A show of the
    same kind, title and day of release is there already: its line is skipped, and the show stays
    as it is.

    Nothing is written where a line fails, unless ``partial`` is set. Where nothing is for that
    reason, the refusal ``import_failed`` has the same report.
    """
    lines, mode = show_lines(data), Mode(dry_run, partial)
    report = await importing.import_shows(database, principal, lines, mode, organization_id)
    return import_view(report)


@post(
    "/organizer/import/showtimes",
    access=member(Permission.EVENTS_WRITE),
    status_code=200,
    summary="Import showtimes",
    tags=_TAGS,
    responses=problems(
        UNAUTHENTICATED,
        FORBIDDEN,
        ORGANIZATION_REQUIRED,
        CSV_INVALID,
        IMPORT_FAILED,
        SCHEDULE_CONFLICT,
    ),
)
async def import_showtimes(
    data: CsvText,
    database: Database,
    seat_maps: SeatMaps,
    principal: Principal,
    organization_id: parameters.OrganizationId = None,
    dry_run: DryRun = False,
    partial: Partial = False,
) -> ImportView:
    """Add showtimes to events from a table of at most 2,000 lines.

    Columns: ``event`` (id or slug) and ``startsAt``, and any of ``endsAt`` and ``hall`` (id or
    name, of the event's venue). Times are RFC 3339, or without an offset by the clocks where the
    event is; what those skip or show twice is refused. What an event has already at that time, in
    that hall, is skipped. A hall that is not free is reported on its line.

    Nothing is written where a line fails, unless ``partial`` is set. Where nothing is for that
    reason, the refusal ``import_failed`` has the same report.
    """
    report = await importing.import_showtimes(
        database,
        seat_maps,
        principal,
        showtime_lines(data),
        Mode(dry_run, partial),
        organization_id,
    )
    return import_view(report)


ROUTES = [import_shows, import_showtimes]
