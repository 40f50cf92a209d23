"""python -m tests.load.ingest: measure ingest beside the baseline on Apache Kafka, and print both."""

from tests.load.ingest.comparison import compare

for comparison in compare():
    print(comparison)
