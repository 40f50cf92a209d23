"""python -m tests.load.renewals: retention figures, the board, the scan for due milestones, and imports."""

import argparse
import logging

import structlog

from tests.load.renewals import board, importing, milestones, retention

PARTS = ("retention", "board", "milestones", "import")


def main() -> None:
    """Measure what was asked for, one after the other."""
    parser = argparse.ArgumentParser(prog="python -m tests.load.renewals", description=__doc__)
    parser.add_argument("--only", choices=PARTS, help="what to measure; default: all, one after the other")
    parser.add_argument("--contracts", type=int, default=retention.CONTRACTS, help="of figures and of the board")
    parser.add_argument("--times", type=int, default=retention.TIMES, help="that each figure is asked for")
    parser.add_argument("--pages", type=int, default=board.TIMES, help="of the board, for each question")
    parser.add_argument("--terms", type=int, default=milestones.TERMS, help="whose milestones are looked for")
    parser.add_argument("--minutes", type=int, default=milestones.MINUTES, help="of work")
    parser.add_argument("--import-rows", type=int, default=importing.ROWS, help="of a file of contracts")
    wanted = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    if wanted.only in {None, "retention"}:
        print(retention.measure(wanted.contracts, wanted.times), end="\n\n", flush=True)
    if wanted.only in {None, "board"}:
        print(board.measure(wanted.contracts, wanted.pages), end="\n\n", flush=True)
    if wanted.only in {None, "milestones"}:
        print(milestones.measure(wanted.terms, wanted.minutes), end="\n\n", flush=True)
    if wanted.only in {None, "import"}:
        print(importing.measure(wanted.import_rows), flush=True)


if __name__ == "__main__":
    main()
