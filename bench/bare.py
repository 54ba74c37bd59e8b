"""The limit of a cached read: the same framework and server, and nothing of Fullhouse.

``python -m bench.bare PORT FILE`` answers every GET of /api/v1/events with the file's bytes.
"""

import gc
import multiprocessing
import sys
from functools import partial
from pathlib import Path

from litestar import Litestar, get

from fullhouse import server
from fullhouse import settings as fullhouse_settings
from fullhouse.failures import Failure


def load(file: Path) -> Litestar:
    """The application of the worker."""
    body = file.read_bytes()

    @get("/api/v1/events", media_type="application/json")
    async def events() -> bytes:
        return body

    application = Litestar([events], openapi_config=None, logging_config=None)
    # As Fullhouse's own workers do: the limit shall not be lower than it could be.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    return application


def main(port: str, file: str) -> None:
    """Serve until SIGTERM, under exactly the options that Fullhouse gives to granian."""
    settings = fullhouse_settings.load(port=port)
    try:
        # Granian itself would share a port that is taken, and half of the load would go there.
        address, holder = server.hold_port(settings.host, settings.port)
    except Failure as failure:
        sys.exit(str(failure))
    multiprocessing.set_start_method("spawn", force=True)
    with holder:
        granian = server.granian_for(settings, address, reload=False)
        granian.serve(target_loader=partial(load, Path(file)), wrap_loader=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
