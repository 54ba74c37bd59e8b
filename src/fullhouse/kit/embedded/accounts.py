"""Which account runs PostgreSQL, and what that account can reach.

PostgreSQL refuses to run as root, and the account it runs as owns every file of
the cluster. So this is decided once per data folder: the owner of an existing
cluster stays its owner.
"""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fullhouse.kit.embedded.errors import EmbeddedPostgresError

# Tried in this order when root names no account itself.
USUAL_ACCOUNTS = ("postgres", "nobody")


@dataclass(frozen=True)
class Account:
    """The account of the server's processes; ``drop`` when we are root and change to it."""

    name: str
    uid: int
    gid: int
    drop: bool

    def identity(self) -> dict[str, Any]:
        """Arguments for ``subprocess`` that start a child as this account.

        The group and the supplementary groups change too: a child that kept gid 0
        could still read what only root's group may read.
        """
        if not self.drop:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def account_name(uid: int) -> str:
    """Return the name of a uid, or the number itself where no entry exists."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def choose_account(wanted: str | None, cluster: Path, owner: tuple[int, int] | None) -> Account:
    """Decide who runs the server.

    ``owner`` is the (uid, gid) of an existing cluster. A normal user always runs
    it as itself and ``wanted`` has no effect; root takes ``wanted``, else the
    owner, else ``postgres``, else ``nobody``.

    Raises EmbeddedPostgresError when no suitable account exists or the cluster
    belongs to another one.
    """
    if os.geteuid() != 0:
        return _own_account(cluster, owner)
    if wanted is not None:
        account = _account_named(wanted)
        if account is None:
            raise EmbeddedPostgresError(
                f"the account {wanted!r} does not exist on this machine (or is root, "
                "as which PostgreSQL refuses to run): create it or name another one"
            )
        if owner is not None and owner[0] != account.uid:
            raise EmbeddedPostgresError(
                f"{cluster} belongs to the account {account_name(owner[0])!r}, not to "
                f"{wanted!r}: run 'chown -R {wanted}: {cluster}' or name the other account"
            )
        return account
    if owner is not None:
        if owner[0] == 0:
            raise EmbeddedPostgresError(
                f"{cluster} belongs to root, as which PostgreSQL refuses to run: "
                f"run 'chown -R nobody: {cluster}' (or another unprivileged account)"
            )
        return Account(account_name(owner[0]), owner[0], owner[1], drop=True)
    for name in USUAL_ACCOUNTS:
        account = _account_named(name)
        if account is not None:
            return account
    raise EmbeddedPostgresError(
        "PostgreSQL refuses to run as root and this machine has neither an account "
        "'postgres' nor 'nobody': create one, or start the server as a normal user"
    )


def check_can_enter(folder: Path, account: Account) -> None:
    """Raise EmbeddedPostgresError unless ``account`` can enter ``folder``.

    Permissions are only reported, never changed: a folder that was closed before
    we came may hold more than our files.
    """
    if not account.drop:
        return
    for step in reversed([folder, *folder.parents]):
        if not _can_enter(step, account):
            raise EmbeddedPostgresError(
                f"PostgreSQL runs as the account {account.name!r}, which cannot enter "
                f"{step}: allow it with 'chmod o+x {step}', or choose another --data-dir"
            )


def give(path: Path, account: Account) -> None:
    """Make ``account`` the owner of one folder or file that we created.

    Raises EmbeddedPostgresError where that is not allowed, as on many shared folders.
    """
    if not account.drop:
        return
    try:
        os.chown(path, account.uid, account.gid, follow_symlinks=False)
    except PermissionError as error:
        raise EmbeddedPostgresError(
            f"{path} cannot be given to the account {account.name!r} ({error.strerror}): choose "
            "another --data-dir, on a file system where root may do that"
        ) from error


def _own_account(cluster: Path, owner: tuple[int, int] | None) -> Account:
    uid = os.geteuid()
    if owner is not None and owner[0] != uid:
        raise EmbeddedPostgresError(
            f"{cluster} belongs to the account {account_name(owner[0])!r}: start the "
            "server as that account or as root, or choose another --data-dir"
        )
    return Account(account_name(uid), uid, os.getegid(), drop=False)


def _account_named(name: str) -> Account | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    if entry.pw_uid == 0:
        return None
    return Account(name, entry.pw_uid, entry.pw_gid, drop=True)


def _can_enter(folder: Path, account: Account) -> bool:
    status = folder.stat()
    if status.st_uid == account.uid:
        allowed = status.st_mode & 0o100
    elif status.st_gid == account.gid:
        allowed = status.st_mode & 0o010
    else:
        allowed = status.st_mode & 0o001
    if allowed:
        return True
    # An access control list may allow what the mode bits deny, and only the kernel
    # knows: ask it, but only then, because a child costs milliseconds.
    probe = subprocess.run(
        ["/bin/sh", "-c", 'cd -P -- "$1"', "sh", str(folder)],
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        **account.identity(),
    )
    return probe.returncode == 0
