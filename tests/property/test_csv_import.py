"""Tables of whatever text: read back as they were written, or refused, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullhouse.api import tables
from fullhouse.api.errors import VALIDATION_FAILED
from fullhouse.catalog import csv_import
from fullhouse.catalog.csv_import import MOST_LINES, Mode, Row
from fullhouse.catalog.errors import CSV_INVALID
from fullhouse.catalog.schemas.importing import import_view, show_lines, showtime_lines
from fullhouse.kit.errors import FieldError, Refused

COLUMNS = ("kind", "title", "cast", "startsAt", "event")
# What the format and its columns are made of, so that random texts come near to tables.
_NEARLY = st.lists(
    st.sampled_from(
        [*COLUMNS, ",", ";", '"', '""', "\n", "\r\n", "\r", "\ufeff", "movie", "=1+1", " ", "ü",
         "|", "2027-01-01", "2027-03-28T02:30", "9999-12-31T23:59:59-23:59", "1e9", "null"]
    )
).map("".join)  # fmt: skip
_TEXT = st.one_of(st.text(), _NEARLY, _NEARLY.map(lambda text: f"kind,title\n{text}"),
                  _NEARLY.map(lambda text: f"event;startsAt;endsAt\n{text}"))  # fmt: skip
# The format has no way to write half of a surrogate pair, and bodies with U+0000 are refused.
_ANY = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
_CELL = st.text(st.one_of(st.sampled_from(',;"\r\n '), _ANY), max_size=20)


@given(_TEXT)
def test_any_text_gives_a_report_or_a_refusal(text: str) -> None:
    for lines_of in (show_lines, showtime_lines):
        try:
            lines = lines_of(text)
        except Refused as refused:
            assert refused.code in (CSV_INVALID, VALIDATION_FAILED)
            assert refused.errors
            continue
        assert lines
        numbers = [line.number for line in lines]
        assert numbers == sorted(set(numbers))
        assert all((line.wanted is None) == bool(line.errors) for line in lines)
        results = [
            csv_import.LineResult(line.number, "failed", errors=line.errors) for line in lines
        ]
        view = import_view(csv_import.report(results, Mode(dry_run=True)))
        assert view.failed == len(view.lines) == len(lines)


@given(st.binary())
def test_any_bytes_are_text_or_refused(body: bytes) -> None:
    try:
        text = tables.text_of(body, "text/csv", {})
    except Refused:
        return
    assert text.encode() == body.removeprefix(b"\xef\xbb\xbf")


@given(
    columns=st.lists(st.sampled_from(COLUMNS), min_size=1, unique=True),
    data=st.data(),
    delimiter=st.sampled_from(",;"),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    always_quoted=st.booleans(),
    mark=st.sampled_from(["", "\ufeff"]),
    ended=st.booleans(),
)
def test_what_is_written_is_read_back(
    columns: list[str],
    data: st.DataObject,
    delimiter: str,
    line_end: str,
    always_quoted: bool,
    mark: str,
    ended: bool,
) -> None:
    # With one column there is nothing to tell commas from semicolons by.
    delimiter = "," if len(columns) == 1 else delimiter
    size = len(columns)
    written = data.draw(st.lists(st.lists(_CELL, min_size=size, max_size=size), max_size=8))
    lines = [
        delimiter.join(_cell(cell, quoted=always_quoted) for cell in row)
        for row in [[name.upper() for name in columns], *written]
    ]
    text = mark + line_end.join(lines) + (line_end if ended else "")
    expected = [row for row in written if any(cell.strip() for cell in row)]
    if not expected:
        with pytest.raises(Refused) as caught:
            csv_import.read(text, COLUMNS, ())
        assert caught.value.code is VALIDATION_FAILED
        return
    rows = csv_import.read(text, COLUMNS, ())
    assert [row.flaw for row in rows] == [""] * len(expected)
    assert [[row.cells[name] for name in columns] for row in rows] == expected


def _cell(cell: str, *, quoted: bool) -> str:
    """A cell as RFC 4180 writes it, with either delimiter."""
    if quoted or set(cell) & set(',;"\r\n'):
        return '"' + cell.replace('"', '""') + '"'
    return cell


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        ("\n\n", 1),
        ("name\nx", 1),
        ("\n\nkind,colour\nmovie,red", 3),
        ("kind,Kind,title\n", 1),
        ("kind\nmovie", 1),
        ("kind,title,\nmovie,A,", 1),
        ('kind,title\nmovie,"A\n', 2),
        ('kind,title\nmovie,A\nmovie,"A"B', 3),
        ("kind,title\n" + "movie,A\n" * (MOST_LINES + 1), MOST_LINES + 2),
        ("kind,title\nmovie," + "A" * 200_000, 2),
        ("kind\ttitle\nmovie\tA", 1),
    ],
    ids=[
        "empty", "blank", "unknown", "unknown-below", "twice", "lacking", "nameless", "open-quote",
        "after-quote", "too-many", "too-long", "tabs",
    ],
)  # fmt: skip
def test_what_is_no_table_is_refused_with_its_line(text: str, line: int) -> None:
    with pytest.raises(Refused) as caught:
        csv_import.read(text, ("kind", "title"), ("kind", "title"))
    assert caught.value.code is CSV_INVALID
    assert [error.pointer for error in caught.value.errors] == [f"/{line}"]


@pytest.mark.parametrize(
    ("rest", "line"),
    [
        ('"A', 2),
        ('"A\nB""\r\nC', 2),
        ('A\nplay,"B', 3),
        ('"A\nB"\nplay,"', 4),
        ('"A, ""so""","B', 2),
        ('"A\rB","C\nD', 3),
        ('A"B\nplay,"C""', 3),
        (',,"A', 2),
    ],
)  # fmt: skip
@pytest.mark.parametrize("delimiter", ",;")
def test_an_open_quotation_mark_is_named_with_its_line(
    rest: str, line: int, delimiter: str
) -> None:
    text = f"kind,title\nmovie,{rest}".replace(",", delimiter)
    with pytest.raises(Refused) as caught:
        csv_import.read(text, ("kind", "title"), ())
    assert caught.value.errors == (
        FieldError(f"/{line}", "opens a quotation mark that is not closed"),
    )


@pytest.mark.parametrize("text", ["title", "title\n", "kind,title\n\n , \n"])
def test_columns_alone_are_no_table(text: str) -> None:
    with pytest.raises(Refused) as caught:
        csv_import.read(text, ("kind", "title"), ("title",))
    assert caught.value.code is VALIDATION_FAILED
    assert [error.detail for error in caught.value.errors] == ["has no lines"]


def test_lines_are_numbered_as_in_the_file() -> None:
    text = 'title\n\n"two\nlines"\n  \nshort,long\n"last"'
    rows = csv_import.read(text, ("title",), ())
    assert rows == [
        Row(3, {"title": "two\nlines"}),
        Row(6, {}, "has 2 cells where 1 are named"),
        Row(7, {"title": "last"}),
    ]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_the_first_line_alone_says_what_stands_between_cells(line_end: str) -> None:
    text = line_end.join(["kind,title", 'movie,"a;b;c;d"', "play,e;f"])
    rows = csv_import.read(text, ("kind", "title"), ())
    assert [row.cells["title"] for row in rows] == ["a;b;c;d", "e;f"]


def test_as_many_lines_as_may_be_are_read() -> None:
    rows = csv_import.read("title\n" + "A\n\n" * MOST_LINES, ("title",), ())
    assert len(rows) == MOST_LINES


def test_nothing_is_evaluated() -> None:
    cells = ["=1+1", "@SUM(A1)", "+41", "-1", "\t=x"]
    rows = csv_import.read("title\n" + "\n".join(cells), ("title",), ())
    assert [row.cells["title"] for row in rows] == cells
