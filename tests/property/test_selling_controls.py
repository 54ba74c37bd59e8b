"""The positive controls of ``test_selling.py``: a core with one rule broken is found out."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from fullhouse.bookings.core import organize, waitlist
from fullhouse.bookings.core.commands import CallOff, Move, Resize
from fullhouse.bookings.core.ledger import Ledger
from fullhouse.bookings.core.types import Booking, Inventory, Outcome, Result
from fullhouse.catalog.rules import SaleTerms
from tests.property.test_selling import InMemory
from tests.support.selling_machine import AREA

_move, _call_off, _resize = organize.move, organize.call_off, organize.resize


def _moved_in_spite_of_claims(ledger: Ledger, inventory: Inventory, command: Move) -> Result:
    return _move(ledger, inventory, msgspec.structs.replace(command, vanished=()))


def _moved_with_old_places(ledger: Ledger, inventory: Inventory, command: Move) -> Result:
    before = {one.category_id: one.capacity for one in inventory.allotments.values()}
    result = _move(ledger, inventory, command)
    for category_id, capacity in before.items():
        inventory.allotments[category_id].capacity = capacity
    return result


def _one_more(ledger: Ledger, inventory: Inventory, command: CallOff) -> Result:
    return _call_off(ledger, inventory, msgspec.structs.replace(command, limit=command.limit + 1))


def _anything_goes(ledger: Ledger, inventory: Inventory, command: CallOff) -> Result:
    inventory.terms = msgspec.structs.replace(inventory.terms, called_off="event_cancelled")
    return _call_off(ledger, inventory, command)


def _half_done(ledger: Ledger, inventory: Inventory, command: Resize) -> Result:
    """The price is set, and only then it is seen that there are too few places."""
    priced = msgspec.structs.replace(command, capacity=None, blocked=None)
    result = _resize(ledger, inventory, priced)
    if result.outcome is not Outcome.CHANGED:
        return result
    rest = _resize(ledger, inventory, command)
    rest.repeated = rest.repeated and result.repeated
    return rest


def _crowded(ledger: Ledger, inventory: Inventory, command: Resize) -> Result:
    return _resize(ledger, inventory, msgspec.structs.replace(command, areas={AREA: 1_000}))


def _keeps_its_price(_ledger: Ledger, _booking: Booking) -> None:
    return None


def _always_selling(_ledger: Ledger, _terms: SaleTerms) -> bool:
    return True


@pytest.mark.parametrize(
    ("where", "name", "broken"),
    [
        (organize, "move", _moved_in_spite_of_claims),
        (organize, "move", _moved_with_old_places),
        (organize, "call_off", _one_more),
        (organize, "call_off", _anything_goes),
        (organize, "resize", _half_done),
        (organize, "resize", _crowded),
        (Ledger, "_reprice", _keeps_its_price),
        (waitlist, "is_selling", _always_selling),
    ],
    ids=[
        "moved in spite of claims",
        "moved with old places",
        "one booking too many",
        "called off on sale",
        "half done",
        "more than the areas take",
        "price of joining",
        "offered when cancelled",
    ],
)
def test_a_broken_rule_is_noticed(
    monkeypatch: pytest.MonkeyPatch, where: Any, name: str, broken: Callable[..., Any]
) -> None:
    monkeypatch.setattr(where, name, broken)
    with pytest.raises((AssertionError, KeyError, ExceptionGroup)):
        run_state_machine_as_test(
            InMemory,
            settings=settings(
                max_examples=2_000,
                stateful_step_count=40,
                deadline=None,
                derandomize=True,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            ),
        )
