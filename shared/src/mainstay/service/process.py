"""The command line of a service: python -m <service> {serve,work,migrate}."""

import argparse
import gc
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol, TypeVar

from mainstay.db.migrate import History, migrate
from mainstay.observability.logs import configure_logging
from mainstay.observability.tracing import configure_tracing
from mainstay.settings import SharedSettings, load
from mainstay.web.serving import Background, Listener, run_process, run_service


class ServiceSettings(SharedSettings):
    """The settings of one service, besides those that all share: where it listens."""

    port: int
    work_port: int


class CannotStart(Exception):
    """Something that the operator wrote is wrong; the text says what, in one line."""


class Service(Protocol):
    """What a service's bootstrap makes of its settings."""

    def app(self) -> Any:
        """The ASGI application that `serve` listens with."""

    def work_app(self) -> Any:
        """The ASGI application with the operational routes, for a process that only works."""

    def serving(self) -> dict[str, Background]:
        """What runs beside the HTTP server."""

    def working(self) -> dict[str, Background]:
        """Consumers, timers, relay."""

    async def close(self) -> None:
        """Let go of everything."""


S = TypeVar("S", bound=ServiceSettings)


def main(name: str, settings: type[S], history: History, build: Callable[[S], Service]) -> None:
    """Run what the command line asks for. Exit status: 0 after a clean stop, 1 after a failure, 2 for wrong settings.

    `serve` is HTTP, `work` is consumers, timers and the outbox relay; without a word, both in one process.
    """
    program = f"python -m {history.schema}"
    parser = argparse.ArgumentParser(prog=program, description=f"Mainstay {name}: HTTP, or work; without a word, both")
    parser.add_argument("part", nargs="?", choices=["serve", "work", "migrate"], help="default: serve and work")
    part: str | None = parser.parse_args().part
    known = load(settings)
    configure_logging(name, known.log_level)
    tracing = configure_tracing(name, known.otlp_endpoint)
    try:
        with suppress(KeyboardInterrupt):
            run_process(_migrate(known, history) if part == "migrate" else _run(known, build, part))
    finally:
        if tracing is not None:
            tracing.shutdown()


async def _migrate(settings: SharedSettings, history: History) -> int:
    await migrate(settings.database_url, history)
    return 0


async def _run(settings: S, build: Callable[[S], Service], part: str | None) -> int:
    try:
        service = build(settings)
    except CannotStart as error:
        sys.stderr.write(f"cannot start: {error}\n")
        return 2
    serves, works = part != "work", part != "serve"
    listener = (
        Listener(service.app(), settings.host, settings.port)
        if serves
        else Listener(service.work_app(), settings.host, settings.work_port)
    )
    _spare_the_collector()
    return await run_service(
        listeners=[listener],
        background={**(service.serving() if serves else {}), **(service.working() if works else {})},
        close=[service.close],
    )


def _spare_the_collector() -> None:
    """Keep the garbage collector from looking at the program itself again and again.

    A collection starts when that many more objects were made than freed, and requests under way hold tens of thousands,
    none in a cycle. Measured in ingest: 12 µs of CPU an event before, 7 after; 10,000 instead of 100,000 costs 5 %.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)
