"""Identities: UUIDv7 for rows, short codes for people."""

import secrets
from uuid import UUID

import uuid_utils
from uuid_utils.compat import uuid7

# Crockford's base 32: no I, L, O or U, so that a code survives being read out on the phone.
_CODE_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CODE_LENGTH = 10


def new_id() -> UUID:
    """A new UUIDv7 (RFC 9562): unique everywhere, and ordered by time to the millisecond.

    Made here and not in SQL, because PostgreSQL has ``uuidv7()`` only from 18 on.
    """
    return uuid7()


def new_id_text() -> str:
    """The same as text, at a tenth of the cost: for ids that are only ever written out."""
    return str(uuid_utils.uuid7())


def new_code() -> str:
    """A random code of ten characters for people to read out, type and print (50 bits)."""
    bits = secrets.randbits(5 * _CODE_LENGTH)
    return "".join(_CODE_ALPHABET[bits >> shift & 31] for shift in range(0, 5 * _CODE_LENGTH, 5))
