"""python -m health_score {serve,work,migrate}: HTTP, or consumers, timers and relay; without a word, both."""

from health_score.bootstrap import NAME, Service
from health_score.settings import Settings
from health_score.store.tables import HISTORY
from mainstay.service.process import main

if __name__ == "__main__":
    main(NAME, Settings, HISTORY, Service)
