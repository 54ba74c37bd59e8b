"""The second factor: TOTP (RFC 6238) from an authenticator app, and recovery codes without one."""

import hashlib
import hmac
import secrets
from datetime import datetime
from uuid import UUID

import pyotp
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

# RFC 4226 §4 R6: 160 bits are advised, and they fill the block of base 32.
_SECRET_CHARACTERS = 32
_STEP_SECONDS = 30  # RFC 6238 §5.2, and what every app takes for granted
# One step on either side, for clocks that differ and for people who type slowly.
_WINDOW = (-1, 0, 1)
_ISSUER = "Fullhouse"

RECOVERY_CODES = 10
_RECOVERY_GROUPS = 6
_RECOVERY_GROUP_LENGTH = 4  # 6 × 4 characters of 5 bits are 120 bits
# Crockford's base 32: what looks alike is taken for the same when it is typed.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LOOKS_ALIKE = str.maketrans("OIL", "011")

_FORM = b"\x01"  # of what SecretSeal writes, so that another one can follow
_NONCE_BYTES = 12
_KEY_BYTES = 32


class SealBroken(Exception):
    """A sealed secret cannot be opened: of another user, changed, or of another server's secret."""


def new_totp_secret() -> str:
    """A new secret of 160 bits for an authenticator app, in base 32."""
    return pyotp.random_base32(_SECRET_CHARACTERS)


def otpauth_uri(secret: str, account: str) -> str:
    """What the QR code for the app says; ``account`` tells it from others there."""
    return pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=_ISSUER)


def matched_step(secret: str, code: str, now: datetime) -> int | None:
    """Which time step a typed code belongs to; None if to none around ``now``.

    A code is good once (RFC 6238 §5.2): keep the step with the user, and refuse one that is not
    later than the last. Spaces and hyphens in the code do not count. Takes the same time whether
    and wherever it matches. ``now`` must know its time zone.
    """
    typed = _only_letters_and_digits(code).encode("utf-8", "surrogatepass")
    totp = pyotp.TOTP(secret, interval=_STEP_SECONDS)
    current = int(now.timestamp()) // _STEP_SECONDS
    matched = None
    for step in (current + offset for offset in _WINDOW):
        if hmac.compare_digest(totp.generate_otp(step).encode(), typed):
            matched = step
    return matched


class SecretSeal:
    """Encrypts TOTP secrets for the database: AES-256-GCM, bound to their user.

    A copy of the database gives no secret away, and one user's row put in another's place is
    noticed. Once the server's secret is replaced, what was sealed before cannot be opened.

    Args:
        secret: the server's secret; the key is derived from it by HKDF (RFC 5869).
    """

    def __init__(self, secret: str) -> None:
        derive = HKDF(SHA256(), _KEY_BYTES, salt=None, info=b"fullhouse second factor secret")
        self._cipher = AESGCM(derive.derive(secret.encode()))

    def seal(self, user_id: UUID, totp_secret: str) -> bytes:
        """The secret as it may be kept with the user."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _FORM + nonce + self._cipher.encrypt(nonce, totp_secret.encode(), user_id.bytes)

    def open(self, user_id: UUID, sealed: bytes) -> str:
        """The user's secret again; raises SealBroken."""
        form, nonce, rest = sealed[:1], sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            if form != _FORM:
                raise SealBroken("of an unknown form")
            return self._cipher.decrypt(nonce, rest, user_id.bytes).decode()
        except (InvalidTag, ValueError):
            raise SealBroken("not sealed for this user by this server") from None


def new_recovery_codes() -> tuple[str, ...]:
    """Ten codes of 120 bits, each good once, for the day when the app is gone."""
    return tuple(_new_recovery_code() for _ in range(RECOVERY_CODES))


def hash_recovery_code(code: str) -> bytes:
    """What to keep of a code: its SHA-256, 32 bytes; 120 bits need no slow hash (ASVS 6.5.2).

    The same for every way of typing it: case, spaces and hyphens do not count, nor does O for
    0, and I or L for 1.
    """
    plain = _only_letters_and_digits(code).upper().translate(_LOOKS_ALIKE)
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).digest()


def _new_recovery_code() -> str:
    groups = (
        "".join(secrets.choice(_ALPHABET) for _ in range(_RECOVERY_GROUP_LENGTH))
        for _ in range(_RECOVERY_GROUPS)
    )
    return "-".join(groups)


def _only_letters_and_digits(typed: str) -> str:
    return "".join(character for character in typed if character.isalnum())
