"""Whose token it is, from memory: never older than the last change that was heard of."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import pytest

from fullhouse.accounts.authenticator import Authenticator, user_tag
from fullhouse.accounts.one_time import new_api_key
from fullhouse.accounts.tokens import AccessTokens
from fullhouse.api.principal import Principal
from fullhouse.kit.errors import Refused
from fullhouse.kit.ids import new_id

TOKENS = AccessTokens("a secret of the tests, long enough", 60)


class People:
    """Users, each with a session of their own id, and how often they are asked for."""

    def __init__(self) -> None:
        self.roles: dict[UUID, str] = {}
        self.asked: list[list[UUID]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.failure: Exception | None = None

    def add(self, role: str = "USER") -> tuple[UUID, str]:
        user_id = new_id()
        self.roles[user_id] = role
        return user_id, TOKENS.issue(user_id, user_id)

    async def load(self, user_ids: Sequence[UUID]) -> Mapping[UUID, Principal]:
        self.asked.append(list(user_ids))
        if self.failure is not None:
            raise self.failure
        found = {
            user_id: Principal(user_id, self.roles[user_id])
            for user_id in user_ids
            if user_id in self.roles
        }
        await self.gate.wait()
        return found


async def no_keys(_hashes: Sequence[bytes]) -> Mapping[bytes, Principal]:
    return {}


class Clock:
    """A clock that a test moves, beginning now."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


async def test_the_database_is_asked_once_in_ten_seconds() -> None:
    people, clock = People(), Clock()
    authenticator = Authenticator(TOKENS, people.load, no_keys, clock=clock)
    user_id, token = people.add()
    assert (await authenticator(token)).user_id == user_id
    await authenticator(token)
    assert len(people.asked) == 1
    clock.now += 30
    await authenticator(token)
    assert len(people.asked) == 2


async def test_who_asks_together_shares_one_statement() -> None:
    people = People()
    authenticator = Authenticator(TOKENS, people.load, no_keys)
    users = [people.add() for _ in range(20)]
    tokens = [token for _, token in users] * 2
    principals = await asyncio.gather(*(authenticator(token) for token in tokens))
    assert [principal.user_id for principal in principals] == [user_id for user_id, _ in users] * 2
    assert [len(asked) for asked in people.asked] == [20]


async def test_very_many_are_asked_for_in_parts() -> None:
    people = People()
    authenticator = Authenticator(TOKENS, people.load, no_keys)
    tokens = [people.add()[1] for _ in range(1_001)]
    await asyncio.gather(*(authenticator(token) for token in tokens))
    assert [len(asked) for asked in people.asked] == [1_000, 1]


async def test_a_change_that_is_heard_of_counts_at_once() -> None:
    people = People()
    authenticator = Authenticator(TOKENS, people.load, no_keys)
    (user_id, token), (_, others) = people.add(), people.add()
    await authenticator(token)
    await authenticator(others)
    people.roles[user_id] = "ADMIN"
    authenticator.forget("event:1")
    authenticator.forget("user:nonsense")
    assert (await authenticator(token)).role == "USER"
    authenticator.forget(user_tag(user_id))
    assert (await authenticator(token)).role == "ADMIN"
    await authenticator(others)
    assert len(people.asked) == 3
    authenticator.forget("*")
    await authenticator(others)
    assert len(people.asked) == 4


@pytest.mark.parametrize("everything", [False, True])
async def test_an_answer_read_before_a_change_is_not_kept(everything: bool) -> None:
    people = People()
    authenticator = Authenticator(TOKENS, people.load, no_keys)
    user_id, token = people.add()
    people.gate.clear()
    early = asyncio.create_task(authenticator(token))
    await asyncio.sleep(0.01)
    people.roles[user_id] = "ADMIN"
    authenticator.forget("*" if everything else user_tag(user_id))
    late = asyncio.create_task(authenticator(token))
    await asyncio.sleep(0.01)
    people.gate.set()
    assert (await early).role == "USER"  # it asked before the change
    assert (await late).role == "ADMIN"
    assert (await authenticator(token)).role == "ADMIN"


async def test_a_change_before_the_statement_is_sent_loses_nobody() -> None:
    people = People()
    authenticator = Authenticator(TOKENS, people.load, no_keys)
    user_id, token = people.add()
    waiting = asyncio.create_task(authenticator(token))
    # After the task has asked and before the loop's turn ends.
    asyncio.get_running_loop().call_soon(authenticator.forget, user_tag(user_id))
    assert (await asyncio.wait_for(waiting, 1)).user_id == user_id


async def test_when_the_database_is_away_everybody_hears_it_and_nothing_is_kept() -> None:
    people = People()
    authenticator = Authenticator(TOKENS, people.load, no_keys)
    tokens = [people.add()[1] for _ in range(3)]
    people.failure = ConnectionError("away")
    answers = await asyncio.gather(
        *(authenticator(token) for token in tokens), return_exceptions=True
    )
    assert [type(answer) for answer in answers] == [ConnectionError] * 3
    people.failure = None
    assert (await authenticator(tokens[0])).role == "USER"


async def test_one_who_gives_up_takes_nothing_from_the_others() -> None:
    people = People()
    authenticator = Authenticator(TOKENS, people.load, no_keys)
    _, token = people.add()
    people.gate.clear()
    impatient = asyncio.create_task(authenticator(token))
    patient = asyncio.create_task(authenticator(token))
    await asyncio.sleep(0.01)
    impatient.cancel()
    people.gate.set()
    assert (await patient).role == "USER"
    assert len(people.asked) == 1


async def test_a_user_who_is_gone_is_nobody() -> None:
    people = People()
    authenticator = Authenticator(TOKENS, people.load, no_keys)
    with pytest.raises(Refused) as refused:
        await authenticator(TOKENS.issue(new_id(), new_id()))
    assert refused.value.code.name == "unauthenticated"


async def test_a_token_ends_even_when_it_is_remembered() -> None:
    people, clock = People(), Clock()
    authenticator = Authenticator(TOKENS, people.load, no_keys, clock=clock)
    _, token = people.add()
    await authenticator(token)
    clock.now += 63  # 60 and what clocks may differ by
    await authenticator(token)
    clock.now += 3
    with pytest.raises(Refused, match="expired") as refused:
        await authenticator(token)
    assert refused.value.code.name == "unauthenticated"


@pytest.mark.parametrize(("good_for", "remembered"), [(3.0, 3.0), (600.0, 10.0), (None, 10.0)])
@pytest.mark.parametrize("kind", ["session", "key"])
async def test_nothing_is_remembered_beyond_its_own_end(
    kind: str, good_for: float | None, remembered: float
) -> None:
    """A session or a key that ends by itself is announced to nobody."""
    clock, asked = Clock(), 0

    async def load(names: Sequence[object]) -> Mapping[Any, Principal]:
        nonlocal asked
        asked += 1
        # What the database needs to answer does not come on top of what it has said.
        clock.now += 1
        return {name: Principal(user_id, "USER", good_for=good_for) for name in names}

    authenticator = Authenticator(TOKENS, load, load, clock=clock)
    user_id = new_id()
    sent = TOKENS.issue(user_id, new_id()) if kind == "session" else new_api_key().text
    await authenticator(sent)
    clock.now += remembered - 1.001
    await authenticator(sent)
    assert asked == 1
    clock.now += 0.002
    await authenticator(sent)
    assert asked == 2


async def test_nothing_is_used_from_memory_while_changes_cannot_be_heard() -> None:
    people, hears = People(), True
    authenticator = Authenticator(TOKENS, people.load, no_keys, hears=lambda: hears)
    user_id, token = people.add()
    await authenticator(token)
    await authenticator(token)
    assert len(people.asked) == 1
    hears = False
    people.roles[user_id] = "ADMIN"
    assert (await authenticator(token)).role == "ADMIN"
    del people.roles[user_id]
    with pytest.raises(Refused):
        await authenticator(token)
