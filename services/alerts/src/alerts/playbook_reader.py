"""Reads playbooks, the shipped ones and those that operators write; every mistake is told at its place."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any, TypeVar

import yaml

from alerts.domain.playbooks import (
    ROLES,
    Action,
    DateOf,
    Due,
    Mutes,
    OnAlert,
    OnDate,
    OnHandover,
    OnStage,
    OnWindow,
    Playbook,
    PlaybookInvalid,
    Playbooks,
    StartPlaybook,
    Step,
    TellRole,
    Trigger,
    Unit,
    WhenDone,
)
from alerts.domain.rules import Condition
from alerts.domain.texts import Text
from alerts.domain.words import Category, Language, Severity
from alerts.expressions import ExpressionInvalid, compiled
from alerts.playbook_facts import fact_of
from alerts.rulebook import Fault, near

MEMBERS = (
    *("id", "version", "name", "description", "category", "enabled", "triggers", "when", "mutes"),
    *("remind_after", "escalate_after", "when_done", "steps"),
)
REQUIRED = ("id", "name", "category", "steps")
STEP_MEMBERS = ("key", "title", "guidance", "role", "due", "after", "condition", "action")
TRIGGERS = ("alert", "stage", "date", "renewal_window", "handover")
ACTIONS = ("message", "playbook", "fact")
STAGES = ("onboarding", "growth", "nurture", "renewal", "will_churn", "churned")
MOST_STEPS = 50
MOST_TRIGGERS = 20
LONGEST_DUE = 730
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,79}", re.ASCII)
_ID_MEANS = "lower-case letters, digits and hyphens, up to 80"
_START = "start"

E = TypeVar("E", bound=StrEnum)


class PlaybookRefused(PlaybookInvalid):
    """A playbook cannot be used; `faults` has everything that is wrong with it."""

    def __init__(self, name: str, faults: Collection[Fault]) -> None:
        super().__init__("; ".join(f"{name}{fault.pointer}: {fault.detail}" for fault in faults))
        self.faults = tuple(faults)


@cache
def shipped_playbook_documents() -> Mapping[str, Mapping[str, Any]]:
    """The playbooks that come with Mainstay as they are written, by id."""
    texts = sorted((entry.name, entry) for entry in files("alerts.playbooks").iterdir() if entry.name.endswith(".yaml"))
    bodies = [yaml.safe_load(entry.read_text(encoding="utf-8")) for _, entry in texts]
    return {str(body["id"]): body for body in bodies}


@cache
def shipped_playbooks() -> Playbooks:
    """The playbooks that come with Mainstay. Raises `PlaybookInvalid`."""
    return Playbooks({name: playbook_of(body, f"{name}.yaml") for name, body in shipped_playbook_documents().items()})


def playbook_of(
    written: Any,
    name: str = "",
    *,
    measures: Collection[str] = (),
    playbooks: Collection[str] = (),
    rules: Collection[str] = (),
) -> Playbook:
    """The playbook in a document. Raises `PlaybookRefused`.

    `measures` are the metrics known so far, `playbooks` and `rules` the ids that it can name; none given: any goes.
    """
    return _Reader(written, name, measures, playbooks, rules).playbook()


class _Reader:
    """Reads one document, and collects everything that is wrong with it."""

    def __init__(
        self, written: Any, name: str, measures: Collection[str], playbooks: Collection[str], rules: Collection[str]
    ) -> None:
        self._name = name
        self._measures = measures
        self._playbooks = playbooks
        self._rules = rules
        self._faults: list[Fault] = []
        if not isinstance(written, Mapping):
            raise PlaybookRefused(name, [Fault("", f"a playbook has the members {', '.join(MEMBERS)}")])
        self._written = written

    def playbook(self) -> Playbook:
        written = self._written
        self._members("", written, MEMBERS, REQUIRED)
        self._stop_if_faulty()
        playbook_id = self._matched("/id", written["id"])
        steps = self._steps(written["steps"])
        found = Playbook(
            id=playbook_id,
            version=self._whole("/version", written.get("version", 1), 1, 1_000_000_000),
            name=self._text("/name", written["name"], 100),
            category=self._one_of("/category", written["category"], Category) or Category.LIFECYCLE,
            triggers=self._triggers(written.get("triggers", [])),
            steps=steps,
            description=self._maybe_text("/description", written.get("description"), 1_000),
            when=self._condition("/when", written.get("when")),
            mutes=self._mutes(written.get("mutes")),
            remind_after=self._days_or_none("/remind_after", written.get("remind_after", 1)),
            escalate_after=self._days_or_none("/escalate_after", written.get("escalate_after", 3)),
            when_done=self._one_of("/when_done", written.get("when_done", "ask"), WhenDone) or WhenDone.ASK,
            enabled=self._flag("/enabled", written.get("enabled", True)),
        )
        if any(isinstance(step.action, StartPlaybook) and step.action.playbook == playbook_id for step in steps):
            self._fault("/steps", "a playbook does not start itself")
        self._stop_if_faulty()
        return found

    def _fault(self, pointer: str, detail: str) -> None:
        self._faults.append(Fault(pointer, detail))

    def _stop_if_faulty(self) -> None:
        if self._faults:
            raise PlaybookRefused(self._name, self._faults)

    def _members(
        self, pointer: str, written: Mapping[Any, Any], members: Sequence[str], required: Sequence[str] = ()
    ) -> None:
        for member in written:
            if member not in members:
                self._fault(f"{pointer}/{member}", f"there is no such member{near(str(member), members)}")
        for member in required:
            if member not in written:
                self._fault(f"{pointer}/{member}", "is missing")

    def _triggers(self, written: Any) -> tuple[Trigger, ...]:
        if not isinstance(written, list) or len(written) > MOST_TRIGGERS:
            self._fault("/triggers", f"is a list of up to {MOST_TRIGGERS} of {', '.join(TRIGGERS)}")
            return ()
        found = (self._trigger(f"/triggers/{number}", one) for number, one in enumerate(written))
        return tuple(trigger for trigger in found if trigger is not None)

    def _trigger(self, pointer: str, written: Any) -> Trigger | None:
        if not isinstance(written, Mapping) or len(written) != 1:
            self._fault(pointer, f"is one of {', '.join(TRIGGERS)}, such as handover: {{}}")
            return None
        [(kind, says)] = written.items()
        pointer = f"{pointer}/{kind}"
        match kind:
            case "alert":
                return self._on_alert(pointer, says)
            case "stage":
                stages = says if isinstance(says, list) else [says]
                return OnStage(frozenset(self._names(pointer, stages, STAGES)))
            case "date":
                return self._on_date(pointer, says)
            case "renewal_window" | "handover":
                if says not in ({}, None, True):
                    self._fault(pointer, f"has no settings: write {kind}: {{}}")
                return OnWindow() if kind == "renewal_window" else OnHandover()
            case _:
                known = ", ".join(TRIGGERS)
                self._fault(pointer, f"there is no such trigger; there are {known}{near(str(kind), TRIGGERS)}")
                return None

    def _on_alert(self, pointer: str, says: Any) -> Trigger | None:
        if not isinstance(says, Mapping):
            self._fault(pointer, "holds rules, categories or a min_severity")
            return None
        self._members(pointer, says, ("rules", "categories", "min_severity"))
        severity = self._one_of(f"{pointer}/min_severity", says.get("min_severity", "info"), Severity)
        return OnAlert(
            frozenset(self._rule_ids(f"{pointer}/rules", says.get("rules", []))),
            frozenset(self._categories(f"{pointer}/categories", says.get("categories", []))),
            severity or Severity.INFO,
        )

    def _on_date(self, pointer: str, says: Any) -> Trigger | None:
        if not isinstance(says, Mapping):
            self._fault(pointer, "holds of (renewal or go_live) and days (negative: before it)")
            return None
        self._members(pointer, says, ("of", "days"), ("of", "days"))
        of = self._one_of(f"{pointer}/of", says.get("of"), DateOf) if "of" in says else None
        days = self._whole(f"{pointer}/days", says.get("days", 0), -LONGEST_DUE, LONGEST_DUE)
        return OnDate(of, days) if of is not None else None

    def _mutes(self, written: Any) -> Mutes | None:
        if written is None:
            return None
        if not isinstance(written, Mapping):
            self._fault("/mutes", "holds rules and categories, and up_to which severity")
            return None
        self._members("/mutes", written, ("rules", "categories", "up_to"))
        up_to = self._one_of("/mutes/up_to", written.get("up_to", "warning"), Severity)
        return Mutes(
            frozenset(self._rule_ids("/mutes/rules", written.get("rules", []))),
            frozenset(self._categories("/mutes/categories", written.get("categories", []))),
            up_to or Severity.WARNING,
        )

    def _steps(self, written: Any) -> tuple[Step, ...]:
        if not isinstance(written, list) or not 1 <= len(written) <= MOST_STEPS:
            self._fault("/steps", f"is a list of one to {MOST_STEPS} steps")
            return ()
        before: list[str] = []
        found = []
        for number, one in enumerate(written):
            step = self._step(f"/steps/{number}", one, before)
            if step is not None:
                found.append(step)
                before.append(step.key)
        return tuple(found)

    def _step(self, pointer: str, written: Any, before: Sequence[str]) -> Step | None:
        if not isinstance(written, Mapping):
            self._fault(pointer, f"a step has the members {', '.join(STEP_MEMBERS)}")
            return None
        self._members(pointer, written, STEP_MEMBERS, ("key", "title"))
        action = self._action(f"{pointer}/action", written["action"]) if "action" in written else None
        if "role" not in written and "action" not in written:
            self._fault(f"{pointer}/role", f"is missing: one of {', '.join(ROLES)}")
        if not {"key", "title"} <= set(written):
            return None
        key = self._matched(f"{pointer}/key", written["key"])
        if key in before:
            self._fault(f"{pointer}/key", f"two steps have the key {key}")
        after = written.get("after", _START)
        if after != _START and after not in before:
            known = [_START, *before]
            self._fault(
                f"{pointer}/after", f"{after!r} is no step before this one: {', '.join(known)}{near(str(after), known)}"
            )
        role = written.get("role", ROLES[0])
        self._names(f"{pointer}/role", [role], ROLES, one=True)
        return Step(
            key=key,
            title=self._text(f"{pointer}/title", written["title"], 200),
            role=str(role),
            due=self._due(f"{pointer}/due", written.get("due", {"days": 0})),
            guidance=self._maybe_text(f"{pointer}/guidance", written.get("guidance"), 4_000),
            after=None if after == _START else str(after),
            condition=self._condition(f"{pointer}/condition", written.get("condition")),
            action=action,
        )

    def _due(self, pointer: str, written: Any) -> Due:
        if not isinstance(written, Mapping) or len(written) != 1 or next(iter(written)) not in set(Unit):
            self._fault(pointer, "is written like days: 3 or workdays: 3")
            return Due(0)
        [(unit, amount)] = written.items()
        return Due(self._whole(f"{pointer}/{unit}", amount, 0, LONGEST_DUE), Unit(unit))

    def _action(self, pointer: str, written: Any) -> Action | None:
        if not isinstance(written, Mapping) or len(written) != 1:
            self._fault(pointer, f"is one of {', '.join(ACTIONS)}")
            return None
        [(kind, says)] = written.items()
        pointer = f"{pointer}/{kind}"
        match kind:
            case "message":
                if not isinstance(says, Mapping):
                    self._fault(pointer, "holds a role and a text")
                    return None
                self._members(pointer, says, ("role", "text"), ("role", "text"))
                self._names(f"{pointer}/role", [says.get("role")], ROLES, one=True)
                return TellRole(str(says.get("role")), self._text(f"{pointer}/text", says.get("text"), 1_000))
            case "playbook":
                playbook_id = self._matched(pointer, says)
                if self._playbooks and playbook_id not in self._playbooks:
                    self._fault(pointer, f"there is no playbook {playbook_id}{near(playbook_id, self._playbooks)}")
                return StartPlaybook(playbook_id)
            case "fact":
                fact, faults = fact_of(says, pointer, str(self._written.get("id")))
                self._faults += faults
                return fact
            case _:
                self._fault(pointer, f"there is no such action{near(str(kind), ACTIONS)}: {', '.join(ACTIONS)}")
                return None

    def _condition(self, pointer: str, value: Any) -> Condition | None:
        if value is None:
            return None
        if not isinstance(value, str):
            self._fault(pointer, "is a condition in CEL, as a text")
            return None
        try:
            return compiled(value, self._measures)
        except ExpressionInvalid as error:
            self._fault(pointer, str(error))
            return None

    def _maybe_text(self, pointer: str, value: Any, most: int) -> Text | None:
        return None if value is None else self._text(pointer, value, most)

    def _text(self, pointer: str, value: Any, most: int) -> Text:
        """A text in English, or texts by language."""
        texts = {Language.EN.value: value} if isinstance(value, str) else value
        if not isinstance(texts, Mapping) or Language.EN.value not in texts:
            self._fault(pointer, f"is a text, or texts by language with at least {Language.EN.value}")
            return Text("")
        others: dict[Language, str] = {}
        for language, text in texts.items():
            if language not in set(Language):
                self._fault(f"{pointer}/{language}", f"{language!r} is not one of {', '.join(Language)}")
            elif not isinstance(text, str) or not 1 <= len(text) <= most:
                self._fault(pointer if text is value else f"{pointer}/{language}", f"has 1 to {most:,} characters")
            elif language != Language.EN:
                others[Language(language)] = text
        return Text(str(texts[Language.EN.value]), others)

    def _rule_ids(self, pointer: str, value: Any) -> Iterable[str]:
        return self._names(pointer, value, self._rules)

    def _categories(self, pointer: str, value: Any) -> Iterable[Category]:
        known = [each.value for each in Category]
        return [Category(each) for each in self._names(pointer, value, known) if each in known]

    def _names(self, pointer: str, value: Any, known: Collection[str], *, one: bool = False) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            self._fault(pointer, f"is {'one' if one else 'a list of some'} of {', '.join(known)}")
            return ()
        for number, name in enumerate(value):
            if known and name not in known:
                place = pointer if one else f"{pointer}/{number}"
                self._fault(place, f"{name!r} is not one of {', '.join(sorted(known))}{near(name, known)}")
        return tuple(value)

    def _one_of(self, pointer: str, value: Any, kind: Callable[[str], E]) -> E | None:
        try:
            return kind(value)
        except ValueError:
            known = [each.value for each in kind]  # type: ignore[attr-defined]  # an enumeration
            self._fault(pointer, f"{value!r} is not one of {', '.join(known)}{near(str(value), known)}")
            return None

    def _days_or_none(self, pointer: str, value: Any) -> int | None:
        return None if value is None else self._whole(pointer, value, 1, 90)

    def _whole(self, pointer: str, value: Any, least: int, most: int) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            self._fault(pointer, f"{value!r} is not a whole number of {least} to {most}")
            return max(least, 0)
        return value

    def _flag(self, pointer: str, value: Any) -> bool:
        if not isinstance(value, bool):
            self._fault(pointer, "is true or false")
        return value is True

    def _matched(self, pointer: str, value: Any) -> str:
        if not isinstance(value, str) or not _ID.fullmatch(value):
            self._fault(pointer, f"{value!r} is not made of {_ID_MEANS}")
        return str(value)
