"""Shapes that all requests and answers share: camelCase, unknown fields refused, money."""

from typing import Annotated, dataclass_transform

import msgspec


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


# The largest amount a request may name: far above any ticket, far below 64 bits.
Amount = Annotated[int, msgspec.Meta(ge=0, le=10**12)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Text = Annotated[str, msgspec.Meta(max_length=10_000)]


class Price(Body):
    """A sum in minor units; the event gives the currency, which may be repeated here."""

    amount: Amount
    currency: str | None = None
