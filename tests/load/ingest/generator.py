"""The load generator, a process of its own: kept connections, each sending its next request when the last is answered.

It speaks just enough HTTP for the one answer it expects, on raw sockets, so that it is not what is being measured:
about 8 µs a request. Prints what it saw as one line of JSON.
"""

import argparse
import asyncio
import json
import time
from itertools import count, cycle

import uvloop

from tests.load.ingest.traffic import Size, requests, size_of

EXPECTED = b'{"success":true}'


class UnexpectedAnswer(Exception):
    """The server answered something else, or hung up."""


class Connection(asyncio.Protocol):
    """One connection; `delays` are the seconds from each request to its answer.

    It sends the next request when the last is answered, but not before `every` seconds have passed since that was due.
    """

    def __init__(self, bodies: list[bytes], first: int, every: float) -> None:
        self._requests = cycle(bodies[first:] + bodies[:first])
        self._answer = b""
        self._sent_at = self._due_at = 0.0
        self._every = every
        self._sending = True
        self.delays: list[float] = []
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # it is TCP
        self._transport = transport
        self._due_at = asyncio.get_running_loop().time()
        self._send()

    def data_received(self, data: bytes) -> None:
        self._answer += data
        if not self._answer.startswith(b"HTTP/1.1 200"):
            self._end(UnexpectedAnswer(self._answer.decode(errors="replace")))
        elif self._answer.endswith(EXPECTED):
            self.delays.append(time.perf_counter() - self._sent_at)
            self._answer = b""
            if self._every:
                self._due_at += self._every
                asyncio.get_running_loop().call_at(self._due_at, self._go_on)
            else:
                self._go_on()

    def connection_lost(self, _: Exception | None) -> None:
        if not self.ended.done():
            self._end(UnexpectedAnswer("the server hung up"))

    def stop(self) -> None:
        """Send no more; the last request is still waited for."""
        self._sending = False

    def _go_on(self) -> None:
        if self._sending:
            self._send()
        else:
            self._end(None)

    def _send(self) -> None:
        self._sent_at = time.perf_counter()
        self._transport.write(next(self._requests))

    def _end(self, error: UnexpectedAnswer | None) -> None:
        if not self.ended.done():
            if error is None:
                self.ended.set_result(None)
            else:
                self.ended.set_exception(error)
        self._transport.close()


async def generate(port: int, key: str, size: Size, seconds: float, rate: float = 0) -> dict[str, float]:
    """Send for that many seconds; answers events, requests, seconds and delays (p50, p99) in seconds.

    `rate` is the most events a second; 0: as many as the server takes.
    """
    loop = asyncio.get_running_loop()
    bodies = requests(size, key)
    numbers = count()
    every = size.connections * size.events / rate if rate else 0.0
    began = time.perf_counter()
    connections = [
        (await loop.create_connection(lambda: Connection(bodies, next(numbers), every), "127.0.0.1", port))[1]
        for _ in range(size.connections)
    ]
    failed = asyncio.gather(*(connection.ended for connection in connections))
    await asyncio.wait([failed], timeout=seconds)
    for connection in connections:
        connection.stop()
    await failed
    delays = sorted(delay for connection in connections for delay in connection.delays)
    return {
        "seconds": time.perf_counter() - began,
        "requests": len(delays),
        "events": len(delays) * size.events,
        "p50": delays[len(delays) // 2],
        "p99": delays[len(delays) * 99 // 100],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("key")
    parser.add_argument("events", type=int)
    parser.add_argument("seconds", type=float)
    parser.add_argument("--rate", type=float, default=0, help="the most events a second (default: no limit)")
    wanted = parser.parse_args()
    size = size_of(wanted.events)
    print(json.dumps(uvloop.run(generate(wanted.port, wanted.key, size, wanted.seconds, wanted.rate))))


if __name__ == "__main__":
    main()
