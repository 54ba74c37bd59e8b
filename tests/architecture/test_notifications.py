"""What is announced is also written down, or answers shared by processes would outlive it."""

from pathlib import Path

import fullhouse

_SOURCE = Path(fullhouse.__file__).parent

# Where PostgreSQL is told to notify. The selling core announces sales without writing them down
# (``unwritten`` in ``parts.py``): a row for each batch would be work on the hottest path.
_ALLOWED = {"kit/changes.py", "bookings/store/save.py"}


def test_nobody_notifies_past_the_kit() -> None:
    found = {
        str(file.relative_to(_SOURCE))
        for file in _SOURCE.rglob("*")
        if file.suffix in (".py", ".sql")
        and any(sign in file.read_text().lower() for sign in ("pg_notify", '"notify ', "notify {"))
    }
    assert found == _ALLOWED
