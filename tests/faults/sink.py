"""A webhook receiver that writes down every arrival, verified with the official library."""

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook


@dataclass
class Sink:
    """Arrivals by `webhook-id`: when each was sent, by its own header.

    That is a whole second, at most one before the true instant; the arrival itself may be noted after its sender died.
    """

    url: str
    secret: str = ""
    sent: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    unverified: list[str] = field(default_factory=list)

    def took(self, body: bytes, headers: dict[str, str]) -> None:
        try:
            Webhook(self.secret).verify(body, headers)
        except Exception as error:  # noqa: BLE001 - the test wants to see whatever it is
            self.unverified.append(repr(error))
        self.sent[headers["webhook-id"]].append(float(headers["webhook-timestamp"]))


@contextmanager
def listening() -> Iterator[Sink]:
    """A sink on a free port of loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            sink.took(body, {name.lower(): value for name, value in self.headers.items()})
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
            """Say nothing: the arrivals are the record."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    sink = Sink(f"http://127.0.0.1:{server.server_port}/hook")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield sink
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
