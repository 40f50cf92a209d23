"""python -m tests.load.alerts: rules evaluated, the way to a message, a destination that hangs, worklists."""

import argparse
import asyncio

from tests.load.alerts import delivering, evaluating, working


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.load.alerts", description=__doc__)
    parser.add_argument("--accounts", type=int, default=evaluating.ACCOUNTS, help="accounts whose scores move")
    wanted = parser.parse_args()
    print(asyncio.run(evaluating.measure(wanted.accounts)), end="\n\n", flush=True)
    print(asyncio.run(delivering.latency()), end="\n\n", flush=True)
    print(asyncio.run(delivering.beside()), end="\n\n", flush=True)
    print(asyncio.run(working.measure()), flush=True)


if __name__ == "__main__":
    main()
