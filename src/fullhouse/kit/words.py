"""What people type, as the database finds it: words by their beginnings, or almost the same words.

It is folded (lower case, no accents) by the database, in the same way as what it is compared with.
"""

import re

import sqlalchemy as sa

# More are not looked for one by one.
_MOST_WORDS = 10


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
