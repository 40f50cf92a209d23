"""How many messages would come: what a preview counts, against the rules of telling said one by one."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.domain.calendars import no_holidays, works_at
from alerts.domain.people import DigestTimes, Hours, Leave, Person
from alerts.domain.rehearsal import Opening, Sent, Way, rehearse
from alerts.domain.routing import QuietHours
from alerts.domain.words import Severity

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
NO_DIGEST = DigestTimes(daily_at=None)
ANN = Person("ann", "Ann", hours=Hours(9 * 60, 17 * 60))
BEN = Person("ben", "Ben", zone="Asia/Shanghai", daily_budget=2)
CLEO = Person("cleo", "Cleo", daily_budget=1, digests=NO_DIGEST)
PEOPLE = {one.id: one for one in (ANN, BEN, CLEO)}


def at(hours: float) -> datetime:
    return MONDAY + timedelta(hours=hours)


def opening(
    hours: float, *ways: Way, account: str = "acme", severity: Severity = Severity.WARNING, lasts: float | None = None
) -> Opening:
    return Opening(account, severity, at(hours), None if lasts is None else at(hours + lasts), ways)


def to(person: str | None, minutes: int = 0, quiet: QuietHours = QuietHours.HOLD) -> Way:
    return Way("mail" if person else "chat", person, minutes, quiet)


def sent(*openings: Opening, people: dict[str, Person] = PEOPLE, **spent: int) -> list[Sent]:
    told = {(person, MONDAY.date()): count for person, count in spent.items()}
    found = rehearse(openings, people, lambda _: "mail", no_holidays, told)
    return sorted(found, key=lambda each: (each.at, each.account_id))


def test_what_comes_while_something_waits_is_one_message() -> None:
    chat = to(None, minutes=30)

    found = sent(opening(10, chat), opening(10.4, chat), opening(10.6, chat), opening(10.2, chat, account="globex"))

    assert [(each.account_id, each.at, each.openings) for each in found] == [
        ("acme", at(10.5), 2),
        ("globex", at(10.7), 1),
        ("acme", at(11.1), 1),
    ]


def test_without_grouping_each_is_a_message() -> None:
    assert len(sent(opening(10, to(None)), opening(10, to(None)))) == 2


def test_what_is_over_before_it_goes_is_not_sent() -> None:
    chat = to(None, minutes=30)

    assert sent(opening(10, chat, lasts=0.4)) == []
    assert [each.openings for each in sent(opening(10, chat, lasts=0.4), opening(10.1, chat))] == [1]
    assert sent(opening(20, to("ann"), lasts=10)) == []  # at 9 in the morning it has been over for three hours


def test_a_message_waits_for_working_hours_but_for_what_breaks_through() -> None:
    through = to("ann", quiet=QuietHours.CRITICAL_THROUGH)

    found = sent(opening(20, to("ann")), opening(21, through, severity=Severity.CRITICAL))

    assert [each.at for each in found] == [at(21), at(24 + 9)]


def test_what_waits_over_the_weekend_for_one_account_comes_as_one() -> None:
    found = sent(*(opening(24 * 5 + hour, to("ann", minutes=10)) for hour in range(5)))

    assert [(each.at, each.openings) for each in found] == [(at(24 * 7 + 9), 5)]


def test_beyond_the_budget_comes_the_digest_or_the_next_day() -> None:
    by_digest = [opening(4 + hour / 10, to("ben"), account=f"a{hour}") for hour in range(4)]
    by_day = [opening(10 + hour, to("cleo"), account=f"a{hour}") for hour in range(3)]

    assert [each.in_digest for each in sent(*by_digest)] == [False, False, True, True]
    assert [each.in_digest for each in sent(*by_digest, ben=1)] == [False, True, True, True]
    assert [each.at.date().day for each in sent(*by_day)] == [2, 3, 4]


def test_the_worst_has_the_budget_first() -> None:
    mild = [opening(0.5, to("cleo"), account=f"a{number}") for number in range(3)]
    found = sent(*mild, opening(1, to("cleo"), account="worst", severity=Severity.CRITICAL))

    assert found[0].account_id == "worst"


def test_a_deputy_hears_while_somebody_is_away() -> None:
    away = Person("ann", "Ann", leaves=(Leave(date(2026, 3, 2), date(2026, 3, 3), "ben"),))

    found = sent(opening(4, to("ann")), people={**PEOPLE, "ann": away})

    assert [each.person_id for each in found] == ["ben"]


openings = st.lists(
    st.builds(
        opening,
        st.floats(0, 24 * 14, allow_nan=False),
        st.builds(
            to,
            st.sampled_from(["ann", "ben", "cleo", None]),
            st.sampled_from([0, 15, 120]),
            st.sampled_from(QuietHours),
        ),
        account=st.sampled_from(["acme", "globex"]),
        severity=st.sampled_from(Severity),
        lasts=st.none() | st.floats(0.01, 200),
    ),
    max_size=25,
)


@settings(max_examples=200, deadline=None)
@given(openings)
def test_nothing_is_told_twice_outside_working_hours_or_beyond_a_budget(happened: list[Opening]) -> None:
    found = sent(*happened)

    told = sum(each.openings for each in found)
    endless = sum(each.ended_at is None for each in happened)
    assert endless <= told <= len(happened)  # what goes on is told in the end, nothing more than once
    held_alone = all(way.quiet_hours is QuietHours.HOLD for each in happened for way in each.ways)
    if held_alone:
        for each in found:
            person = PEOPLE.get(each.person_id or "")
            assert person is None or works_at(person, each.at, no_holidays)
        days = Counter(
            (each.person_id, PEOPLE[each.person_id].day_of(each.at))
            for each in found
            if each.person_id is not None and not each.in_digest
        )
        for (person_id, _), count in days.items():
            budget = PEOPLE[person_id or ""].daily_budget
            assert budget is None or count <= budget
