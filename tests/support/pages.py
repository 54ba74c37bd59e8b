"""Pages of somebody else's, on a server of their own."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager


@asynccontextmanager
async def served_page(
    body: str, headers: Mapping[str, str] | None = None, host: str = "127.0.0.1"
) -> AsyncIterator[str]:
    """An HTML page, whatever is asked for; answers its address under the name ``host``."""
    content = f"<!doctype html><html><body>{body}</body></html>".encode()
    lines = [
        "HTTP/1.1 200 OK",
        "Content-Type: text/html; charset=utf-8",
        f"Content-Length: {len(content)}",
        "Connection: close",
        *(f"{name}: {value}" for name, value in (headers or {}).items()),
    ]
    answer = "\r\n".join(lines).encode() + b"\r\n\r\n" + content

    # Also the connections that the browser opens and does not use.
    open_ones: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_ones.add(writer)
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # nothing was asked for
        finally:
            open_ones.discard(writer)
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://{host}:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()
        for writer in open_ones:
            writer.close()
        await server.wait_closed()
