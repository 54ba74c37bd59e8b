"""Takes secrets out of what is written down: log lines, tracebacks, audit entries.

Two nets, because either alone has holes: values under keys whose names say that they are secret,
and secrets that can be recognised by their form wherever they stand. Where they err, they take out
too much (OWASP ASVS 5.0, 16.2.5: logs hold no credentials).
"""

import re
import traceback
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from textwrap import indent
from typing import Any
from uuid import UUID

REDACTED = "[redacted]"

# Nothing that is worth reading is longer, and the time for looking through it stays bounded.
MOST_CHARACTERS = 20_000
_MOST_DEPTH = 6
_MOST_LINKS = 20

# Anywhere in a key, however it is spelled: accessToken, new_password, X-Api-Key.
_SECRET_PARTS = (
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "jwt",
    "authorization",
    "cookie",
    "credential",
    "challenge",
    "idempotency",
    "signature",
    "apikey",
    "accesskey",
    "encryptionkey",
    "privatekey",
    "signingkey",
    "inputvalue",  # what pydantic was given
)
# As a word of its own: "otp" is also in "hotpath".
_SECRET_WORDS = frozenset({"otp", "totp", "pin", "pwd", "nonce", "verifier", "assertion"})
# What kinds of code are no secret; any other may open a door.
_PLAIN_CODES = frozenset(
    {"country", "currency", "error", "exit", "http", "language", "postal", "return", "status"}
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")

# What PostgreSQL, asyncpg and SQLAlchemy say of the values that they were given: all to the end,
# because a value may hold any text, line breaks too.
_DETAIL = re.compile(r"(?:\n|\\{1,8}n)?(?:DETAIL:\s|\[parameters: ).*", re.DOTALL)
_ARGUMENT = re.compile(
    r"(query argument \$\d{1,5}|invalid input (?:syntax|value) for [\w ]{1,80}):\s.*", re.DOTALL
)

# Each pattern takes what it starts, so that a hostile text cannot make it look twice.
_FORMS = re.compile(
    # Signed and encrypted tokens (RFC 7515): "eyJ" is how {" begins in base64.
    r"eyJ[\w.%-]{8,}"
    # Our keys and refresh tokens, Standard Webhooks, Stripe, Google.
    r"|(fh[kr]_|whsec_|[rs]k_(?:live|test)_|GOCSPX-|ya29\.)[\w.~+/=%-]+"
)
_BEARER = re.compile(r"\b(bearer[\s:=]{1,8})[^\s,;\"'<>]{8,}", re.IGNORECASE)
_URL = re.compile(r"(://[^\s/@:\"'<>]{0,256}):[^\s\"'<>]{1,512}@")
_HEADER = re.compile(
    r"\b((?:set-)?cookie|(?:proxy-)?authorization)(\s{0,3}[:=]\s{0,3})(?=[^\s\"'])[^\r\n]+",
    re.IGNORECASE,
)
# name='value', "name": "value", ('name', 'value'), name=value, name: value, also escaped.
_KEY = re.compile(
    r"(?<![\w-])([\w-]{1,64})"
    r"(?:\\{0,8}[\"']?\s{0,3}[:=]\s{0,3}|\\{0,8}[\"'],\s{0,3}(?=[bru]?\\{0,8}[\"']))"
)
# Quoted; quoted without an end that can be seen; or one word.
_VALUE = re.compile(
    r"[bru]?\"(?:[^\"\\\n]|\\[^\n])*\"|[bru]?'(?:[^'\\\n]|\\[^\n])*'"
    r"|[bru]?\\{0,8}[\"'][^\n]*"
    r"|[^\s,;&\"'()\[\]{}<>\\]+"
)


@lru_cache(4_096)
def names_secret(key: str) -> bool:
    """Whether what stands under this key is nobody's business, by the key's name."""
    words = [word.lower() for word in _WORD.findall(key)]
    flat = "".join(words)
    if any(part in flat for part in _SECRET_PARTS) or not _SECRET_WORDS.isdisjoint(words):
        return True
    return any(
        word in ("code", "codes") and (before not in _PLAIN_CODES)
        for before, word in zip(["", *words], words, strict=False)
    )


def scrub(text: str) -> str:
    """The text without the secrets that can be recognised in it, and not longer than is read."""
    if len(text) > MOST_CHARACTERS:
        text = f"{text[:MOST_CHARACTERS]}…"
    text = _DETAIL.sub("", text)
    text = _ARGUMENT.sub(rf"\1: {REDACTED}", text)
    text = _FORMS.sub(lambda found: (found[1] or "") + REDACTED, text)
    text = _BEARER.sub(rf"\1{REDACTED}", text)
    text = _URL.sub(rf"\1:{REDACTED}@", text)
    text = _HEADER.sub(rf"\1\2{REDACTED}", text)
    return _scrub_pairs(text)


def _scrub_pairs(text: str) -> str:
    """Without the values that follow names of secrets; values of others are looked into."""
    kept: list[str] = []
    copied = position = 0
    while found := _KEY.search(text, position):
        position = found.end()
        if names_secret(found[1]) and (value := _VALUE.match(text, position)):
            kept += [text[copied:position], REDACTED]
            copied = position = value.end()
    return "".join([*kept, text[copied:]])


def redact(value: Any, key: str = "", depth: int = 0) -> Any:
    """The value as it may be logged; what stands under a key that names a secret is replaced.

    Containers become dicts and lists; objects become their scrubbed ``repr``.
    """
    if value is None or isinstance(value, bool):
        return value
    if depth > _MOST_DEPTH or (key and names_secret(key)):
        return REDACTED
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, (int, float, Decimal, UUID, date, datetime)):
        return value
    if isinstance(value, bytes):
        return scrub(value.decode("utf-8", "replace"))
    if isinstance(value, Mapping):
        return {
            redact(name, "", depth + 1): redact(inner, _as_key(name), depth + 1)
            for name, inner in value.items()
        }
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], (str, bytes)):
        # A header as ASGI has it.
        return [redact(value[0], "", depth + 1), redact(value[1], _as_key(value[0]), depth + 1)]
    if isinstance(value, (list, tuple, set, frozenset)):
        return [redact(inner, "", depth + 1) for inner in value]
    if isinstance(value, BaseException):
        return f"{type(value).__name__}: {message_of(value)}"
    return scrub(repr(value))


def _as_key(name: Any) -> str:
    return name.decode("latin-1") if isinstance(name, bytes) else str(name)


def message_of(error: BaseException) -> str:
    """What an exception says, without secrets and without values that a database names."""
    if _sqlstate(error).startswith("22"):
        # Class 22, data exceptions: the message is about a value and quotes it, in any language.
        return REDACTED
    try:
        return scrub(str(error))
    except Exception:
        return "[no message can be had]"


def _sqlstate(error: BaseException) -> str:
    """The SQLSTATE of asyncpg's errors, and of what SQLAlchemy makes of them."""
    for one in (error, getattr(error, "orig", None), getattr(error, "__cause__", None)):
        state = getattr(one, "sqlstate", None)
        if isinstance(state, str):
            return state
    return ""


def traceback_of(error: BaseException) -> str:
    """The traceback as Python prints it, each message scrubbed, never with local variables."""
    return _traceback(error, set())


def _traceback(error: BaseException, seen: set[int]) -> str:
    texts: list[str] = []
    link = ""
    for one, next_link in _chain(error, seen):
        texts.append(link + _own_traceback(one, seen))
        link = next_link
    return "".join(texts).rstrip("\n")


def _chain(error: BaseException, seen: set[int]) -> list[tuple[BaseException, str]]:
    """The exceptions that led here, the oldest first, each with what leads to the next.

    Those that were shown already are left out.
    """
    found = [(error, "")]
    seen.add(id(error))
    while len(found) < _MOST_LINKS:
        newest = found[-1][0]
        if newest.__cause__ is not None:
            earlier, link = newest.__cause__, "The above exception was the direct cause of"
        elif newest.__context__ is not None and not newest.__suppress_context__:
            earlier, link = newest.__context__, "While the above exception was handled came"
        else:
            break
        if id(earlier) in seen:
            break
        seen.add(id(earlier))
        found.append((earlier, f"\n{link} the following:\n\n"))
    found.reverse()
    return found


def _own_traceback(error: BaseException, seen: set[int]) -> str:
    kind = type(error)
    name = kind.__qualname__
    if kind.__module__ not in ("builtins", "__main__"):
        name = f"{kind.__module__}.{name}"
    lines = ["Traceback (most recent call last):\n", *traceback.format_tb(error.__traceback__)]
    if error.__traceback__ is None:
        lines.clear()
    message = message_of(error)
    lines.append(f"{name}: {message}\n" if message else f"{name}\n")
    lines += [f"{scrub(str(note))}\n" for note in getattr(error, "__notes__", ())]
    if isinstance(error, BaseExceptionGroup):
        for number, inner in enumerate(error.exceptions[:_MOST_LINKS], 1):
            lines.append(f"  {number}:\n{indent(_traceback(inner, seen), '  | ')}\n")
    return "".join(lines)
