"""Passwords that anybody would try first (NIST SP 800-63B §3.1.1.2, ASVS 6.2.4 and 6.2.11).

``common_passwords.txt.gz`` holds some 16,000 common passwords of at least eight characters. They
are merged from two lists of passwords found in leaks: the one that Django 5.2 ships, compiled by
Royce Williams (copyright Django Software Foundation and individual contributors, BSD-3-Clause),
and the one of zxcvbn 4.5 for Python (copyright 2012-2016 Dan Wheeler and Dropbox, Inc., 2016
Daniel Wolf, MIT). The same notice stands at the top of the file.
"""

import gzip
import re
import unicodedata
from functools import cache
from importlib import resources

_FILE = "common_passwords.txt.gz"
_NOTICE = "# "
_PRODUCT = "fullhouse"
# Shorter parts of a name are found in any text.
_SHORTEST_PART = 3


def reason_against(password: str, *, email: str, name: str) -> str | None:
    """Why nobody should use this password, in words for its owner; None if nothing is known.

    Upper and lower case and other forms of the same letters make no difference. Refused are
    the common ones, and those of which more than half is the address, the name or the product's.
    """
    plain = _plain(password)
    if plain in _common():
        return "is one of the passwords that are tried first; choose another one"
    if _is_mostly(plain, _parts(_PRODUCT)):
        return "is made of this service's name; choose something else"
    own = {_plain(email)} | _parts(email.rpartition("@")[0], name, _PRODUCT)
    if _is_mostly(plain, own):
        return "is made of your own name or e-mail address; choose something else"
    return None


@cache
def _common() -> frozenset[str]:
    """The list, read at the first question; the same text is kept once for the whole process."""
    packed = resources.files(__package__).joinpath(_FILE).read_bytes()
    lines = gzip.decompress(packed).decode("utf-8").splitlines()
    return frozenset(line for line in lines if not line.startswith(_NOTICE))


def _plain(text: str) -> str:
    """NFKC, casefolded; folding may take a text out of its form, so that comes last again."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def _parts(*texts: str) -> set[str]:
    """The texts themselves, without what separates their words, and their words."""
    parts: set[str] = set()
    for text in map(_plain, texts):
        words = re.findall(r"[^\W_]+", text)
        parts |= {text, "".join(words), *words}
    return {part for part in parts if len(part) >= _SHORTEST_PART}


def _is_mostly(plain: str, parts: set[str]) -> bool:
    """Whether more than half of the text is made of such parts, however often."""
    # The longest first: a part may be the beginning of another one.
    longest_first = sorted(parts, key=lambda part: (-len(part), part))
    anywhere = re.compile("|".join(map(re.escape, longest_first)))
    covered = sum(len(found[0]) for found in anywhere.finditer(plain))
    return 2 * covered > len(plain)
