"""make bench: throughput and latency, side by side with a baseline in the same run; claims are ratios."""

import argparse
import asyncio
from pathlib import Path

from tests.load import freshness, importing
from tests.load.alerts import delivering, evaluating, working
from tests.load.health_score import consumption, portfolio
from tests.load.ingest.comparison import compare as compare_ingest
from tests.load.renewals import board, milestones, retention
from tests.load.renewals import importing as contract_importing

CHART = Path(__file__).parents[2] / "docs/images/portfolio-growth.svg"


def main() -> None:
    """Measure one thing after the other, so that they do not disturb each other, and print each when it is done."""
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    parser.add_argument("--import-rows", type=int, default=importing.ROWS, help="of the larger files to import")
    parser.add_argument("--accounts", type=int, nargs="+", default=portfolio.SIZES, help="the portfolios' sizes")
    wanted = parser.parse_args()
    for comparison in compare_ingest():
        print(comparison, end="\n\n", flush=True)
    for files in importing.compare(wanted.import_rows):
        print(files, end="\n\n", flush=True)
    print(consumption.compare(), end="\n\n", flush=True)
    print(freshness.measure(), end="\n\n", flush=True)
    for figures in (retention.measure, board.measure, milestones.measure, contract_importing.measure):
        print(figures(), end="\n\n", flush=True)
    measured = list(portfolio.measure(wanted.accounts))
    print(portfolio.table(measured), flush=True)
    portfolio.draw(measured, CHART)
    print(asyncio.run(evaluating.measure()), end="\n\n", flush=True)
    print(asyncio.run(delivering.latency()), end="\n\n", flush=True)
    print(asyncio.run(delivering.beside()), end="\n\n", flush=True)
    print(asyncio.run(working.measure()), flush=True)


if __name__ == "__main__":
    main()
