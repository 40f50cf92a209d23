"""python -m tests.load.ingest: measure ingest beside its peers on Apache Kafka; with --profile, where its time goes."""

import argparse

from tests.load.ingest.comparison import compare
from tests.load.ingest.profile import profile


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.load.ingest", description=__doc__)
    parser.add_argument("--profile", action="store_true", help="sample ingest instead of comparing it")
    for found in profile() if parser.parse_args().profile else compare():
        print(found, end="\n\n", flush=True)


if __name__ == "__main__":
    main()
