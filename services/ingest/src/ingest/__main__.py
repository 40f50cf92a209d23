"""python -m ingest {serve,work,migrate}: HTTP, or the outbox relay; without a word, both."""

from ingest.bootstrap import NAME, Service
from ingest.settings import Settings
from ingest.store.tables import HISTORY
from mainstay.service.process import main

if __name__ == "__main__":
    main(NAME, Settings, HISTORY, Service)
