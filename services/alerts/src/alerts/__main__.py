"""python -m alerts {serve,work,migrate}: HTTP, or consumers, deliveries and relay; without a word, both."""

from alerts.bootstrap import NAME, Service
from alerts.settings import Settings
from alerts.store.tables import HISTORY
from mainstay.service.process import main

if __name__ == "__main__":
    main(NAME, Settings, HISTORY, Service)
