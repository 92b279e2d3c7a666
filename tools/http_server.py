"""A small HTTP/1.1 server over asyncio, enough to stand in for an inference engine.

Python's own http.server takes a thread for each connection and cannot notice a client that leaves
while an answer is being thought of; both matter for an upstream of streams.
"""

import asyncio
import json
import socket
import time
from dataclasses import dataclass, field

HEAD_BYTES_MAX = 64 * 1024
REASONS = {200: "OK", 204: "No Content", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found",
           405: "Method Not Allowed", 429: "Too Many Requests", 500: "Internal Server Error",
           503: "Service Unavailable"}


@dataclass
class Request:
    method: str
    target: str
    headers: list           # [(lower-case name, value)] in the order they came
    body: bytes = b""
    arrived: float = field(default_factory=time.monotonic)
    client_closed: float | None = None      # the client left before the answer was over

    @property
    def path(self):
        return self.target.split("?", 1)[0]

    def header(self, name, default=None):
        return next((value for key, value in self.headers if key == name), default)

    def json(self):
        return json.loads(self.body)


class Answer:
    """What a handler writes to: one `send`, or `begin` followed by pieces and `end`."""

    def __init__(self, writer):
        self._writer = writer
        self.keeps_connection = True

    async def send(self, status, body, content_type="application/json", headers=()):
        if not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        if isinstance(body, str):
            body = body.encode()
        self._head(status, content_type, [*headers, ("content-length", str(len(body)))])
        self._writer.write(body)
        await self._writer.drain()

    async def begin(self, status=200, content_type="text/event-stream; charset=utf-8", headers=()):
        self._head(status, content_type, [*headers, ("transfer-encoding", "chunked")])
        await self._writer.drain()

    async def piece(self, data):
        self._writer.write(chunk_of(data))
        await self._writer.drain()

    async def event(self, data, name=None):
        text = data if isinstance(data, str) else json.dumps(data)
        await self.piece((f"event: {name}\n" if name else "") + f"data: {text}\n\n")

    async def end(self, last_event=None):
        """`last_event` leaves together with the end: a client may go as soon as it has that."""
        last = chunk_of(f"data: {last_event}\n\n") if last_event else b""
        self._writer.write(last + b"0\r\n\r\n")
        await self._writer.drain()

    def cut(self):
        """Ends the connection in the middle of the answer."""
        self.keeps_connection = False

    def _head(self, status, content_type, headers):
        lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Unknown')}",
                 f"content-type: {content_type}"]
        lines += [f"{name}: {value}" for name, value in headers]
        self._writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))


def chunk_of(data):
    if isinstance(data, str):
        data = data.encode()
    return b"%x\r\n%s\r\n" % (len(data), data)


async def read_request(reader, first_byte):
    """The next request of a connection, or None when it has ended."""
    try:
        head = first_byte + await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    request_line, *lines = head.decode("latin-1").strip().split("\r\n")
    method, target, _ = request_line.split(" ", 2)
    pairs = [line.split(":", 1) for line in lines]
    request = Request(method, target, [(name.lower(), value.strip()) for name, value in pairs])
    if request.header("transfer-encoding") == "chunked":
        while size := int((await reader.readline()).split(b";")[0], 16):
            request.body += (await reader.readexactly(size + 2))[:-2]
        while (await reader.readline()).strip():
            pass
    elif length := int(request.header("content-length", "0")):
        request.body = await reader.readexactly(length)
    return request


async def serve_connection(handler, reader, writer):
    first_byte = b""
    try:
        while request := await read_request(reader, first_byte):
            answer = Answer(writer)
            work = asyncio.ensure_future(handler(request, answer))
            leaving = asyncio.ensure_future(reader.read(1))
            await asyncio.wait({work, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done() and (leaving.exception() or not leaving.result()):
                request.client_closed = time.monotonic()
                work.cancel()
            leaving.cancel()
            await asyncio.wait({work, leaving})
            if work.cancelled():
                return
            work.result()
            if not answer.keeps_connection:
                return
            first_byte = b"" if leaving.cancelled() else leaving.result()
    except (ConnectionError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


async def start(handler, host="127.0.0.1", port=0, ssl=None):
    """Starts to serve: `handler(request, answer)` is awaited for each request."""

    async def connected(reader, writer):
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            await serve_connection(handler, reader, writer)
        except asyncio.CancelledError:
            pass    # the program ends; asyncio would print a trace of each connection

    return await asyncio.start_server(connected, host, port, limit=HEAD_BYTES_MAX, backlog=1024,
                                      ssl=ssl)
