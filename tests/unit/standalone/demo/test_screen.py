from io import StringIO

import pytest
from rich.console import Console

from standalone.demo.picture import Account, HealthInShort
from standalone.demo.screen import LiveLine, Stages


def account(name: str, score: int | None) -> Account:
    return Account(name.lower(), name, None, HealthInShort(score, "green"))


@pytest.fixture
def out() -> StringIO:
    return StringIO()


def test_without_a_terminal_each_stage_is_one_line_when_it_is_done(out: StringIO) -> None:
    with Stages(Console(file=out, width=100)) as stages:
        step = stages.begin("Half a year of usage", 2)
        for accounts, said in ((0, "10 events"), (1, "20 events"), (1, "30 events"), (0, "30 events")):
            step(accounts, said)

    assert out.getvalue() == "Half a year of usage: 30 events\n"


def test_on_a_terminal_stages_are_bars(out: StringIO) -> None:
    with Stages(Console(file=out, width=100, force_terminal=True)) as stages:
        stages.begin("Half a year of usage", 2)(1, "20 events")

    assert "━" in out.getvalue()
    assert "20 events" in out.getvalue()


def test_the_line_counts_events_score_changes_and_messages(out: StringIO) -> None:
    with LiveLine(Console(file=out, width=200)) as line:
        line.sent(1200)
        line.seen([account("Acme", 71), account("Bright", None)], 3)
        assert line.text.plain == "● live  1,200 events sent · 0 score changes · 3 messages in the inbox"

        line.sent(1)
        line.seen([account("Acme", 84), account("Bright", None)], None)
        assert line.text.plain == (
            "● live  1,201 events sent · 1 score change (last: Acme 71 → 84) · 3 messages in the inbox"
        )

        line.seen([account("Acme", 84), account("Bright", 50)], 1)
        assert line.text.plain.endswith("2 score changes (last: Bright – → 50) · 1 message in the inbox")


def test_what_does_not_answer_is_said_until_it_does(out: StringIO) -> None:
    with LiveLine(Console(file=out, width=200)) as line:
        line.away("127.0.0.1:8001 gave no answer")
        assert line.text.plain.endswith("· 127.0.0.1:8001 gave no answer")
        line.sent(5)
        assert "no answer" not in line.text.plain


def test_without_a_terminal_the_line_is_printed_when_asked_and_at_the_end(out: StringIO) -> None:
    with LiveLine(Console(file=out, width=200)) as line:
        line.sent(1)
        assert out.getvalue() == ""
        line.say()
        line.sent(1)

    assert [text.split()[2] for text in out.getvalue().splitlines()] == ["1", "2"]
