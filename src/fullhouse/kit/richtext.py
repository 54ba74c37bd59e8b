"""Text with simple formatting, written by people who are not trusted, for the browsers of others.

The rules of HTML's parsing are the sanitiser's (nh3, which is ammonia on html5ever); here stands
only what is allowed.
"""

import re

import nh3

_TAGS = {
    "a",
    "b",
    "blockquote",
    "br",
    "code",
    "em",
    "h2",
    "h3",
    "h4",
    "hr",
    "i",
    "li",
    "ol",
    "p",
    "pre",
    "strong",
    "u",
    "ul",
}
# Of other tags the text stays; of these, which hold no text for people, nothing does.
_DROPPED_WITH_CONTENT = {"iframe", "noscript", "object", "script", "style", "template"}
_SCHEMES = {"http", "https", "mailto"}

ALLOWED = (
    f"Allowed are {', '.join(sorted(_TAGS))}, without attributes but href of a, which leads to an "
    f"absolute {', '.join(sorted(_SCHEMES))} address."
)

# What every browser takes for absolute. "https:x" without slashes is relative to an https page.
_ABSOLUTE = re.compile(r"https?://[^\s/\\?#]|mailto:[^\s]", re.IGNORECASE)

# Three were enough for everything that was tried.
_MOST_TURNS = 10


def _only_absolute(tag: str, attribute: str, value: str) -> str | None:
    return None if attribute == "href" and not _ABSOLUTE.match(value.strip()) else value


# Made once; cleaning is a pure function of the text.
_cleaner = nh3.Cleaner(
    tags=_TAGS,
    clean_content_tags=_DROPPED_WITH_CONTENT,
    attributes={"a": {"href"}},
    generic_attribute_prefixes=set(),
    attribute_filter=_only_absolute,
    url_schemes=_SCHEMES,
    # A relative address would lead into the pages of whoever shows the text.
    url_relative="deny",
    link_rel="noopener noreferrer nofollow",
    strip_comments=True,
)


def clean(html: str) -> str:
    """The HTML without whatever is not allowed; plain text comes out as correct HTML.

    Cleaning what is clean changes nothing: it is done again until that is so. Where a table is
    taken away from around a link, for one, browsers read what is left differently once more.
    """
    for _ in range(_MOST_TURNS):
        cleaned = _cleaner.clean(html)
        if cleaned == html:
            break
        html = cleaned
    return html
