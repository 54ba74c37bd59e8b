"""Shapes that all requests and answers share: camelCase, unknown fields refused, money."""

from typing import Annotated, Any, dataclass_transform
from uuid import UUID

import msgspec

from fullhouse.api.wording import IN_WORDS


@dataclass_transform(frozen_default=True, field_specifiers=(msgspec.field,))
class _Frozen(msgspec.StructMeta):
    """Tells type checkers that whatever builds on a frozen struct is frozen, as msgspec has it."""


class Body(
    msgspec.Struct, metaclass=_Frozen, rename="camel", forbid_unknown_fields=True, frozen=True
):
    """Base of request bodies."""


class View(msgspec.Struct, metaclass=_Frozen, rename="camel", frozen=True):
    """Base of answers."""


class Money(View):
    """A sum in minor units (cents, paise) of an ISO 4217 currency."""

    amount: int
    currency: str


# What cannot be seen in a name and only serves to deceive, as the inside of a pattern's brackets:
# control characters (C0, DEL, C1) and those that change the direction of what follows (Unicode's
# Bidi_Control, embeddings, overrides and isolates; CVE-2021-42574). The escapes mean the same in
# ECMA-262, Python and Rust.
UNSEEN = r"\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069"
# The same without tab and line feed.
_UNSEEN_IN_NAMES = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069"

NO_UNSEEN = {IN_WORDS: "hold no control characters"}
SOMETHING_SEEN = {IN_WORDS: "hold something to see and no control characters"}

# What shows nothing either but belongs into many names beside what does: soft hyphens, joiners,
# fillers, blanks, variation selectors, tags (Unicode's Default_Ignorable_Code_Point, and the empty
# pattern of Braille). The last range is written as itself: beyond 16 bits the three have no escape
# in common. JSON Schema has its patterns read by code points.
_NOTHING_TO_SEE = (
    r"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    r"\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8" + "\U000e0000-\U000e0fff"
)

# The largest amount a request may name: far above any ticket, far below 64 bits.
Amount = Annotated[
    int,
    msgspec.Meta(
        ge=0, le=10**12, description="In minor units of the currency: 1250 euro cents are €12.50."
    ),
]
Name = Annotated[
    str,
    msgspec.Meta(
        min_length=1, max_length=200, pattern=f"^[^{_UNSEEN_IN_NAMES}]+$", extra=NO_UNSEEN
    ),
]
# One line of text with something to see in it.
Line = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=200,
        pattern=rf"^[^{UNSEEN}]*[^\s{UNSEEN}{_NOTHING_TO_SEE}][^{UNSEEN}]*$",
        extra=SOMETHING_SEEN,
    ),
]
Text = Annotated[str, msgspec.Meta(max_length=10_000)]
OrganizationId = Annotated[
    UUID, msgspec.Meta(description="Whose it is; one's own unless it is one of several.")
]


class Price(Body):
    """A sum in minor units; the event gives the currency, which may be repeated here."""

    amount: Amount
    currency: Annotated[
        str | None, msgspec.Meta(description="ISO 4217; the event's, and no other.")
    ] = None


def given(body: Body) -> dict[str, Any]:
    """What a body holds, without what was left out."""
    return {
        name: value
        for name in body.__struct_fields__
        if (value := getattr(body, name)) is not msgspec.UNSET
    }
