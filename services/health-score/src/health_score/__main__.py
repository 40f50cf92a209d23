"""python -m health_score {serve,work,migrate}: HTTP, or consumers, timers and relay; without a word, both."""

import argparse
import sys
from contextlib import suppress

from health_score.bootstrap import NAME, Service
from health_score.scorecards.reading import ScorecardInvalid
from health_score.settings import Settings
from health_score.store.tables import HISTORY
from mainstay.db.migrate import migrate
from mainstay.observability.logs import configure_logging
from mainstay.settings import load
from mainstay.web.serving import Listener, run_process, run_service


def main() -> None:
    """Read the settings and run what was asked for; the exit status is 0 after a clean stop."""
    parser = argparse.ArgumentParser(prog="python -m health_score", description=__doc__)
    parser.add_argument("part", nargs="?", choices=["serve", "work", "migrate"], help="default: serve and work")
    part = parser.parse_args().part
    settings = load(Settings)
    configure_logging(NAME, settings.log_level)
    with suppress(KeyboardInterrupt):
        run_process(_migrate(settings) if part == "migrate" else _run(settings, part))


async def _migrate(settings: Settings) -> int:
    await migrate(settings.database_url, HISTORY)
    return 0


async def _run(settings: Settings, part: str | None) -> int:
    try:
        service = Service(settings)
    except (ScorecardInvalid, OSError) as error:
        sys.stderr.write(f"cannot start, the scorecard: {error}\n")
        return 2
    serves, works = part != "work", part != "serve"
    listener = (
        Listener(service.app(), settings.host, settings.port)
        if serves
        else Listener(service.work_app(), settings.host, settings.work_port)
    )
    return await run_service(
        listeners=[listener],
        background={**(service.serving() if serves else {}), **(service.working() if works else {})},
        close=[service.close],
    )


if __name__ == "__main__":
    main()
