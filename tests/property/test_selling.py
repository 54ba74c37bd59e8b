"""Every command in every order: the core against a plain model, in memory and in PostgreSQL."""

from uuid import UUID

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from fullhouse.catalog.rules import CategoryTerms, Policy, SaleTerms
from fullhouse.kit.ids import new_id
from fullhouse.venues.seatmap import SeatMap
from tests.support.selling_boxes import Box, MemoryBox, PostgresBox
from tests.support.selling_machine import SellingMachine
from tests.support.selling_rows import sale_terms


class InMemory(SellingMachine):
    def make_box(
        self,
        categories: list[CategoryTerms],
        policy: Policy,
        capacities: dict[UUID, int],
        maps: list[SeatMap],
    ) -> Box:
        users = [new_id() for _ in range(3)]
        return MemoryBox(_terms(categories, policy, maps), capacities, _by_id(maps), users)


def _terms(categories: list[CategoryTerms], policy: Policy, maps: list[SeatMap]) -> SaleTerms:
    return sale_terms(categories, policy, hall_id=maps[0].hall_id, seat_map_id=maps[0].id)


def _by_id(maps: list[SeatMap]) -> dict[UUID, SeatMap]:
    return {one.id: one for one in maps}


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
            maps: list[SeatMap],
        ) -> Box:
            terms = _terms(categories, policy, maps)
            return PostgresBox(database_url, terms, capacities, _by_id(maps))

    run_state_machine_as_test(
        InPostgres,
        settings=settings(
            max_examples=30,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
