"""The tables that are imported: their columns, how a line becomes a draft, and the report."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

import msgspec
from msgspec import Meta

from fullhouse.api.schemas import Line as TextLine
from fullhouse.api.schemas import View
from fullhouse.api.wording import explain
from fullhouse.catalog import csv_import
from fullhouse.catalog.csv_import import Line, LineStatus, Report, Row
from fullhouse.catalog.drafts import CastMember, ListedShow, ListedShowtime, ShowDraft
from fullhouse.catalog.errors import IMPORT_FAILED
from fullhouse.catalog.schemas.shows import (
    Announced,
    Cast,
    EndsOn,
    Html,
    Images,
    Minutes,
    ReleasedOn,
    ShowKind,
    Trailers,
    Word,
)
from fullhouse.kit import richtext
from fullhouse.kit.errors import FieldError, Refused

T = TypeVar("T")

# Between the items of a cell that is a list.
_ITEMS = "|"
_MOMENT = re.compile(
    r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2})?)(?:\.\d+)?(Z|[+-]\d{2}:\d{2})?", re.IGNORECASE
)
_NO_MOMENT = (
    "must be a time such as 2027-01-31T20:00:00+01:00, or 2027-01-31 20:00 by the clocks there"
)

_SHOW_COLUMNS: Mapping[str, Any] = {
    "kind": ShowKind,
    "title": TextLine,
    "description": Html,
    "durationMinutes": Minutes,
    "genre": Word,
    "language": Word,
    "ageRating": Word,
    "releasedOn": ReleasedOn,
    "endsOn": EndsOn,
    "cast": Cast,
    "trailers": Trailers,
    "images": Images,
    "announced": Announced,
}
_SHOW_NEEDS = ("kind", "title")
_SHOWTIME_COLUMNS: Mapping[str, Any] = {
    "event": Annotated[str, Meta(min_length=1, max_length=200)],
    "startsAt": datetime,
    "endsAt": datetime,
    "hall": Annotated[str, Meta(max_length=200)],
}
_SHOWTIME_NEEDS = ("event", "startsAt")


class LineErrorView(View):
    """A column, and what is wrong in it; the column is empty where the whole line is meant."""

    field: str
    detail: str


class LineView(View):
    """What became of a line, by its number in the file.

    ``id`` is what was made, or what was there already; null where nothing was written.
    """

    line: int
    status: LineStatus
    id: UUID | None
    errors: list[LineErrorView]


class ImportView(View):
    """What became of a table. Unless it was ``written``, the report says what would have.

    A refusal ``import_failed`` has the same members.
    """

    written: bool
    created: int
    skipped: int
    failed: int
    lines: list[LineView]


def show_lines(text: str) -> list[Line[ListedShow]]:
    """The lines of a table of shows. Raises Refused: CSV_INVALID."""
    return _lines(text, _SHOW_COLUMNS, _SHOW_NEEDS, _listed_show)


def showtime_lines(text: str) -> list[Line[ListedShowtime]]:
    """The lines of a table of showtimes. Raises Refused: CSV_INVALID."""
    return _lines(text, _SHOWTIME_COLUMNS, _SHOWTIME_NEEDS, _listed_showtime)


def import_view(report: Report) -> ImportView:
    """The report as the API shows it.

    Raises Refused: IMPORT_FAILED, with the report's members, where nothing came of an import.
    """
    view = ImportView(
        written=report.written,
        created=report.count("created"),
        skipped=report.count("skipped"),
        failed=report.count("failed"),
        lines=[
            LineView(
                line.number,
                line.status,
                line.id,
                [LineErrorView(one.pointer.removeprefix("/"), one.detail) for one in line.errors],
            )
            for line in report.lines
        ],
    )
    if report.wanted and not report.written:
        raise Refused(IMPORT_FAILED, **msgspec.to_builtins(view))
    return view


def _lines(
    text: str,
    columns: Mapping[str, Any],
    needs: tuple[str, ...],
    made: Callable[[Mapping[str, Any]], T],
) -> list[Line[T]]:
    rows = csv_import.read(text, columns, needs)
    return [_line(row, columns, needs, made) for row in rows]


def _line(
    row: Row,
    columns: Mapping[str, Any],
    needs: tuple[str, ...],
    made: Callable[[Mapping[str, Any]], T],
) -> Line[T]:
    if row.flaw:
        return Line(row.number, None, (FieldError("", row.flaw),))
    values: dict[str, Any] = {}
    errors: list[FieldError] = []
    for column, cell in row.cells.items():
        if not cell.strip():
            if column in needs:
                errors.append(FieldError(f"/{column}", "is missing"))
            continue
        try:
            values[column] = _value(column, cell.strip(), columns[column])
        except msgspec.ValidationError as error:
            pointer, detail = explain(str(error), columns[column])
            errors.append(FieldError(f"/{column}{pointer}", detail))
        except ValueError:
            errors.append(FieldError(f"/{column}", _NO_MOMENT))
    if errors:
        return Line(row.number, None, tuple(errors))
    return Line(row.number, made(values))


def _value(column: str, cell: str, wanted: Any) -> Any:
    """A cell as a value. Raises msgspec.ValidationError, and ValueError for no time."""
    if wanted is datetime:
        return _moment(cell)
    if column == "kind":
        cell = cell.lower()
    if column in ("cast", "trailers", "images"):
        items: list[Any] = [item.strip() for item in cell.split(_ITEMS) if item.strip()]
        if column == "cast":
            items = [_member(item) for item in items]
        return msgspec.convert(items, wanted)
    # Numbers and dates are read from their text, and nothing else is: no type takes null.
    return msgspec.convert(cell, wanted, strict=False)


def _member(item: str) -> dict[str, str]:
    name, _, role = item.partition(":")
    return {"name": name.strip(), "role": role.strip()}


def _moment(cell: str) -> datetime:
    """With an offset, or without one: then by the clocks there."""
    found = _MOMENT.fullmatch(cell)
    if found is None:
        raise ValueError
    day, time, offset = found.groups()
    return datetime.fromisoformat(f"{day}T{time}{(offset or '').upper()}")


def _listed_show(values: Mapping[str, Any]) -> ListedShow:
    return ListedShow(
        title=values["title"],
        description=richtext.clean(values.get("description", "")),
        show=ShowDraft(
            kind=values["kind"],
            duration_minutes=values.get("durationMinutes"),
            genre=values.get("genre"),
            language=values.get("language"),
            age_rating=values.get("ageRating"),
            released_on=values.get("releasedOn"),
            ends_on=values.get("endsOn"),
            cast=tuple(CastMember(one.name, one.role) for one in values.get("cast", ())),
            trailers=tuple(values.get("trailers", ())),
            images=tuple(values.get("images", ())),
            announced=values.get("announced", False),
        ),
    )


def _listed_showtime(values: Mapping[str, Any]) -> ListedShowtime:
    return ListedShowtime(
        values["event"], values["startsAt"], values.get("endsAt"), values.get("hall")
    )
