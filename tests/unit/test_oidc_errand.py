"""What is remembered while the browser is at the provider: sealed, and not for long."""

import base64
import hmac
import json
import time
from typing import Any

import jwt
import pytest

from fullhouse.accounts import oidc
from fullhouse.accounts.oidc import Errand
from fullhouse.accounts.tokens import AccessTokens
from fullhouse.kit.errors import Refused
from fullhouse.kit.ids import new_id
from tests.support.settings import SECRET


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def forged(*, algorithm: str = "HS256", typ: str = "oidc+jwt", age: int = 0, **changes: Any) -> str:
    """An errand as only we could sign it, with something changed in it; None leaves it out.

    It is good for 60 seconds from when it was made, ``age`` seconds ago.
    """
    key = hmac.digest(SECRET.encode(), b"fullhouse oidc errand", "sha256")
    now = int(time.time()) - age
    claims = {
        "iss": "fullhouse",
        "aud": "fullhouse-oidc",
        "iat": now,
        "exp": now + 60,
        "state": "s",
        "nonce": "n",
        "code_verifier": "v",
        "return_to": "/",
    } | changes
    kept = {name: claim for name, claim in claims.items() if claim is not None}
    return jwt.encode(kept, key if algorithm != "none" else "", algorithm, headers={"typ": typ})


def assert_lost(sealed: str) -> None:
    with pytest.raises(Refused) as refused:
        oidc.unseal(sealed, SECRET)
    assert refused.value.code is oidc.OIDC_LOST


def test_forging_is_done_right() -> None:
    """Else the tests below would find nothing."""
    assert oidc.unseal(forged(), SECRET) == Errand("s", "n", "v", "/")


@pytest.mark.parametrize(
    "changes",
    [
        {"typ": "at+jwt"},
        {"typ": "JWT"},
        {"algorithm": "none"},
        {"aud": "fullhouse-api"},
        {"iss": "somebody"},
        {"age": 66},
        {"age": -3_600},
        {"iss": None},
        {"aud": None},
        {"iat": None},
        {"exp": None},
        {"state": None},
        {"nonce": None},
        {"code_verifier": None},
        {"return_to": None},
        {"state": 7},
        {"user_id": "nobody"},
    ],
)
def test_what_we_would_not_seal_is_no_errand(changes: dict[str, Any]) -> None:
    assert_lost(forged(**changes))


@pytest.mark.parametrize("text", ["", "a.b.c", "…", "\udcff", f"{_encoded(b'[' * 6_000)}.e30.AAAA"])
def test_what_is_no_token_is_no_errand(text: str) -> None:
    assert_lost(text)


def test_another_server_s_errand_is_none() -> None:
    assert_lost(oidc.seal(oidc.begin("/"), "another secret, just as long as the first"))


def test_an_access_token_is_no_errand() -> None:
    tokens = AccessTokens(SECRET, 60)
    access = tokens.issue(new_id(), new_id())
    tokens.read(access)
    assert_lost(access)


@pytest.mark.parametrize("part", [0, 1, 2])
def test_a_changed_errand_is_none(part: int) -> None:
    parts = oidc.seal(oidc.begin("/"), SECRET).split(".")
    for position in range(0, len(parts[part]) - 1, 7):
        changed = parts[part][:position] + ("A" if parts[part][position] != "A" else "B")
        tampered = [*parts[:part], changed + parts[part][position + 1 :], *parts[part + 1 :]]
        assert_lost(".".join(tampered))


def test_a_changed_destination_is_noticed() -> None:
    head, _, signature = oidc.seal(oidc.begin("/"), SECRET).split(".")
    claims = json.dumps({"return_to": "//evil.example"}).encode()
    assert_lost(f"{head}.{_encoded(claims)}.{signature}")


def test_an_errand_ends_after_ten_minutes() -> None:
    errand = oidc.begin("/")
    late = oidc.seal(errand, SECRET, clock=lambda: time.time() - oidc.ERRAND_SECONDS - 6)
    assert_lost(late)
    almost = oidc.seal(errand, SECRET, clock=lambda: time.time() - oidc.ERRAND_SECONDS + 120)
    assert oidc.unseal(almost, SECRET) == errand


def test_an_errand_is_no_access_token() -> None:
    errand = oidc.begin("/", user_id=new_id(), session_id=new_id())
    with pytest.raises(Refused) as refused:
        AccessTokens(SECRET, 60).read(oidc.seal(errand, SECRET))
    assert refused.value.code.name == "unauthenticated"


def test_a_browser_that_comes_back_must_have_left() -> None:
    """Login CSRF: somebody else's answer, sent to a victim's browser (RFC 6749 §10.12)."""
    mine, theirs = oidc.begin("/"), oidc.begin("/")
    sealed = oidc.seal(mine, SECRET)
    for cookie, state in [
        (sealed, theirs.state),
        (sealed, mine.state[:-1]),
        (sealed, ""),
        (sealed, None),
        (sealed, "\udcff"),
        ("", mine.state),
        (None, mine.state),
        (None, None),
        (oidc.seal(theirs, SECRET), mine.state),
    ]:
        with pytest.raises(Refused) as refused:
            oidc.resume(cookie, state, SECRET)
        assert refused.value.code is oidc.OIDC_LOST
    assert oidc.resume(sealed, mine.state, SECRET) == mine


def test_an_errand_comes_back_whole() -> None:
    errand = oidc.begin("/me?tab=security#google", user_id=new_id(), session_id=new_id())
    assert oidc.unseal(oidc.seal(errand, SECRET), SECRET) == errand
    assert len({errand.state, errand.nonce, errand.code_verifier, oidc.begin("/").state}) == 4


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "events",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example/",
        "javascript:alert(1)",
        "/\t/evil.example",
        "/\r\nSet-Cookie: a=b",
        "/events\n",
        " /events",
        "/événements",
        "/" + "a" * 1_024,
    ],
)
def test_nobody_is_sent_elsewhere_afterwards(text: str | None) -> None:
    assert oidc.begin(text).return_to == "/"


@pytest.mark.parametrize("text", ["/", "/events/7?seat=A-12&x=%20#map", "/a//b", "/" + "a" * 1_023])
def test_paths_of_ours_are_kept(text: str) -> None:
    errand = oidc.begin(text, user_id=new_id(), session_id=new_id())
    assert errand.return_to == text
    # RFC 6265 §6.1: name, value and attributes of a cookie fit 4,096 bytes.
    assert len(oidc.seal(errand, SECRET)) < 3_800
