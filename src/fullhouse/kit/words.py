"""What people type, as the database finds it: words by their beginnings, or almost the same words.

It is folded (lower case, no accents) by the database, in the same way as what it is compared with.
"""

import re
from typing import Any

import sqlalchemy as sa

# More are not looked for one by one.
_MOST_WORDS = 10

# The words of a query, folded: each standing for all that begin with it, and as they are.
_QUERY = """
(SELECT string_agg(quote_literal(word) || {sign}, {operator})
   FROM regexp_split_to_table(lower(unaccent(:q)), '[^[:alnum:]]+') AS word
  WHERE word <> '')::tsquery
"""
_BEGINNINGS = _QUERY.format(sign="':*'", operator="' & '")
_WHOLE = _QUERY.format(sign="''", operator="' | '")


def folded(text: str) -> sa.ColumnElement[str]:
    """What somebody typed, as the folded columns have it."""
    return sa.func.lower(sa.func.unaccent(sa.literal(text.strip())))


def words_in(text: str) -> list[str]:
    """The words that are looked for; none where there are only signs."""
    return re.findall(r"\w+", text)[:_MOST_WORDS]


def has_words(column: sa.ColumnElement[str], text: str) -> sa.ColumnElement[bool]:
    """The folded column has words that begin with each of those."""
    # A word has no signs that mean something in a pattern; folding may bring some, as ½ is 1/2.
    beginnings = (
        sa.func.concat(r"\m", sa.func.regexp_replace(folded(word), r"(\W)", r"\\\1", "g"))
        for word in words_in(text)
    )
    found = [column.op("~", is_comparison=True)(one) for one in beginnings]
    return sa.and_(*found) if found else sa.false()


def almost_has_words(column: sa.ColumnElement[str], text: str) -> sa.ColumnElement[bool]:
    """The folded column has words that are almost the same as each of those (``pg_trgm``)."""
    found = [folded(word).op("<%", is_comparison=True)(column) for word in words_in(text)]
    return sa.and_(*found) if found else sa.false()


def document_of(
    title: sa.ColumnElement[str], names: sa.ColumnElement[str], text: sa.ColumnElement[str]
) -> sa.ColumnElement[Any]:
    """The words of a title, of names and of a text, maybe HTML, in which :func:`fits` looks."""
    # Signs would join words, such as those of a path or an address, of which queries know nothing.
    bare = (
        sa.func.regexp_replace(sa.func.lower(sa.func.unaccent(one)), "[^[:alnum:]]+", " ", "g")
        for one in (title, names)
    )
    told = sa.func.lower(sa.func.unaccent(text))
    weighed = [
        sa.func.setweight(
            sa.func.to_tsvector(sa.literal_column("'simple'"), one), sa.literal_column(weight)
        )
        for one, weight in zip((*bare, told), ("'A'", "'B'", "'D'"), strict=True)
    ]
    return weighed[0].op("||")(weighed[1]).op("||")(weighed[2])


def fits(document: sa.ColumnElement[Any], text: str) -> sa.ColumnElement[bool]:
    """The document has words that begin with each of those."""
    return document.op("@@", is_comparison=True)(_query(_BEGINNINGS, text))


def relevance(
    document: sa.ColumnElement[Any], column: sa.ColumnElement[str], text: str, *, almost: bool
) -> sa.ColumnElement[int]:
    """How well what was found fits, by its document, or almost, by its folded column."""
    rank: sa.ColumnElement[Any] = sa.literal(0.0)
    if almost:
        for word in words_in(text):
            rank += sa.func.word_similarity(folded(word), column)
    else:
        # Whole words count twice, and all by their weight in the document.
        for query in (_BEGINNINGS, _WHOLE):
            rank += sa.func.ts_rank(document, _query(query, text))
    # In millionths, so that a cursor can name it exactly.
    return sa.cast(sa.func.round(sa.cast(rank * 1_000_000, sa.Numeric)), sa.BigInteger)


def _query(form: str, text: str) -> sa.TextClause:
    return sa.text(form).bindparams(sa.bindparam("q", text, sa.Text, unique=True))
