"""When something happened, by a sender's clock that may be off."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.domain.occurrence import EARLIEST, SenderClock
from ingest.domain.refusal import Refused

RECEIVED = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
EDGE = timedelta(seconds=150)
YEARS_BACK = datetime(2012, 1, 3, tzinfo=UTC)
instants = st.datetimes(datetime(2000, 1, 2), datetime(2026, 3, 2), timezones=st.just(UTC))  # noqa: DTZ001 - bounds are naive


@pytest.mark.parametrize(
    ("case", "stated", "sent", "happened"),
    [
        ("no time is the time of receipt", None, None, RECEIVED),
        ("a time without a zone is UTC", datetime(2026, 3, 1, 12), None, datetime(2026, 3, 1, 12, tzinfo=UTC)),  # noqa: DTZ001 - the case
        (
            "another zone's time is the same instant",
            datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=-8))),
            None,
            datetime(2026, 3, 1, 20, tzinfo=UTC),
        ),
        ("years back, sent now", YEARS_BACK, RECEIVED, YEARS_BACK),
        ("a clock 149 s behind", RECEIVED - HOUR, RECEIVED - timedelta(seconds=149), RECEIVED - HOUR),
        ("a clock 150 s behind", RECEIVED - HOUR, RECEIVED - EDGE, RECEIVED - HOUR + EDGE),
        ("a clock 2 h ahead", RECEIVED + HOUR, RECEIVED + 2 * HOUR, RECEIVED - HOUR),
        ("years back by a clock 2 h ahead", YEARS_BACK + 2 * HOUR, RECEIVED + 2 * HOUR, YEARS_BACK),
        ("23 h ahead", RECEIVED + 23 * HOUR, None, RECEIVED + 23 * HOUR),
        ("more than 23 h ahead", RECEIVED + 23 * HOUR + timedelta(seconds=1), None, RECEIVED),
        ("the first instant that is taken", EARLIEST, None, EARLIEST),
    ],
)  # fmt: skip
def test_a_time_is_corrected(case: str, stated: datetime | None, sent: datetime | None, happened: datetime) -> None:
    assert SenderClock.observed(RECEIVED, sent).corrected(stated, "/timestamp") == happened, case


@pytest.mark.parametrize(
    ("stated", "sent"),
    [
        (datetime(1970, 1, 1, tzinfo=UTC), None),
        (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))), None),
        (datetime(9999, 12, 31, 23, 59, tzinfo=timezone(timedelta(hours=-12))), None),
        (datetime(1, 1, 1, tzinfo=UTC), RECEIVED + HOUR),
        (datetime(9999, 12, 31, tzinfo=UTC), RECEIVED - timedelta(days=400)),
    ],
)
def test_a_time_beyond_reason_is_refused(stated: datetime, sent: datetime | None) -> None:
    with pytest.raises(Refused) as refusal:
        SenderClock.observed(RECEIVED, sent).corrected(stated, "/timestamp")

    assert (refusal.value.code, refusal.value.pointer) == ("time-out-of-range", "/timestamp")


@given(stated=instants, skew=st.timedeltas(timedelta(days=-1000), timedelta(days=1000)))
def test_only_the_error_of_the_clock_is_corrected(stated: datetime, skew: timedelta) -> None:
    clock = SenderClock.observed(RECEIVED, RECEIVED + skew)

    if abs(skew) < timedelta(seconds=150):
        assert clock.corrected(stated, "") == stated
        assert clock.overruled(stated, stated) is None
    elif EARLIEST <= stated - skew <= RECEIVED + 23 * HOUR:
        assert clock.corrected(stated, "") == stated - skew
        assert clock.overruled(stated, stated - skew) == stated


@pytest.mark.parametrize(
    ("stated", "happened", "kept"),
    [
        (None, RECEIVED, None),
        (RECEIVED, RECEIVED, None),
        (datetime(2026, 3, 2, 9), RECEIVED, None),  # noqa: DTZ001 - the case
        (datetime(2026, 3, 2, 10), RECEIVED, RECEIVED + HOUR),  # noqa: DTZ001 - the case
        (datetime(2026, 3, 2, 10, tzinfo=timezone(HOUR)), RECEIVED, None),
    ],
)
def test_the_senders_own_time_is_kept_where_it_was_overruled(
    stated: datetime | None, happened: datetime, kept: datetime | None
) -> None:
    assert SenderClock.observed(RECEIVED, None).overruled(stated, happened) == kept
