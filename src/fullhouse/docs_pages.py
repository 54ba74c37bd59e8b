"""The reference pages that are made from the code: ``python -m fullhouse.docs_pages``.

Writes ``errors.md``, ``permissions.md`` and ``settings.md`` into ``docs/reference``.
``tests/contract/test_docs.py`` fails while the files there say something else than the code.
"""

import argparse
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from fullhouse.accounts import errors as accounts_errors
from fullhouse.api import errors as api_errors
from fullhouse.api import idempotency, permissions
from fullhouse.api.errors import STATUS_OF_KIND
from fullhouse.api.permissions import Permission
from fullhouse.bookings import errors as bookings_errors
from fullhouse.catalog import errors as catalog_errors
from fullhouse.kit.errors import Code
from fullhouse.media import errors as media_errors
from fullhouse.settings import PREFIX, Settings
from fullhouse.venues import errors as venues_errors

FOLDER = Path("docs/reference")

# In the order in which a newcomer meets them; the test holds it complete.
CODES_BY_PART: dict[str, tuple[Code, ...]] = {
    "Every route": api_errors.CODES,
    "Idempotency keys": idempotency.CODES,
    "Accounts": accounts_errors.CODES,
    "Pictures": media_errors.CODES,
    "Venues": venues_errors.CODES,
    "Catalogue": catalog_errors.CODES,
    "Bookings": bookings_errors.CODES,
}

_MADE = "<!-- Made by python -m fullhouse.docs_pages: change the code and run it again. -->"

_ERRORS_INTRO = """\
Every refusal is `application/problem+json` ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)):

```json
{
  "type": "/docs/errors#sold_out",
  "title": "Conflict",
  "status": 409,
  "code": "sold_out",
  "detail": "There are not enough free places, or others are waiting for them.",
  "remedy": "Ask for no more places than the available member says, for another category …",
  "requestId": "01995d3e-7b1c-7a50-9a52-0c7f6f0f2d11"
}
```

Programs read `code`, which stays; people read `detail` and `remedy`, which may change. `requestId`
finds the request in the logs and is also the answer's `X-Request-Id`. `errors` lists wrong fields,
each with a JSON Pointer ([RFC 6901](https://www.rfc-editor.org/rfc/rfc6901)) or the parameter's
name as `pointer` and what is wrong as `detail`. Some codes add members of their own, named in the
tables.

A refusal with a status below 500 has changed nothing. After 500 and 503 that may be unknown:
repeat the request with the same `Idempotency-Key`, after the seconds in `Retry-After` of a 503.

A running server shows the same list at `/docs/errors`.
"""

_SETTINGS_INTRO = f"""\
Each setting is a variable of the environment whose name begins with `{PREFIX}`; what the commands
take as an option wins over it. A wrong one stops the start with a line that names it.
"""


_PERMISSIONS_INTRO = """\
Each route asks for nothing, for somebody who is signed in, for a platform role, or for a
permission in the organization that its object belongs to. A permission comes from the role as a
member of that organization, from the platform role, or with an [API key](../howto/api-keys.md) as
one of its scopes. Roles count as the database has them: a change holds from the next request on.

Without the permission the answer is 403 `forbidden`. For those who have no part in the
organization, what is not public does not exist: 404 `not_found`.

What is one's own needs no permission: the account, bookings, places in line, favourites.
"""

_MEMBERS_INTRO = """\
Given with the invitation, and for each organization apart. Whoever founds one is its owner.
"""

_PLATFORM_INTRO = """\
Everybody has one of them, on the whole platform. People register as `USER`, or as `ORGANIZER`
where that is open; administrators give the others (`PATCH /api/v1/admin/users/{id}`). With
`FULLHOUSE_ADMIN_SECOND_FACTOR=true`, an administrator whose session began without a second factor
counts as a `USER` in it.
"""


def pages() -> dict[str, str]:
    """The text of each page by its file name."""
    return {
        "errors.md": errors_page(),
        "permissions.md": permissions_page(),
        "settings.md": settings_page(),
    }


def errors_page() -> str:
    """All error codes with status, cause and remedy, part by part."""
    parts = [_MADE, "", "# Error codes", "", _ERRORS_INTRO]
    for part, codes in CODES_BY_PART.items():
        rows = (_code_row(code) for code in sorted(codes, key=lambda code: code.name))
        parts += [f"## {part}", "", *_table(("code", "status", "cause", "remedy"), rows), ""]
    return "\n".join(parts)


def permissions_page() -> str:
    """All permissions, and the roles with what they may do."""
    meanings = permissions.MEANING_OF_PERMISSION
    parts = [_MADE, "", "# Permissions", "", _PERMISSIONS_INTRO]
    rows = (
        (f"`{one}`", meanings[one], "yes" if one in permissions.KEY_SCOPES else "")
        for one in Permission
    )
    parts += [*_table(("permission", "what it opens", "scope of keys"), rows), ""]
    parts += ["## Members of an organization", "", _MEMBERS_INTRO]
    parts += _roles(permissions.MEANING_OF_MEMBER_ROLE, permissions.OF_MEMBER)
    parts += ["## Platform roles", "", _PLATFORM_INTRO]
    parts += _roles(permissions.MEANING_OF_PLATFORM_ROLE, permissions.OF_PLATFORM_ROLE)
    return "\n".join(parts)


def settings_page() -> str:
    """All settings with what they take and what they are when nobody sets them."""
    rows = (_setting_row(name, field) for name, field in Settings.model_fields.items())
    table = _table(("variable", "takes", "default", "what it does"), rows)
    return "\n".join([_MADE, "", "# Settings", "", _SETTINGS_INTRO, *table, ""])


def write(folder: Path) -> list[Path]:
    """Write all pages into the folder, which is made if need be; answers the files."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")
        written.append(folder / name)
    return written


def _code_row(code: Code) -> tuple[str, ...]:
    status = STATUS_OF_KIND[code.kind]
    return f"`{code.name}`", f"{int(status)} {status.phrase}", code.cause, code.remedy


def _roles(
    meanings: Mapping[str, str], allowed: Mapping[str, frozenset[Permission]]
) -> Iterator[str]:
    """What each role is for, and a table of what it may do."""
    yield from _table(("role", "who that is"), ((f"`{role}`", meanings[role]) for role in meanings))
    yield ""
    head = ("permission", *(f"`{role}`" for role in meanings))
    rows = (
        (f"`{one}`", *("yes" if one in allowed[role] else "" for role in meanings))
        for one in Permission
    )
    yield from _table(head, rows)
    yield ""


def _setting_row(name: str, field: FieldInfo) -> tuple[str, ...]:
    return f"`{PREFIX}{name.upper()}`", _takes(field), _default(field), field.description or ""


def _takes(field: FieldInfo) -> str:
    kind: Any = field.annotation
    if get_origin(kind) is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(kind))
    if kind is bool:
        return "`true`, `false`"
    if kind in (int, float):
        return f"a number{''.join(_bounds(field))}"
    return "a folder" if kind is Path else "a text"


def _bounds(field: FieldInfo) -> Iterator[str]:
    words = {"ge": "from", "gt": "above", "le": "to", "lt": "below"}
    for rule in field.metadata:
        for attribute, word in words.items():
            if hasattr(rule, attribute):
                yield f" {word} {getattr(rule, attribute)}"


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "as described"
    if field.default is None:
        return "unset"
    return f"`{str(field.default).lower() if isinstance(field.default, bool) else field.default}`"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    for row in (head, ("---",) * len(head), *rows):
        cells = (cell.replace("|", r"\|").replace("<", "&lt;") for cell in row)
        yield f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="python -m fullhouse.docs_pages",
        description="Write the reference pages that are made from the code.",
    )
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER, help=f"[{FOLDER}]")
    for path in write(parser.parse_args().folder):
        print(path)
