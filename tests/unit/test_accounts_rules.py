"""What makes an acceptable account."""

import unicodedata
from uuid import UUID

import idna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullhouse.accounts.rules import (
    check_name,
    check_new_password,
    deleted_email,
    normalize_email,
    normalize_password,
    organization_name_for,
)
from fullhouse.kit.errors import Refused


@pytest.mark.parametrize(
    ("given_address", "kept"),
    [
        ("ada@example.com", "ada@example.com"),
        ("  Ada.Lovelace+Tickets@Example.COM\n", "ada.lovelace+tickets@example.com"),
        ("o'brien@mail.example.co.uk", "o'brien@mail.example.co.uk"),
        # The same letter, composed or not, is the same address.
        ("e\u0301ric@example.com", "\u00e9ric@example.com"),
        ("josé@bücher.example", "josé@bücher.example"),
        ("a@b.co", "a@b.co"),
        # Mail to these goes to one domain, so they are one address.
        ("josé@xn--bcher-kva.example", "josé@bücher.example"),
        ("josé@BÜCHER.example", "josé@bücher.example"),
        ("vic@ｅxample.com", "vic@example.com"),
        ("admin@te\u017ft.com", "admin@test.com"),
        ("ada@example\u3002com", "ada@example.com"),
        ("ada@exam\u00adple.com", "ada@example.com"),
        ("ada@fa\u00df.example", "ada@fa\u00df.example"),
        ("ada@उदाहरण.परीक्षा", "ada@उदाहरण.परीक्षा"),
        ("ada@r3---sn.example", "ada@r3---sn.example"),
    ],
)
def test_an_address_has_one_form(given_address: str, kept: str) -> None:
    assert normalize_email(given_address) == kept


@pytest.mark.parametrize(
    "address",
    [
        "",
        "@",
        "ada",
        "ada@",
        "@example.com",
        "ada@localhost",
        "ada@@example.com",
        "ada lovelace@example.com",
        ".ada@example.com",
        "ada.@example.com",
        "ada..l@example.com",
        "ada@example..com",
        "ada@-example.com",
        "ada@example-.com",
        "ada@exa_mple.com",
        "ada@example.com.",
        "ada\x00@example.com",
        "ada@example.com\nbcc: eve@example.com",
        '"ada"@example.com',
        "ada<eve@example.com",
        f"{'a' * 65}@example.com",
        f"ada@{'a' * 64}.com",
        f"ada@{'.'.join(['abcdefgh'] * 30)}.com",
        "ada\ue000@example.com",
        "ada\u0378@example.com",
        # What would be taken for another's, by people or by the server that gets the mail.
        "ｖic@example.com",
        "ju\u017fo@example.com",
        "o\ufb03ce@example.com",
        # Domains that cannot be.
        "ada@xn--zzzz.example",
        "ada@xn--.example",
        "ada@☃.example",
        "ada@exa\u200dmple.com",
        "ada@ü..example",
        f"ada@{'ü' * 64}.example",
    ],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(Refused) as refused:
        normalize_email(address)
    assert refused.value.code.name == "validation_failed"
    assert refused.value.errors[0].pointer == "/email"


def test_nobody_takes_the_address_of_a_deleted_account() -> None:
    user_id = UUID(int=7)
    assert deleted_email(user_id) != deleted_email(UUID(int=8))
    deleted = deleted_email(user_id)
    for address in (deleted, deleted.upper(), "a@b.invalid", "a@b.ｉnvalid"):
        with pytest.raises(Refused) as refused:
            normalize_email(address)
        (error,) = refused.value.errors
        assert (error.pointer, "can get mail" in error.detail) == ("/email", True)
    assert normalize_email("ada@invalid.example") == "ada@invalid.example"


_DOMAINS = st.sampled_from(["{}.example", "b{}cher.example", "xn--{}.example", "example{}com"])


@given(_DOMAINS, st.text(max_size=8))
def test_an_address_leads_where_its_form_does(domain: str, text: str) -> None:
    address = f"ada@{domain.format(text)}"
    try:
        kept = normalize_email(address)
    except Refused:
        return
    assert normalize_email(kept) == kept == kept.lower()
    local, _, kept_domain = kept.rpartition("@")
    sent = idna.encode(kept_domain, uts46=True) if not kept_domain.isascii() else kept_domain
    if isinstance(sent, bytes):
        # The form in ASCII is the same address, and not another.
        assert normalize_email(f"{local}@{sent.decode()}") == kept


@given(st.emails() | st.text(max_size=40).map(lambda text: f"{text}@example.com"))
def test_normalizing_twice_changes_nothing(address: str) -> None:
    try:
        once = normalize_email(address)
    except Refused:
        return
    assert normalize_email(once) == once
    assert once == once.lower()
    assert unicodedata.is_normalized("NFC", once)


@pytest.mark.parametrize("length", [8, 15, 64, 128])
def test_a_password_of_8_to_128_characters_will_do(length: int) -> None:
    assert check_new_password(" " * length, email="a@b.example", name="Ada") == " " * length


@pytest.mark.parametrize("password", ["", "1234567", "x" * 129, "e\u0301" * 7])
def test_other_passwords_are_refused(password: str) -> None:
    with pytest.raises(Refused) as refused:
        check_new_password(password, email="a@b.example", name="Ada")
    assert refused.value.errors[0].pointer == "/password"


def test_a_password_is_the_same_from_every_keyboard() -> None:
    assert normalize_password("cafe\u0301s are nice") == normalize_password("caf\u00e9s are nice")


def test_a_name_is_trimmed_and_not_empty() -> None:
    assert check_name("  Ada Lovelace ") == "Ada Lovelace"
    for name in ("", " \t", "x" * 201):
        with pytest.raises(Refused):
            check_name(name)


def test_only_organizers_get_an_organization() -> None:
    assert organization_name_for("ORGANIZER", "Ada") == "Ada's organization"
    assert organization_name_for("USER", "Ada") is None
    assert organization_name_for("ADMIN", "Ada") is None
