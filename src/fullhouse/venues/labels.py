"""How people write seats, and the one form in which all their spellings meet.

The canonical label of a seat is ``A-12`` (row, dash, number), its path ``Stalls/A-12``. People
also write ``a12``, ``A 12``, ``A–012``. Folding removes what carries no meaning, so that spellings
of one seat become equal; maps whose seats become equal by it are refused when they are made.
"""

import re
import unicodedata

DASH = "-"
SLASH = "/"

# Hyphens and dashes that keyboards and word processors put where a plain one is meant.
_DASHES = {ord(dash): DASH for dash in "\u2010\u2011\u2012\u2013\u2014\u2212\ufe58\ufe63\uff0d"}
_LEADING_ZEROS = re.compile(r"(?<![0-9])0+(?=[0-9])")

_LONGEST_DASHLESS = 40
_MOST_PASSES = 5


def label_of(row: str, number: str) -> str:
    """The canonical label of a seat, as it is printed."""
    return f"{row}{DASH}{number}"


def path_of(section: str, label: str) -> str:
    """The label with its section, which names one seat of the whole map."""
    return f"{section}{SLASH}{label}"


def fold(text: str) -> str:
    """``text`` without case, blanks, kinds of dashes and leading zeros of its numbers.

    The result is stable: folding it again changes nothing.
    """
    return without_leading_zeros(fold_signs(text))


def fold_signs(text: str) -> str:
    """``text`` without case, blanks and kinds of dashes; digits stay as they are."""
    if text.isascii():
        return "".join(text.lower().split())
    # One step can undo another (a blank less joins two signs to one): repeat until it is quiet.
    for _ in range(_MOST_PASSES):
        before = text
        text = unicodedata.normalize("NFKC", text).translate(_DASHES).casefold()
        text = "".join(text.split())
        if text == before:
            break
    return text


def without_leading_zeros(text: str) -> str:
    """``A-012`` as ``A-12``; a number that is all zeros keeps one."""
    return _LEADING_ZEROS.sub("", text) if "0" in text else text


def readings_without_dash(text: str) -> list[tuple[str, bool]]:
    """Every label key that ``text``, already free of case and blanks, may mean without a dash.

    The flag says whether the reading is plain to see, because a letter meets a digit at the place
    of the missing dash: ``a12`` is plainly ``a-12``, while ``312`` could be ``3-12`` or ``31-2``.
    """
    if len(text) > _LONGEST_DASHLESS:
        return []
    return [
        (
            label_of(without_leading_zeros(text[:at]), without_leading_zeros(text[at:])),
            _is_digit(text[at - 1]) is not _is_digit(text[at]),
        )
        for at in range(1, len(text))
    ]


def _is_digit(character: str) -> bool:
    return "0" <= character <= "9"
