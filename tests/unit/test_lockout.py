"""How delays grow with failures."""

from collections.abc import Mapping
from datetime import timedelta
from typing import get_args
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullhouse.accounts.lockout import (
    FORGOTTEN_AFTER,
    NO_DELAY,
    POLICIES,
    Guard,
    MailPurpose,
    Policy,
    invitation_keys,
    keys_of,
    login_keys,
    mail_keys,
    password_keys,
    phone_code_keys,
    phone_send_keys,
    second_factor_keys,
)
from fullhouse.accounts.rules import RESET_PASSWORD_WITHIN

SECRET = "a secret of at least thirty-two characters"
PHONE = "+9779841234567"
LOGIN = (Guard.ACCOUNT_AND_ADDRESS, Guard.ACCOUNT, Guard.ADDRESS)
INVITING = (
    Guard.INVITATION_MAIL,
    Guard.INVITATION_OF_ORGANIZATION,
    Guard.INVITATION_OF_USER,
)

durations = st.integers(min_value=1, max_value=10**9).map(
    lambda seconds: timedelta(seconds=seconds)
)
policies = st.builds(
    lambda free, one, other: Policy(free, min(one, other), max(one, other)),
    st.integers(min_value=1, max_value=100),
    durations,
    durations,
)
counts = st.integers(min_value=0, max_value=10**9)


def delays(guard: Guard, *failures: int) -> list[int]:
    """The delays after so many failures, in seconds."""
    return [int(POLICIES[guard].delay_after(count).total_seconds()) for count in failures]


def test_the_table() -> None:
    quarter = [30, 60, 120, 240, 480, 900, 900]
    assert delays(Guard.ACCOUNT_AND_ADDRESS, 0, 4, *range(5, 12)) == [0, 0, *quarter]
    assert delays(Guard.ACCOUNT, 0, 19, *range(20, 27)) == [0, 0, *quarter]
    assert delays(Guard.ADDRESS, 0, 49, *range(50, 57)) == [0, 0, *quarter]
    assert delays(Guard.PASSWORD, 0, 4, *range(5, 12)) == [0, 0, *quarter]
    assert delays(Guard.SECOND_FACTOR, 0, 4, *range(5, 12)) == [0, 0, *quarter]
    day = [300, 600, 1_200, 2_400, 4_800, 9_600, 19_200, 38_400, 76_800, 86_400, 86_400]
    assert delays(Guard.PHONE_CODE, 0, 4, *range(5, 16)) == [0, 0, *day]
    hour = [60, 120, 240, 480, 960, 1_920, 3_600, 3_600]
    assert delays(Guard.PHONE_SEND, 0, 2, *range(3, 11)) == [0, 0, *hour]
    for guard in (
        Guard.VERIFICATION_MAIL,
        Guard.NEW_ADDRESS_MAIL,
        Guard.INVITATION_OF_ORGANIZATION,
        Guard.INVITATION_OF_USER,
    ):
        assert delays(guard, 0, 2, *range(3, 11)) == [0, 0, *hour]
    assert delays(Guard.INVITATION_MAIL, 0, 9, *range(10, 18)) == [0, 0, *hour]
    assert delays(Guard.RESET_MAIL, 0, 2, *range(3, 9)) == [0, 0, 60, 120, 240, 480, 900, 900]
    assert set(POLICIES) == set(Guard)


def test_whoever_has_to_wait_for_a_reset_has_a_link_that_is_good() -> None:
    """Strangers may ask for it without end."""
    assert POLICIES[Guard.RESET_MAIL].longest_delay < RESET_PASSWORD_WITHIN


@given(policies, counts)
def test_a_delay_grows_and_stays_within_its_bounds(policy: Policy, failures: int) -> None:
    delay, next_delay = policy.delay_after(failures), policy.delay_after(failures + 1)
    assert NO_DELAY <= delay <= next_delay <= policy.longest_delay
    assert (delay == NO_DELAY) == (failures < policy.free)
    if NO_DELAY < delay < policy.longest_delay:
        assert next_delay == min(2 * delay, policy.longest_delay)


@given(policies)
def test_a_delay_begins_and_ends_where_the_policy_says(policy: Policy) -> None:
    assert policy.delay_after(policy.free) == policy.first_delay
    assert policy.delay_after(policy.free + 40) == policy.longest_delay


@pytest.mark.parametrize(
    ("free", "first", "longest"), [(0, 1, 2), (-1, 1, 2), (5, 0, 2), (5, -1, 2), (5, 3, 2)]
)
def test_a_policy_that_makes_no_sense_is_an_error(free: int, first: int, longest: int) -> None:
    with pytest.raises(ValueError):
        Policy(free, timedelta(seconds=first), timedelta(seconds=longest))


def test_five_tries_are_free_and_the_sixth_waits() -> None:
    policy = POLICIES[Guard.SECOND_FACTOR]
    assert [policy.delay_after(failures) for failures in range(5)] == [NO_DELAY] * 5
    assert policy.delay_after(5) == timedelta(seconds=30)


def test_counters_are_forgotten_after_a_day() -> None:
    assert timedelta(days=1) == FORGOTTEN_AFTER
    # Or somebody could wait for the delay to end and find it forgotten before.
    assert all(policy.longest_delay <= FORGOTTEN_AFTER for policy in POLICIES.values())


def test_a_login_is_guarded_in_three_ways() -> None:
    login = login_keys(SECRET, "ada@example.com", "192.0.2.1")
    keys = keys_of(SECRET, LOGIN, account="ada@example.com", address="192.0.2.1")
    assert login.policies == {key: POLICIES[guard] for guard, key in keys.items()}
    assert login.address == keys[Guard.ADDRESS]
    assert [policy.free for policy in login.policies.values()] == [5, 20, 50]


def test_everything_else_is_guarded_by_a_key_of_its_own() -> None:
    ada, eve = UUID(int=1), UUID(int=2)
    guarded = {
        Guard.PASSWORD: (password_keys(SECRET, ada), password_keys(SECRET, eve)),
        Guard.SECOND_FACTOR: (second_factor_keys(SECRET, ada), second_factor_keys(SECRET, eve)),
        Guard.PHONE_CODE: (phone_code_keys(SECRET, PHONE), phone_code_keys(SECRET, PHONE[:-1])),
        Guard.PHONE_SEND: (phone_send_keys(SECRET, PHONE), phone_send_keys(SECRET, PHONE[:-1])),
    }
    for guard in get_args(MailPurpose):
        guarded[guard] = (
            mail_keys(SECRET, "ada@example.com", guard),
            mail_keys(SECRET, "eve@x.example", guard),
        )
    assert set(guarded) == set(Guard) - set(LOGIN) - set(INVITING)
    for guard, keys in guarded.items():
        assert [list(policies.values()) for policies in keys] == [[POLICIES[guard]]] * 2
    assert len({key for one, other in guarded.values() for key in (*one, *other)}) == 14


def test_an_invitation_is_guarded_by_the_address_and_by_who_sends_it() -> None:
    def keys(email: str, organization: int, user: int) -> Mapping[bytes, Policy]:
        return invitation_keys(
            SECRET, email, organization_id=UUID(int=organization), user_id=UUID(int=user)
        )

    ada = keys("ada@example.com", 1, 1)
    assert sorted(ada.values(), key=repr) == sorted((POLICIES[g] for g in INVITING), key=repr)
    shared = {
        "another organization's": set(ada) & set(keys("ada@example.com", 2, 2)),
        "the same user's for another": set(ada) & set(keys("ada@example.com", 2, 1)),
        "of another for the same": set(ada) & set(keys("ada@example.com", 1, 2)),
        "to another": set(ada) & set(keys("eve@example.com", 1, 1)),
    }
    assert [len(common) for common in shared.values()] == [1, 2, 2, 0]
    # Strangers alone do not use up what an organization may send.
    (to_anybody,) = shared["another organization's"]
    assert ada[to_anybody].free > POLICIES[Guard.INVITATION_OF_ORGANIZATION].free


def test_each_guard_counts_by_its_own_subject() -> None:
    ada = keys_of(SECRET, LOGIN, account="ada@example.com", address="192.0.2.1")
    elsewhere = keys_of(SECRET, LOGIN, account="ada@example.com", address="192.0.2.2")
    eve = keys_of(SECRET, LOGIN, account="eve@example.com", address="192.0.2.1")
    assert len({*ada.values(), *elsewhere.values(), *eve.values()}) == 7
    assert ada[Guard.ACCOUNT] == elsewhere[Guard.ACCOUNT]
    assert ada[Guard.ADDRESS] == eve[Guard.ADDRESS]


def test_guards_of_the_same_subject_have_keys_of_their_own() -> None:
    keys = keys_of(SECRET, Guard, account="+9779841234567", address="192.0.2.1")
    assert set(keys) == set(Guard)
    assert len(set(keys.values())) == len(Guard)
    assert {len(key) for key in keys.values()} == {32}


def test_keys_cannot_be_computed_without_the_secret() -> None:
    one = keys_of(SECRET, LOGIN, account="ada@example.com", address="192.0.2.1")
    other = keys_of(SECRET + "x", LOGIN, account="ada@example.com", address="192.0.2.1")
    assert not set(one.values()) & set(other.values())


@pytest.mark.parametrize("spelling", [" ADA@Example.COM\n", "ada@EXAMPLE.com", "\tada@example.com"])
def test_every_spelling_of_an_account_is_the_same(spelling: str) -> None:
    plain = keys_of(SECRET, [Guard.ACCOUNT], account="ada@example.com")
    assert keys_of(SECRET, [Guard.ACCOUNT], account=spelling) == plain


def test_a_letter_is_the_same_composed_or_not() -> None:
    one = keys_of(SECRET, [Guard.ACCOUNT], account="\u00e9ric@example.com")
    assert keys_of(SECRET, [Guard.ACCOUNT], account="E\u0301ric@example.com") == one


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff"),
        ("2001:DB8:1:2::1", "2001:0db8:0001:0002::9"),
        ("fe80::1%eth0", "fe80::2"),
        ("::1", "::2"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        (" 192.0.2.1", "192.0.2.1"),
    ],
)
def test_addresses_of_one_network_count_as_one(one: str, other: str) -> None:
    assert keys_of(SECRET, [Guard.ADDRESS], address=one) == keys_of(
        SECRET, [Guard.ADDRESS], address=other
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("192.0.2.1", "192.0.2.2"),
        ("2001:db8:1:2::1", "2001:db8:1:3::1"),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2"),
        ("", "unknown"),
    ],
)
def test_addresses_of_other_networks_do_not(one: str, other: str) -> None:
    assert keys_of(SECRET, [Guard.ADDRESS], address=one) != keys_of(
        SECRET, [Guard.ADDRESS], address=other
    )


def test_subjects_do_not_run_together() -> None:
    pair = [Guard.ACCOUNT_AND_ADDRESS]
    assert keys_of(SECRET, pair, account="a", address="bc") != keys_of(
        SECRET, pair, account="ab", address="c"
    )


@pytest.mark.parametrize("guard", Guard)
def test_a_subject_that_is_missing_is_an_error(guard: Guard) -> None:
    with pytest.raises(ValueError):
        keys_of(SECRET, [guard])
