"""Names of languages."""

import functools
import re

from babel import Locale
from babel.core import parse_locale

# What BCP 47 has for "none that could be named": nobody wishes to read it.
_NO_LANGUAGES = frozenset({"mis", "mul", "root", "und", "zxx"})
_NO_TERRITORIES = frozenset({"ZZ", "XA", "XB"})
# Babel also reads what operating systems append, such as ``.utf8`` and ``@euro``.
_TAG = re.compile(r"[A-Za-z0-9]+(-[A-Za-z0-9]+)*")


@functools.cache
def _names() -> tuple[frozenset[str], frozenset[str], frozenset[str], frozenset[str]]:
    """The languages, scripts, territories and variants that CLDR knows."""
    english = Locale("en")
    return (
        frozenset(english.languages) - _NO_LANGUAGES,
        frozenset(english.scripts),
        frozenset(english.territories) - _NO_TERRITORIES,
        frozenset(english.variants),
    )


def language_tag(text: str) -> str | None:
    """A BCP 47 language tag as RFC 5646 §2.1.1 writes it, such as ``zh-Hant-TW``.

    None unless it is a language with at most a script, a region and a variant, all of them known
    to CLDR. Extensions and private subtags say nothing that a text could be written in.
    """
    if _TAG.fullmatch(text) is None:
        return None
    try:
        language, territory, script, variant, *_ = parse_locale(text, sep="-")
    except ValueError:
        return None
    languages, scripts, territories, variants = _names()
    known = (
        language in languages
        and (script is None or script in scripts)
        and (territory is None or territory in territories)
        and (variant is None or variant in variants)
    )
    if not known:
        return None
    parts = [language, script, territory, None if variant is None else variant.lower()]
    return "-".join(part for part in parts if part)
