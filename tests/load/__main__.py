"""make bench: throughput and latency, side by side with a baseline in the same run; claims are ratios."""

from tests.load import freshness
from tests.load.health_score.consumption import measure as measure_consumption
from tests.load.ingest.comparison import compare as compare_ingest


def main() -> None:
    """Measure one thing after the other, so that they do not disturb each other, and print each when it is done."""
    for comparison in compare_ingest():
        print(comparison, end="\n\n", flush=True)
    print(measure_consumption(), end="\n\n", flush=True)
    print(freshness.measure(), flush=True)


if __name__ == "__main__":
    main()
