"""Descriptions in HTML: formatting comes through, everything else does not."""

from html import unescape
from html.parser import HTMLParser
from urllib.parse import urlsplit

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fullhouse.api.schemas import Line, Name
from fullhouse.kit import richtext

# As the API documents them, and not as the code lists them.
TAGS = {
    "p", "br", "strong", "em", "b", "i", "u", "ul", "ol", "li", "a",
    "h2", "h3", "h4", "blockquote", "code", "pre", "hr",
}  # fmt: skip
REL = "noopener noreferrer nofollow"


def leads_away(href: str) -> bool:
    """Whether it is a whole address, and no part of one that the page completes."""
    parts = urlsplit(href.strip())
    return parts.scheme == "mailto" or (parts.scheme in ("http", "https") and parts.netloc != "")


class Reader(HTMLParser):
    """A second opinion: another parser's view of what came out."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.wrong: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in TAGS:
            self.wrong.append(f"<{tag}>")
        for name, value in attrs:
            allowed = tag == "a" and name in ("href", "rel")
            if not allowed or (name == "rel" and value != REL):
                self.wrong.append(f"{tag}[{name}={value}]")
            if name == "href" and not leads_away(value or ""):
                self.wrong.append(f"href={value}")

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        self.wrong.append(f"<!--{data}-->")

    def handle_decl(self, decl: str) -> None:
        self.wrong.append(f"<!{decl}>")

    def handle_pi(self, data: str) -> None:
        self.wrong.append(f"<?{data}>")

    def unknown_decl(self, data: str) -> None:
        self.wrong.append(f"<![{data}]>")


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("", ""),
        ("Two houses", "Two houses"),
        ("a < b & c > d", "a &lt; b &amp; c &gt; d"),
        ("1 < 2 && x<y", "1 &lt; 2 &amp;&amp; x"),
        ("AT&amp;T", "AT&amp;T"),
        ("line one\nline two", "line one\nline two"),
        ("<p>One<br>two <strong>three</strong></p>", "<p>One<br>two <strong>three</strong></p>"),
        ("<h1>Big</h1><h2>Less</h2>", "Big<h2>Less</h2>"),
        ("<script>alert(1)</script>after", "after"),
        ("<style>p{}</style>after", "after"),
        ("<!-- secret -->after", "after"),
        ("<b onclick='x()' style='color:red' class=a id=b>bold</b>", "<b>bold</b>"),
        ("<img src=x onerror=alert(1)>", ""),
        ("<svg><script>alert(1)</script></svg>", ""),
        ("<iframe src=//x>inside</iframe>", ""),
        (
            '<a href="https://x.example/?a=1&b=2">x</a>',
            f'<a href="https://x.example/?a=1&amp;b=2" rel="{REL}">x</a>',
        ),
        (
            '<a href="mailto:ada@example.com" target=_blank rel=opener>x</a>',
            f'<a href="mailto:ada@example.com" rel="{REL}">x</a>',
        ),
        ("<a href='javascript:alert(1)'>x</a>", f'<a rel="{REL}">x</a>'),
        ("<a href=' java\nscript:alert(1)'>x</a>", f'<a rel="{REL}">x</a>'),
        ("<a href='&#106;avascript:alert(1)'>x</a>", f'<a rel="{REL}">x</a>'),
        ("<a href='data:text/html,<script>'>x</a>", f'<a rel="{REL}">x</a>'),
        ("<a href='//evil.example'>x</a>", f'<a rel="{REL}">x</a>'),
        ("<a href='/logout'>x</a>", f'<a rel="{REL}">x</a>'),
        # Browsers read these as relative, to a page that came by the same scheme.
        ("<a href='https:evil'>x</a>", f'<a rel="{REL}">x</a>'),
        ("<a href='HTTP:/evil'>x</a>", f'<a rel="{REL}">x</a>'),
        ("<a href='https://'>x</a>", f'<a rel="{REL}">x</a>'),
        ("<a href='https:&#10;evil'>x</a>", f'<a rel="{REL}">x</a>'),
        ("<a href='mailto:'>x</a>", f'<a rel="{REL}">x</a>'),
        ("<a href='HTTPS://x.example'>x</a>", f'<a href="HTTPS://x.example" rel="{REL}">x</a>'),
        ("<ul><li>one<li>two</ul>", "<ul><li>one</li><li>two</li></ul>"),
        ("<b>never closed", "<b>never closed</b>"),
    ],
)  # fmt: skip
def test_what_is_allowed_comes_through(html: str, expected: str) -> None:
    assert richtext.clean(html) == expected
    assert Reader(expected).wrong == []


@pytest.mark.parametrize(
    "html",
    [
        "<script>x</script>", "<b onclick=x>y</b>", "<a href=javascript:x>y</a>", "<!-- x -->",
        "<img>", "<p style=x>y</p>", "<a href=/x>y</a>", "<a href=https://x rel=x>y</a>",
        "<a href=https:x>y</a>",
        "<!doctype x>", "<?x>", "<![CDATA[x]]>",
    ],
)  # fmt: skip
def test_second_opinion_sees_what_is_wrong(html: str) -> None:
    assert Reader(html).wrong
    assert Reader(richtext.clean(html)).wrong == []


_PIECES = st.sampled_from(
    [
        "<script>", "</script>", "<style>", "</style>", "<svg>", "<math>", "<mtext>", "</math>",
        "<mglyph>", "<table>", "<form>", "<select>", "<textarea>", "<title>", "<noscript>",
        "<template>", "<img src=x onerror=alert(1)>", "<a href='javascript:alert(1)'>",
        "<a href=https://x.example>", "<a href=https:x>", "<a href=http:/x>",
        "<a href=\"", "\">", "</a>", "<p ", "onclick=x", ">", "<",
        "</p>", "<!--", "-->", "--!>", "<![CDATA[", "]]>", "<?", "<b", "</b>", "'", "\"", "`",
        "javascript:", "&#x6a;avascript:", "&lt;script&gt;", "&amp;", "&", "\x00", "\n",
        "<plaintext>", "<br/>", "<pre>", "<code>", "<li>", "<xmp>",
        "<annotation-xml encoding=text/html>",
    ]
)  # fmt: skip
_HTML = st.lists(st.one_of(_PIECES, st.text(max_size=5)), max_size=12).map("".join)


@settings(max_examples=500)
@given(_HTML)
def test_nothing_that_acts_survives(html: str) -> None:
    cleaned = richtext.clean(html)
    assert Reader(cleaned).wrong == []


@settings(max_examples=500)
@given(_HTML)
@example("<a href='javascript:alert(1)'><table><a href='javascript:alert(1)'>")
def test_clean_text_stays_as_it_is(html: str) -> None:
    cleaned = richtext.clean(html)
    assert richtext.clean(cleaned) == cleaned


_PLAIN = st.text(st.characters(exclude_characters="<\r\x00", exclude_categories=["Cs"]))


@given(_PLAIN.map(lambda text: text.replace("&", "& ")))
def test_plain_text_is_read_as_it_was_written(text: str) -> None:
    assert unescape(richtext.clean(text)) == text


UNSEEN = ["\x00", "\x07", "\x1b", "\x7f", "\x85", "\u202a", "\u202e", "\u2066", "\u2069"]


@pytest.mark.parametrize("kind", [Name, Line])
@pytest.mark.parametrize("character", [*UNSEEN, "\r"])
def test_what_cannot_be_seen_is_refused_in_names(kind: object, character: str) -> None:
    for text in (f"{character}abc", f"a{character}c", f"abc{character}"):
        with pytest.raises(msgspec.ValidationError, match="matching regex"):
            msgspec.convert(text, kind)


NOTHING = [
    "\u00ad", "\u034f", "\u061c", "\u115f", "\u1160", "\u180e", "\u200b", "\u200d", "\u200f",
    "\u2060", "\u2063", "\u2800", "\u3164", "\ufe0f", "\ufeff", "\uffa0", "\U000e0041",
    "\U000e0100",
]  # fmt: skip


@pytest.mark.parametrize("text", [*NOTHING, "".join(NOTHING), "\u200b \u3164\u00a0"], ids=ascii)
def test_line_has_something_to_see(text: str) -> None:
    with pytest.raises(msgspec.ValidationError, match="matching regex"):
        msgspec.convert(text, Line)
    # Beside what can be seen it may be needed.
    for seen in (f"{text}a", f"a{text}", f"{text}👩{text}"):
        assert msgspec.convert(seen, Line) == seen


@pytest.mark.parametrize("kind", [Name, Line])
@pytest.mark.parametrize(
    "text", ["Ada <b> & O'Brien", "अनिता", "שלום", "مرحبا\u200f", "Zoë 👩\u200d🚀", "a\u00a0b", "?"]
)  # fmt: skip
def test_names_of_all_people_are_taken_as_they_are(kind: object, text: str) -> None:
    assert msgspec.convert(text, kind) == text


def test_tab_and_line_feed_are_for_names_and_not_for_lines() -> None:
    assert msgspec.convert("a\tb\nc", Name) == "a\tb\nc"
    for text in ("a\tb", "a\nb", "  ", ""):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(text, Line)
