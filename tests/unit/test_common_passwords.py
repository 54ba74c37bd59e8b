"""Passwords that anybody would try first."""

import gzip
import unicodedata
from importlib import resources

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fullhouse.accounts import common_passwords
from fullhouse.accounts.common_passwords import reason_against
from fullhouse.accounts.rules import PASSWORD_SHORTEST

EMAIL = "ada.lovelace+tickets@example.com"
NAME = "Augusta Ada King"


def against(password: str, email: str = EMAIL, name: str = NAME) -> str | None:
    """What speaks against Ada's choice."""
    return reason_against(password, email=email, name=name)


def listed() -> list[str]:
    """The lines of the shipped file, notice and all."""
    packed = resources.files("fullhouse.accounts").joinpath("common_passwords.txt.gz")
    return gzip.decompress(packed.read_bytes()).decode().splitlines()


@pytest.mark.parametrize(
    "password",
    [
        "password",
        "Password1",
        "PASSWORD123",
        "12345678",
        "1234567890",
        "qwertyuiop",
        "1q2w3e4r5t",
        "11111111",
        "aaaaaaaa",
        "abcdefgh",
        "iloveyou1",
        "P@ssw0rd",
        "trustno1",
        "sunshine",
        "baseball",
        # In letters of another width, which look the same to whoever tries them.
        "ｐａｓｓｗｏｒｄ",
        "１２３４５６７８",
        "ﬀootball".replace("ﬀ", "f"),
    ],
)
def test_what_everybody_tries_first_is_refused(password: str) -> None:
    assert against(password) == "is one of the passwords that are tried first; choose another one"


@pytest.mark.parametrize(
    "password",
    [
        "ada.lovelace",
        "Ada.Lovelace1815",
        "lovelace1815",
        "LOVELACE!",
        "adaLovelace",
        "ADA.LOVELACE+TICKETS@EXAMPLE.COM",
        "augusta1",
        "Augusta King 1",
        "augustaadaking",
        "ａｕｇｕｓｔａ１",
        # Together they are more than half, each alone is not.
        "ada17king42",
        "ada-fullhouse-king-9",
    ],
)
def test_what_is_made_of_the_owner_is_refused(password: str) -> None:
    assert against(password) == "is made of your own name or e-mail address; choose something else"


@pytest.mark.parametrize(
    "password", ["fullhouse", "FullHouse1!", "fullhousefullhouse", "1fullhouse"]
)
def test_what_is_made_of_the_product_is_refused(password: str) -> None:
    assert against(password) == "is made of this service's name; choose something else"


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery",
        "zmV9-k2Qp",
        # Half is not more than half.
        "lovelace8CharsXY",
        "a full house tonight",
        "प्रवेशपत्र मेरो हो",
        # Parts of one or two letters are no parts.
        "bobobobob-x7",
    ],
)
def test_others_are_not_refused(password: str) -> None:
    assert against(password) is None
    assert against(password, email="bo@example.com", name="Bo O") is None


@pytest.mark.parametrize(
    ("password", "email", "name"),
    [
        # The whole address, of which the part before the @ is little.
        ("ada@example.com", "ada@example.com", "Augusta King"),
        # One part is the beginning of another one.
        ("annabella-zkvq", "ann@example.com", "Annabella King"),
        # Words too short to count alone.
        ("bolixu-zkv", "x@example.com", "Bo Li Xu"),
    ],
)
def test_the_longest_part_counts(password: str, email: str, name: str) -> None:
    assert against(password, email, name) is not None


def test_half_is_counted_exactly() -> None:
    assert against("lovelace" + "zkvqzkv") is not None
    assert against("lovelace" + "zkvqzkvq") is None


def test_the_domain_is_nobodys_own() -> None:
    assert against("example+zkv", email="zoe@example.com", name="Zoe") is None


@pytest.mark.parametrize(("email", "name"), [("", ""), ("@", " "), ("x", "-")])
def test_without_an_owner_the_list_still_counts(email: str, name: str) -> None:
    assert against("correct horse battery", email, name) is None
    assert against("password", email, name) is not None


def test_the_list_is_long_and_in_the_form_that_is_compared() -> None:
    passwords = [line for line in listed() if not line.startswith("# ")]
    assert len(passwords) > 16_000
    assert len(set(passwords)) == len(passwords)
    for password in passwords:
        assert len(password) >= PASSWORD_SHORTEST
        assert unicodedata.normalize("NFKC", password.casefold()) == password
        assert password == password.strip()


def test_the_list_says_where_it_is_from() -> None:
    notice = " ".join(line for line in listed() if line.startswith("# "))
    assert "BSD-3-Clause" in notice
    assert "MIT" in notice
    assert not [line for line in common_passwords._common() if line.startswith("# ")]


def test_every_listed_password_is_refused_in_any_case() -> None:
    passwords = [line for line in listed() if not line.startswith("# ")]
    for password in passwords[::97]:
        assert against(password, "", "") is not None
        assert against(password.upper(), "", "") is not None


def test_the_list_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    common_passwords._common.cache_clear()
    read: list[int] = []
    decompress = gzip.decompress

    def noting(packed: bytes) -> bytes:
        read.append(len(packed))
        return decompress(packed)

    monkeypatch.setattr(gzip, "decompress", noting)
    assert against("password") is not None
    assert against("correct horse battery") is None
    assert len(read) == 1
    # Small enough to be shipped with every installation.
    assert read[0] < 100_000


@given(st.text(max_size=128), st.text(max_size=254), st.text(max_size=200))
@example("\0" * 20, "a@b.co", "x")
@example("(((((((((", "((((@b.co", "[[[[")
def test_case_makes_no_difference_and_nothing_fails(password: str, email: str, name: str) -> None:
    reason = reason_against(password, email=email, name=name)
    if password.isascii():
        assert reason_against(password.swapcase(), email=email.upper(), name=name) == reason
    assert (reason_against(password, email="", name="") is None) or reason is not None
