"""python -m renewals {serve,work,migrate}: HTTP, or consumers, timers and relay; without a word, both."""

from mainstay.service.process import main
from renewals.bootstrap import HISTORY, NAME, Service
from renewals.settings import Settings

if __name__ == "__main__":
    main(NAME, Settings, HISTORY, Service)
