"""Tables that people send as CSV (RFC 4180), and what is reported of each of their lines.

Cells are text and stay it: nothing in them is evaluated, whatever they begin with.
"""

import csv
import io
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, Literal, TypeVar
from uuid import UUID

from fullhouse.api.errors import VALIDATION_FAILED
from fullhouse.catalog.errors import CSV_INVALID
from fullhouse.kit.errors import FieldError, Refused

T = TypeVar("T")

# Lines below the header, without empty ones.
MOST_LINES = 2_000

LineStatus = Literal["created", "skipped", "failed"]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table: its number in the file, and its cells by column.

    ``flaw`` says why a line is no row of the table; then it has no cells.
    """

    number: int
    cells: Mapping[str, str]
    flaw: str = ""


@dataclass(frozen=True, slots=True)
class Line(Generic[T]):
    """What a line asks for, or by column why it makes no sense."""

    number: int
    wanted: T | None
    errors: tuple[FieldError, ...] = ()


@dataclass(frozen=True, slots=True)
class LineResult:
    """What became of a line. ``id`` is what was made, or was there already."""

    number: int
    status: LineStatus
    id: UUID | None = None
    errors: tuple[FieldError, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """What became of every line, in their order; unless it was written, what would have.

    Attributes:
        wanted: whether it was to be written, and no trial.
    """

    written: bool
    lines: tuple[LineResult, ...]
    wanted: bool = True

    def count(self, status: LineStatus) -> int:
        """How many lines came to this."""
        return sum(line.status == status for line in self.lines)


@dataclass(frozen=True, slots=True)
class Mode:
    """Whether anything may be written, and whether it may be where other lines fail."""

    dry_run: bool = False
    partial: bool = False


def read(text: str, columns: Collection[str], needed: Collection[str]) -> list[Row]:
    """The rows of a table whose first line names its columns, of these, in any order and case.

    Commas or semicolons stand between cells, whichever the first line has more of; a cell in
    quotes may hold both, and line breaks. Lines without any text are passed over.
    Raises Refused: CSV_INVALID with the number of the line as pointer, VALIDATION_FAILED when
    there is no row.
    """
    text = text.removeprefix("\ufeff")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    header: list[str] | None = None
    rows: list[Row] = []
    number = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                if header is None:
                    header = _header(number, cells, columns, needed)
                elif len(rows) == MOST_LINES:
                    raise _invalid(number, f"there are more than {MOST_LINES:,} lines")
                else:
                    rows.append(_row(number, header, cells))
            number = reader.line_num + 1
    except csv.Error as error:
        opened = _open_quote(text, number, reader.dialect.delimiter)
        if opened is not None:
            raise _invalid(opened, "opens a quotation mark that is not closed") from None
        raise _invalid(number, f"cannot be read: {error}") from None
    if header is None:
        raise _invalid(1, "names no columns")
    if not rows:
        raise Refused(VALIDATION_FAILED, errors=(FieldError("", "has no lines"),))
    return rows


def report(results: Sequence[LineResult], mode: Mode) -> Report:
    """What is said of an import, and so whether it is to be written.

    What was made and is taken back again has no id any more.
    """
    made = {line.id for line in results if line.status == "created"}
    failed = any(line.status == "failed" for line in results)
    if not mode.dry_run and (not failed or (mode.partial and made)):
        return Report(True, tuple(results))
    kept = tuple(replace(line, id=None) if line.id in made else line for line in results)
    return Report(False, kept, wanted=not mode.dry_run)


def _delimiter(text: str) -> str:
    first = re.split(r"[\r\n]", text.lstrip(), maxsplit=1)[0]
    return ";" if first.count(";") > first.count(",") else ","


def _open_quote(text: str, number: int, delimiter: str) -> int | None:
    """On which line a quote opens that nothing closes, in the row that begins on this line."""
    row = "".join(_lines(text)[number - 1 :])
    # What is closed cannot be taken for less: otherwise its half would be looked at again.
    closed = re.compile(rf'(?:"(?:[^"]|"")*+"|[^"{delimiter}\r\n][^{delimiter}\r\n]*+)?{delimiter}')
    at = 0
    while found := closed.match(row, at):
        at = found.end()
    if not re.fullmatch(r'"(?:[^"]|"")*+', row[at:]):
        return None
    return number + len(_lines(row[: at + 1])) - 1


def _lines(text: str) -> list[str]:
    return list(io.StringIO(text, newline=""))


def _header(
    number: int, cells: Sequence[str], columns: Collection[str], needed: Collection[str]
) -> list[str]:
    known = {column.lower(): column for column in columns}
    header = []
    for cell in cells:
        column = known.get(cell.strip().lower())
        if column is None:
            raise _invalid(number, f"“{cell.strip()[:50]}” is none of {', '.join(columns)}")
        if column in header:
            raise _invalid(number, f"names {column} twice")
        header.append(column)
    lacking = [column for column in needed if column not in header]
    if lacking:
        raise _invalid(number, f"does not name {', '.join(lacking)}")
    return header


def _row(number: int, header: Sequence[str], cells: Sequence[str]) -> Row:
    if len(cells) != len(header):
        return Row(number, {}, f"has {len(cells)} cells where {len(header)} are named")
    return Row(number, dict(zip(header, cells, strict=True)))


def _invalid(number: int, detail: str) -> Refused:
    return Refused(
        CSV_INVALID, f"Line {number} {detail}.", errors=(FieldError(f"/{number}", detail),)
    )
