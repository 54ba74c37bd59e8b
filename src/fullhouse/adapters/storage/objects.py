"""Objects in a folder or a bucket, by way of obstore."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

import structlog
from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store

from fullhouse.media.storage import StorageUnavailable, Stored

if TYPE_CHECKING:
    from obstore import Attributes

log = structlog.get_logger(__name__)

T = TypeVar("T")
Store = LocalStore | S3Store

_AT_ONCE = 16
# A request of a person waits for it, so it is given up soon; jobs come again.
_CONNECT_SECONDS = timedelta(seconds=3)
_LONGEST_SECONDS = timedelta(seconds=10)
_RETRIES = 2

# Variants never change, and whoever reads them past us may know it.
_FOR_GOOD = "public, max-age=31536000, immutable"


class ObjectStorage:
    """A :class:`fullhouse.media.storage.Storage`.

    obstore's own asynchronous calls end on threads of its own, which abort the whole process when
    it happens to end at that moment; so its other ones are called, on threads of ours.

    Args:
        make: makes the store when it is first needed.
        public_url: under which everybody can read its objects, without a slash at the end.
        described: whether it keeps an object's type and how long it may be cached.
    """

    def __init__(
        self, make: Callable[[], Store], public_url: str | None, *, described: bool = False
    ) -> None:
        self._make = make
        self._made: Store | None = None
        self._public_url = public_url
        self._described = described
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="storage")

    async def put(self, key: str, data: bytes, content_type: str) -> None:
        """Keep the object: whole or not at all, in the place of an earlier one."""
        attributes: Attributes = {"Content-Type": content_type, "Cache-Control": _FOR_GOOD}

        def put(store: Store) -> None:
            described = attributes if self._described else None
            store.put(key, data, attributes=described, use_multipart=False)

        await self._do(put)

    async def get(self, key: str) -> bytes | None:
        """The object, None if there is none."""

        def get(store: Store) -> bytes | None:
            try:
                return bytes(store.get(key).bytes())
            except FileNotFoundError:
                return None

        return await self._do(get)

    async def delete(self, keys: Sequence[str]) -> None:
        """Remove these objects, as far as they are there."""

        def delete(store: Store) -> None:
            for key in keys:
                with contextlib.suppress(FileNotFoundError):
                    store.delete(key)

        await self._do(delete)

    async def list(self, folder: str) -> list[Stored]:
        """Every object in the folder."""

        def list_all(store: Store) -> list[Stored]:
            return [
                Stored(found["path"], found["last_modified"])
                for batch in store.list(folder)
                for found in batch
            ]

        return await self._do(list_all)

    def public_url(self, key: str) -> str | None:
        """Where everybody can read the object past this server; None if that is not so."""
        return None if self._public_url is None else f"{self._public_url}/{key}"

    def close(self) -> None:
        """Begin nothing more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _do(self, work: Callable[[Store], T]) -> T:
        def do() -> T:
            try:
                if self._made is None:
                    self._made = self._make()
                return work(self._made)
            except (BaseError, OSError, ValueError) as error:
                # What it says may name addresses and accounts, so the log has the kind.
                log.warning("storage_failed", kind=type(error).__name__)
                raise StorageUnavailable(type(error).__name__) from None

        return await asyncio.get_running_loop().run_in_executor(self._threads, do)


def folder(path: Path) -> Callable[[], LocalStore]:
    """A folder of this machine, which only the server's account may enter."""

    def make() -> LocalStore:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return LocalStore(path, automatic_cleanup=False)

    return make


def bucket(
    name: str, *, endpoint: str | None, region: str, keys: tuple[str, str] | None, path_style: bool
) -> Callable[[], S3Store]:
    """A bucket of a storage that speaks S3; without ``keys`` with those that the machine has."""
    if endpoint is not None and not path_style:
        parts = urlsplit(endpoint)
        endpoint = parts._replace(netloc=f"{name}.{parts.netloc}").geturl()

    def make() -> S3Store:
        return S3Store(
            name,
            config={
                "region": region,
                "virtual_hosted_style_request": not path_style,
                # Not everybody who speaks S3 knows how to remove several at once.
                "disable_bulk_delete": True,
                **({"endpoint": endpoint} if endpoint else {}),
                **(
                    {"access_key_id": keys[0], "secret_access_key": keys[1]}
                    if keys is not None
                    else {}
                ),
            },
            client_options={
                "allow_http": endpoint is not None and endpoint.startswith("http://"),
                "connect_timeout": _CONNECT_SECONDS,
                "timeout": _LONGEST_SECONDS,
            },
            retry_config={"max_retries": _RETRIES, "retry_timeout": _LONGEST_SECONDS},
        )

    return make
