"""Every command in every order: the core against a plain model, in memory and in PostgreSQL."""

from uuid import UUID

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from fullhouse.bookings.core.types import FreeSeat
from fullhouse.catalog.rules import CategoryTerms, Policy
from fullhouse.kit.ids import new_id
from tests.support.selling_boxes import Box, MemoryBox, PostgresBox
from tests.support.selling_machine import SellingMachine
from tests.support.selling_rows import sale_terms


class InMemory(SellingMachine):
    def make_box(
        self,
        categories: list[CategoryTerms],
        policy: Policy,
        capacities: dict[UUID, int],
        seats: dict[UUID, list[FreeSeat]],
    ) -> Box:
        users = [new_id() for _ in range(3)]
        return MemoryBox(sale_terms(categories, policy), capacities, seats, users)


def test_selling_in_memory() -> None:
    run_state_machine_as_test(
        InMemory,
        settings=settings(
            max_examples=300,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_selling_in_postgresql(database_url: str) -> None:
    class InPostgres(SellingMachine):
        def make_box(
            self,
            categories: list[CategoryTerms],
            policy: Policy,
            capacities: dict[UUID, int],
            seats: dict[UUID, list[FreeSeat]],
        ) -> Box:
            return PostgresBox(database_url, sale_terms(categories, policy), capacities, seats)

    run_state_machine_as_test(
        InPostgres,
        settings=settings(
            max_examples=30,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
