"""Password hashes of every kind."""

import base64
import hashlib

import argon2
import bcrypt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pwdlib.hashers.argon2 import Argon2Hasher

from fullhouse.accounts import hashes as module
from fullhouse.accounts.hashes import Hashes, OlderBcrypt, OlderScrypt

PASSWORD = "correct horse battery"

# Made of PASSWORD by the programs that people come from.
BY_PASSLIB = (
    "$scrypt$ln=10,r=8,p=1$h5ASAkBI6X0vxfgfo/SeEw$g2xLvEqq0I1xuptBR5gQc434rzfct6itJjO4t/Jhrgw"
)
BY_PASSLIB_AS_SHIPPED = (
    "$scrypt$ln=16,r=8,p=1$PEdoDWFsLaVUivF+770X4g$P4PRJXtUQebY2q3kjhXKSstAYQSxpfrMn03an7NOo5w"
)
BY_DJANGO = (
    "scrypt$1024$saltsaltsalt$8$5$8q/xo8InyoCGNRnHwzT2rxpW0fOFSD9jeN+Z1lOeIYtPfxMO1hfMOFnitRHyW6oZZ"
    "/PP7lWFFU/rx3xziRueaA=="
)
BY_BCRYPT_2A = "$2a$04$oBs0mfWsJ0Pvo8Zzxs05.eN.A2dQcoEgZtyS9u.u8qLdAngd1EpJS"
BY_BCRYPT_2B = "$2b$04$T6DnDgeoVHDkP60Wb8YwBefhPuC3Yxqp3SUqS7Rvk16rorN0waVL."
BY_BCRYPT_2Y = "$2y$04$1bQNY9MI0WoyE.ykeWUrheX0MwEurhUbX3gQHBUgbbPycJbE7L6T."
# Of 80 bytes in letters of two bytes and "tail", of which bcrypt saw the first 72 bytes.
LONG_PASSWORD = "ü" * 40 + "tail"
BY_BCRYPT_LONG = "$2b$04$Ur9HtAilFkI/xXw99mXzKuBjsxl3c4O./J7xSG4SC5r.wqg1Qud3q"

OLDER = [
    BY_PASSLIB,
    BY_PASSLIB_AS_SHIPPED,
    BY_DJANGO,
    BY_BCRYPT_2A,
    BY_BCRYPT_2B,
    BY_BCRYPT_2Y,
]


# The cheapest that the settings allow.
HASHES = Hashes(19_456, 2, 1)


def test_a_hash_fits_its_password_only() -> None:
    known = HASHES.make(PASSWORD.encode())
    assert known.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert HASHES.check(PASSWORD.encode(), known) == (True, None)
    assert HASHES.check((PASSWORD + "x").encode(), known) == (False, None)
    assert HASHES.make(PASSWORD.encode()) != known


def test_a_hash_of_other_settings_is_renewed() -> None:
    known = Hashes(20_000, 2, 1).make(PASSWORD.encode())
    fits, newer = HASHES.check(PASSWORD.encode(), known)
    assert fits
    assert newer is not None
    assert "m=19456" in newer
    assert HASHES.check(PASSWORD.encode(), newer) == (True, None)


@pytest.mark.parametrize("kind", [argon2.Type.I, argon2.Type.D])
def test_a_weaker_kind_of_argon2_is_renewed(kind: argon2.Type) -> None:
    known = argon2.PasswordHasher(2, 19_456, 1, 32, 16, type=kind).hash(PASSWORD)
    fits, newer = HASHES.check(PASSWORD.encode(), known)
    assert fits
    assert newer is not None
    assert newer.startswith("$argon2id$")


@pytest.mark.parametrize("known", OLDER)
def test_an_older_hash_is_accepted_once_and_renewed(known: str) -> None:
    assert HASHES.check((PASSWORD + "x").encode(), known) == (False, None)
    fits, newer = HASHES.check(PASSWORD.encode(), known)
    assert fits
    assert newer is not None
    assert newer.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert HASHES.check(PASSWORD.encode(), newer) == (True, None)


def test_what_bcrypt_cut_off_counts_again_after_the_renewal() -> None:
    fits, newer = HASHES.check(LONG_PASSWORD.encode(), BY_BCRYPT_LONG)
    assert fits
    assert HASHES.check(LONG_PASSWORD.encode(), newer) == (True, None)
    assert HASHES.check(("ü" * 40 + "else").encode(), newer) == (False, None)
    # A difference within the first 72 bytes is a wrong password before and after.
    wrong = "ü" * 35 + "u" + LONG_PASSWORD[36:]
    assert HASHES.check(wrong.encode(), BY_BCRYPT_LONG) == (False, None)


def test_older_kinds_are_never_made() -> None:
    assert (HASHES.make(PASSWORD.encode())).startswith("$argon2id$")
    for older in (OlderBcrypt(), OlderScrypt()):
        with pytest.raises(TypeError):
            older.hash(PASSWORD)


@pytest.mark.parametrize(
    "known",
    [
        "",
        "plain text",
        "$argon2id$",
        "$argon2id$v=19$m=19456,t=2,p=1",
        "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0",
        "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$",
        "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$not base64!",
        "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$größe",
        "$argon2id$v=19$m=0,t=0,p=0$c2FsdHNhbHRzYWx0$c2FsdHNhbHRzYWx0",
        "$argon2id$v=19$m=99999999999999999999,t=2,p=1$c2FsdHNhbHRzYWx0$c2FsdHNhbHRzYWx0",
        BY_BCRYPT_2B[:-1],
        BY_BCRYPT_2B + "\n",
        BY_BCRYPT_2B.replace("$04$", "$99$"),
        BY_BCRYPT_2B.replace("$04$", "$03$"),
        BY_BCRYPT_2B.replace("$2b$", "$2x$"),
        BY_PASSLIB[:-30],
        BY_PASSLIB[:-2],
        BY_PASSLIB[:-1],
        BY_PASSLIB.replace("ln=10", "ln=010"),
        BY_PASSLIB.replace("p=1", "p=-1"),
        BY_PASSLIB.replace("ln=10", "ln=0"),
        BY_PASSLIB.replace("r=8", "r=0"),
        BY_PASSLIB.replace("p=1", "p=0"),
        BY_DJANGO[:-1],
        BY_DJANGO.replace("$1024$", "$1023$"),
        BY_DJANGO.replace("saltsaltsalt", "\ud800"),
        BY_DJANGO.replace("1024", "١٠٢٤"),
    ],
)
def test_what_is_no_hash_fits_no_password(known: str) -> None:
    assert HASHES.check(PASSWORD.encode(), known) == (False, None)


@settings(max_examples=40, deadline=None)
@given(
    known=st.sampled_from([*OLDER[:1], *OLDER[2:]]),
    place=st.integers(min_value=0, max_value=200),
    instead=st.text(max_size=3),
)
def test_a_damaged_hash_is_no_accident(known: str, place: int, instead: str) -> None:
    damaged = known[:place] + instead + known[place + 1 :]
    fits, newer = HASHES.check(PASSWORD.encode(), damaged)
    assert fits == (newer is not None)
    # What still fits is another way to write the same: 2a for 2b, or a bit that does not count.
    assert not fits or len(damaged) == len(known)


@pytest.mark.parametrize(
    "known",
    [
        "$argon2id$v=19$m=1048576,t=1,p=1$c2FsdHNhbHRzYWx0$c2FsdHNhbHRzYWx0",
        "$argon2id$v=19$m=262144,t=4294967295,p=1$c2FsdHNhbHRzYWx0$c2FsdHNhbHRzYWx0",
        "$argon2id$v=19$m=262144,t=2,p=16384$c2FsdHNhbHRzYWx0$c2FsdHNhbHRzYWx0",
        BY_BCRYPT_2B.replace("$04$", "$31$"),
        BY_BCRYPT_2B.replace("$04$", "$16$"),
        BY_PASSLIB.replace("ln=10", "ln=18"),
        BY_PASSLIB.replace("ln=10", "ln=63"),
        BY_PASSLIB.replace("ln=10,r=8", "ln=11,r=999"),
        BY_PASSLIB.replace("ln=10", "ln=17").replace("p=1", "p=999"),
        BY_DJANGO.replace("$1024$", "$67108864$"),
    ],
)
def test_a_planted_hash_costs_no_more_than_a_wrong_password(
    known: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> bool:
        raise AssertionError("was computed")

    def wrong(_: Argon2Hasher, password: bytes, known: str) -> bool:
        checked.append(known)
        return False

    checked: list[str] = []
    monkeypatch.setattr(bcrypt, "checkpw", never)
    monkeypatch.setattr(hashlib, "scrypt", never)
    monkeypatch.setattr(Argon2Hasher, "verify", wrong)
    assert HASHES.check(PASSWORD.encode(), known) == (False, None)
    # What was computed instead is a hash of the server's own settings.
    assert len(checked) == 1
    assert checked[0].startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_the_servers_own_settings_are_always_affordable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_MOST_ARGON2_KIB", 1)
    monkeypatch.setattr(module, "_MOST_ARGON2_KIB_PASSES", 1)
    monkeypatch.setattr(module, "_MOST_ARGON2_LANES", 1)
    dear = Hashes(19_456, 3, 2)
    assert dear.check(PASSWORD.encode(), dear.make(PASSWORD.encode())) == (True, None)
    dearer = Hashes(19_457, 3, 2).make(PASSWORD.encode())
    assert dear.check(PASSWORD.encode(), dearer) == (False, None)


@pytest.mark.parametrize(("ln", "p"), [(17, 1), (13, 10)])
def test_the_scrypt_that_is_advised_is_affordable(ln: int, p: int) -> None:
    # The first and the last of OWASP's choices, with r = 8.
    digest = hashlib.scrypt(
        PASSWORD.encode(), salt=bytes(16), n=2**ln, r=8, p=p, maxmem=2**28, dklen=32
    )
    coded = base64.b64encode(digest).decode().rstrip("=")
    known = f"$scrypt$ln={ln},r=8,p={p}${'A' * 22}${coded}"
    fits, newer = HASHES.check(PASSWORD.encode(), known)
    assert fits
    assert newer is not None


def test_a_nul_does_not_end_a_password_for_bcrypt() -> None:
    known = bcrypt.hashpw(b"a\0b", bcrypt.gensalt(4)).decode()
    assert (HASHES.check(b"a\0c", known)) == (False, None)


def test_nobody_has_a_hash_that_no_password_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []
    verify = Argon2Hasher.verify

    def noting(self: Argon2Hasher, password: str | bytes, known: str | bytes) -> bool:
        checked.append(str(known))
        return verify(self, password, known)

    monkeypatch.setattr(Argon2Hasher, "verify", noting)
    assert HASHES.check(PASSWORD.encode(), None) == (False, None)
    # It was truly computed, with the same settings, or an unknown address were told by time.
    assert len(checked) == 1
    assert checked[0].startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    real = HASHES.make(PASSWORD.encode())
    assert [len(part) for part in checked[0].split("$")] == [len(part) for part in real.split("$")]
