"""Who is responsible, whatever people have entered about managers, deputies and leave."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.domain.accounts import Account, Assignment
from alerts.domain.calendars import no_holidays, works_at, works_next
from alerts.domain.people import Hours, Leave, Person, Responsible, Team, Why, faults_of_person, faults_of_team, resolve
from alerts.public_holidays import public_holidays

AT = datetime(2026, 3, 4, 9, tzinfo=UTC)  # a Wednesday
TODAY = AT.date()
AWAY = (TODAY, TODAY + timedelta(days=10))
ACME = Account("acme", sequence=1, owner="ann")


def directory(*people: Person) -> Mapping[str, Person]:
    return {person.id: person for person in people}


def away(person_id: str, deputy: str | None = None, manager: str | None = None) -> Person:
    return Person(person_id, person_id.title(), manager=manager, leaves=(Leave(*AWAY, deputy),))


def there(person_id: str, manager: str | None = None) -> Person:
    return Person(person_id, person_id.title(), manager=manager)


def asked(found: Responsible) -> list[str]:
    return [via.person_id for via in found.through]


@pytest.mark.parametrize(
    ("people", "responsible", "asked_before"),
    [
        ((), "ann", []),
        ((there("ann"),), "ann", []),
        ((away("ann", "bob"), there("bob")), "bob", ["ann"]),
        ((away("ann", "bob"), away("bob", "cat"), there("cat")), "cat", ["ann", "bob"]),
        ((away("ann", "bob", "max"), away("bob", manager="moe"), there("max"), there("moe")), "max", ["ann", "bob"]),
        ((away("ann", "bob", "max"), away("bob", "ann"), there("max")), "max", ["ann", "bob"]),
        ((away("ann", manager="max"), away("max", "dan"), there("dan")), "dan", ["ann", "max"]),
        ((away("ann", "bob"), away("bob", "ann")), None, ["ann", "bob"]),
        ((away("ann"),), None, ["ann"]),
    ],
)
def test_the_next_in_line_is_responsible_while_somebody_is_away(
    people: tuple[Person, ...], responsible: str | None, asked_before: list[str]
) -> None:
    found = resolve("csm", ACME, directory(*people), AT)

    assert found.person_id == responsible
    assert asked(found) == [*asked_before, *([responsible] if responsible else [])]


names = st.sampled_from(["ann", "bob", "cat", "dan"])
leaves = st.builds(Leave, st.just(TODAY), st.just(TODAY), st.none() | names)
somebody = st.builds(
    Person, names, st.just("x"), manager=st.none() | names, leaves=st.lists(leaves, max_size=2).map(tuple)
)


@given(st.lists(somebody, unique_by=lambda one: one.id))
def test_whoever_is_found_is_there_and_nobody_is_asked_twice(people: list[Person]) -> None:
    known = directory(*people)

    found = resolve("owner", ACME, known, AT)

    assert len(set(asked(found))) == len(found.through)
    if found.person_id is not None:
        assert asked(found)[-1] == found.person_id
        assert found.person_id not in known or known[found.person_id].leave_at(AT) is None
    else:
        assert all(known[one].leave_at(AT) is not None for one in asked(found))


@given(st.lists(somebody, max_size=6))
def test_what_is_saved_one_by_one_has_no_circle_of_managers(people: list[Person]) -> None:
    saved: dict[str, Person] = {name: Person(name, name) for name in ("ann", "bob", "cat", "dan")}
    for person in people:
        if not faults_of_person(person, saved):
            saved[person.id] = person

    for name in saved:
        line: list[str] = []
        above: str | None = name
        while above is not None:
            assert above not in line
            line.append(above)
            above = saved[above].manager


def test_roles_are_those_of_the_dated_team() -> None:
    team = (
        Assignment("sales", "old", date(2025, 1, 1), TODAY - timedelta(days=1)),
        Assignment("sales", "new", TODAY),
        Assignment("csm", "cat", date(2025, 1, 1)),
    )
    account = replace(ACME, team=team)

    assert resolve("sales", account, {}, AT).person_id == "new"
    assert resolve("sales", account, {}, AT - timedelta(days=1)).person_id == "old"
    assert resolve("csm", account, {}, AT).person_id == "cat"
    assert resolve("renewal_owner", account, {}, AT).person_id == "cat"  # nobody else has it
    assert resolve("owner", account, {}, AT).through[0].why is Why.OWNER
    assert resolve("support", account, {}, AT).person_id is None


@pytest.mark.parametrize(
    ("person", "pointer", "says"),
    [
        (there("ann", "ann"), "/manager", "ann -> ann"),
        (there("ann", "cat"), "/manager", "ann -> cat -> bob -> ann"),
        (there("ann", "nobody"), "/manager", "nobody is known as 'nobody'"),
        (away("ann", "eve"), "/leaves/0/deputy", "ann -> eve -> ann"),
        (away("ann", "ann"), "/leaves/0/deputy", "ann -> ann"),
        (
            replace(there("ann"), leaves=(Leave(TODAY, TODAY - timedelta(days=1)),)),
            "/leaves/0/last",
            "before it begins",
        ),
    ],
)
def test_circles_and_strangers_are_refused_where_they_stand(person: Person, pointer: str, says: str) -> None:
    others = directory(there("ann"), there("bob", "ann"), there("cat", "bob"), away("eve", "ann"))

    (fault,) = faults_of_person(person, others)

    assert fault.pointer == pointer
    assert says in fault.detail


def test_deputies_for_each_other_at_different_times_are_no_circle() -> None:
    later = Leave(TODAY + timedelta(days=20), TODAY + timedelta(days=25), "bob")
    others = directory(replace(there("bob"), leaves=(Leave(*AWAY, "ann"),)))

    assert not faults_of_person(replace(there("ann"), leaves=(later,)), others)


def test_a_team_knows_its_members() -> None:
    faults = faults_of_team(Team("emea", "EMEA", members=("ann", "zoe"), lead="yan"), directory(there("ann")))

    assert [fault.pointer for fault in faults] == ["/members/1", "/lead"]


SHANGHAI = Person("li", "Li", zone="Asia/Shanghai", hours=Hours(9 * 60, 18 * 60), country="CN")
BERLIN = Person("eva", "Eva", zone="Europe/Berlin", hours=Hours(9 * 60, 17 * 60), country="DE", subdivision="BE")


@pytest.mark.parametrize(
    ("person", "at", "works_from"),
    [
        (SHANGHAI, "2026-03-04T01:00Z", "2026-03-04T01:00Z"),  # 09:00 there
        (SHANGHAI, "2026-03-04T10:00Z", "2026-03-05T01:00Z"),  # 18:00 there is over
        (SHANGHAI, "2026-03-06T10:00Z", "2026-03-09T01:00Z"),  # over the weekend
        (SHANGHAI, "2026-09-30T12:00Z", "2026-10-08T01:00Z"),  # over the National Day holidays
        (BERLIN, "2026-03-07T12:00Z", "2026-03-09T08:00Z"),  # over the Women's Day of Berlin, a Sunday
        (BERLIN, "2027-03-05T17:00Z", "2027-03-09T08:00Z"),  # and when it is a Monday
        (BERLIN, "2026-03-28T12:00Z", "2026-03-30T07:00Z"),  # over the change of the clocks
        (
            replace(BERLIN, leaves=(Leave(date(2026, 3, 9), date(2026, 3, 10)),)),
            "2026-03-07T12:00Z",
            "2026-03-11T08:00Z",
        ),
        (replace(BERLIN, hours=Hours(0, 24 * 60)), "2026-03-04T22:59Z", "2026-03-04T22:59Z"),
    ],
)
def test_what_comes_outside_working_hours_waits_for_the_next(person: Person, at: str, works_from: str) -> None:
    moment = datetime.fromisoformat(at)

    found = works_next(person, moment, public_holidays)

    assert found == datetime.fromisoformat(works_from)
    assert found is not None
    assert works_at(person, found, public_holidays)


def test_somebody_who_never_works_has_no_hours_to_wait_for() -> None:
    gone = replace(BERLIN, leaves=(Leave(date(2026, 1, 1), date(2036, 1, 1)),))

    assert works_next(gone, AT, no_holidays) is None
