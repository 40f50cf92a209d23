"""Runs of playbooks, worked out: the same however often and late they are asked, and nothing is done twice."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.domain.playbooks import Due, Playbook, Unit
from alerts.domain.rules import Condition
from alerts.domain.runs import (
    Act,
    Advance,
    Effect,
    Ended,
    Escalate,
    Remind,
    Run,
    Settled,
    TaskNotOpen,
    TaskState,
    advance,
    begin,
    reopen,
    settle,
)
from alerts.domain.words import Language
from alerts.playbook_reader import PlaybookRefused, playbook_of, shipped_playbook_documents, shipped_playbooks

START = datetime(2026, 3, 2, 10, tzinfo=UTC)  # a Monday
ZONE = ZoneInfo("Asia/Shanghai")
DOCUMENT: dict[str, Any] = {
    "id": "mine",
    "name": {"en": "Mine", "zh-Hans": "我的"},
    "category": "risk",
    "when_done": "won",
    "steps": [
        {"key": "a", "title": "A", "role": "csm", "due": {"days": 1}},
        {"key": "b", "title": "B", "role": "csm", "due": {"workdays": 2}, "after": "a"},
        {"key": "c", "title": "C", "role": "csm", "due": {"days": 3}, "condition": "health_band == 'red'"},
        {"key": "d", "title": "D", "due": {"days": 2}, "action": {"message": {"role": "sales", "text": "hello"}}},
    ],
}
PLAYBOOK = playbook_of(DOCUMENT)


def yes(_: Condition) -> bool:
    return True


def no(_: Condition) -> bool:
    return False


def at(run: Run, days: float, holds: Callable[[Condition], bool] = yes, playbook: Playbook = PLAYBOOK) -> Advance:
    return advance(run, playbook, holds, ZONE, START + timedelta(days=days))


def new() -> Run:
    return begin(PLAYBOOK, DOCUMENT, "acme", "alert:1", at=START, by="ann", owner="ann")


def states(run: Run) -> str:
    return " ".join(f"{task.step}={task.state}" for task in run.tasks)


def kinds(effects: tuple[Effect, ...]) -> list[type]:
    return [type(effect) for effect in effects]


def test_steps_open_in_their_turn_and_on_their_day() -> None:
    begun = at(new(), 0).run
    assert states(begun) == "a=open b=waiting c=waiting d=waiting"

    done, effects = settle(begun, begun.tasks[0].id, skip=False, by="ann", note=None, now=START + timedelta(days=1))
    after = at(done, 1)
    later = at(after.run, 5, no)

    assert kinds(tuple(effects)) == [Settled]
    assert states(after.run) == "a=done b=open c=waiting d=waiting"
    assert after.run.tasks[1].due_on == date(2026, 3, 5)  # two workdays after Tuesday
    assert states(later.run) == "a=done b=open c=not-needed d=done"
    assert kinds(later.effects) == [Act, Settled, Remind]


def test_a_run_is_won_when_all_is_settled() -> None:
    run = at(new(), 5, no).run
    for task in run.tasks[:2]:
        run = settle(run, task.id, skip=True, by="ann", note=None, now=START + timedelta(days=5))[0]
        run = at(run, 5, no).run

    assert (run.state, run.ended_by) == ("won", "mainstay")
    assert at(run, 50) == Advance(run)


@given(days=st.lists(st.floats(0, 30), min_size=1, max_size=12), holds=st.booleans())
def test_whenever_it_is_asked_each_thing_is_done_once(days: list[float], *, holds: bool) -> None:
    run = new()
    effects: list[tuple[type, str]] = []
    for day in (*sorted(days), 40.0, 40.0):
        moved = at(run, day, yes if holds else no)
        run = moved.run
        effects += [(type(effect), effect.task.step) for effect in moved.effects if not isinstance(effect, Ended)]
        assert moved.again_at is None or moved.again_at > START + timedelta(days=day)

    assert len(effects) == len(set(effects))
    assert {step for kind, step in effects if kind is Remind} == ({"a", "c"} if holds else {"a"})
    assert {step for kind, step in effects if kind is Escalate} == ({"a", "c"} if holds else {"a"})
    assert [step for kind, step in effects if kind is Act] == ["d"]


@given(st.floats(0, 30))
def test_asked_when_it_says_it_misses_nothing(until: float) -> None:
    """Going from one `again_at` to the next leads to the same tasks as asking once at the end."""
    end = START + timedelta(days=until)
    moved = at(new(), 0)
    while moved.again_at is not None and moved.again_at <= end:
        moved = advance(moved.run, PLAYBOOK, yes, ZONE, moved.again_at)

    once = at(at(new(), 0).run, until).run
    assert states(moved.run) == states(once)
    assert [bool(task.reminded_at) for task in moved.run.tasks] == [bool(task.reminded_at) for task in once.tasks]


def test_only_what_a_person_settled_is_opened_again() -> None:
    run = at(new(), 5, no).run
    done = settle(run, run.tasks[0].id, skip=False, by="ann", note=None, now=START)[0]

    assert reopen(done, run.tasks[0].id, note="not yet").tasks[0].state is TaskState.OPEN
    for task in (run.tasks[1], run.tasks[2], run.tasks[3]):
        with pytest.raises(TaskNotOpen):
            reopen(run, task.id, note=None)


@given(st.dates(date(2026, 1, 1), date(2027, 12, 31)), st.integers(0, 30))
def test_workdays_are_counted_without_weekends(day: date, amount: int) -> None:
    found = Due(amount, Unit.WORKDAYS).after(day)

    between = [day + timedelta(days=n + 1) for n in range((found - day).days)]
    assert sum(each.weekday() < 5 for each in between) == amount
    assert amount == 0 or found.weekday() < 5


def test_the_shipped_playbooks_speak_every_language_and_have_a_page() -> None:
    pages = Path(__file__).parents[3] / "docs" / "playbooks"
    for name, playbook in shipped_playbooks().all.items():
        assert playbook.id == name
        texts = [playbook.name, *(step.title for step in playbook.steps)]
        assert all(set(text.others) == set(Language) - {Language.EN} for text in texts)
        assert (pages / f"{name}.md").is_file()
    assert set(shipped_playbook_documents()) == {
        "onboarding",
        "low-adoption",
        "lost-sponsor",
        "red-before-renewal",
        "renewal",
        "handover",
    }


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"steps": []}, "/steps"),
        ({"remind_after": 0}, "/remind_after"),
        ({"mutes": {"severity": "info"}}, "/mutes/severity"),
        ({"triggers": [{"date": {"of": "birthday", "days": 1}}]}, "/triggers/0/date/of"),
        ({"when": "health_band = 'red'"}, "/when"),
        ({"name": {"en": "x", "fr": "y"}}, "/name/fr"),
        ({"when_done": "lost"}, "/when_done"),
        ({"nmae": "x"}, "/nmae"),
        ({"enabled": "yes"}, "/enabled"),
        ({"steps": [{"key": "x", "title": "X", "action": {"playbook": "mine"}}]}, "/steps"),
    ],
)
def test_a_mistake_is_told_at_its_place(changed: dict[str, Any], pointer: str) -> None:
    with pytest.raises(PlaybookRefused) as refused:
        playbook_of({**DOCUMENT, **changed})

    assert [fault.pointer for fault in refused.value.faults] == [pointer]
