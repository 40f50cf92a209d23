"""Reads rules, the shipped ones and those that operators write; a mistake is told at its place."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from string import Template
from typing import Any

import yaml

from alerts.domain.holding import Holding
from alerts.domain.kinds import SPECS, Kind, Reaching, Setting, Spec
from alerts.domain.rules import ATTACHABLE, HEALTH_SCORE, Condition, Rule, Rulebook, RuleInvalid
from alerts.domain.words import Category, Severity
from alerts.expressions import ExpressionInvalid, compiled

MEMBERS = (
    *("id", "version", "kind", "category", "severity", "levels", "when", "for", "keep_firing_for", "cooldown"),
    *("playbook", "attach", "enabled", "title", "text", "next_steps"),
)
REQUIRED = ("id", "kind", "category", "title", "text", "next_steps")
LONGEST = timedelta(days=365)
_DURATION = re.compile(r"(\d{1,6})\s*([smhd])", re.ASCII)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,79}", re.ASCII)
_KEY = re.compile(r"[a-z0-9][a-z0-9_.-]{0,99}", re.ASCII)
_STATES = frozenset({"released", "wont_do", "not_within_three_months"})


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a rule: where, as a JSON pointer, and what."""

    pointer: str
    detail: str


class RuleRefused(RuleInvalid):
    """A rule cannot be used; `faults` has everything that is wrong with it."""

    def __init__(self, name: str, faults: Collection[Fault]) -> None:
        super().__init__("; ".join(f"{name}{fault.pointer}: {fault.detail}" for fault in faults))
        self.faults = tuple(faults)


@cache
def shipped_rulebook() -> Rulebook:
    """The rules that come with Mainstay. Raises `RuleInvalid`."""
    return Rulebook.of(rule_of(body, f"{name}.yaml") for name, body in shipped_documents().items())


@cache
def shipped_documents() -> Mapping[str, Mapping[str, Any]]:
    """The rules that come with Mainstay as they are written, by id."""
    texts = sorted((entry.name, entry) for entry in files("alerts.rules").iterdir() if entry.name.endswith(".yaml"))
    bodies = [yaml.safe_load(entry.read_text(encoding="utf-8")) for _, entry in texts]
    return {str(body["id"]): body for body in bodies}


def read_rule(document: str, name: str) -> Rule:
    """One rule from YAML. Raises `RuleInvalid` with the document's name."""
    try:
        written: Any = yaml.safe_load(document)
    except yaml.YAMLError as error:
        raise RuleInvalid(f"{name}: {error}") from error
    return rule_of(written, name)


def rule_of(written: Any, name: str = "", *, measures: Collection[str] = ()) -> Rule:
    """The rule in a document; `measures` are the metrics known so far. Raises `RuleRefused`."""
    return _Reader(written, name, measures).rule()


class _Reader:
    """Reads one document, and collects everything that is wrong with it."""

    def __init__(self, written: Any, name: str, measures: Collection[str]) -> None:
        self._name = name
        self._measures = measures
        self._faults: list[Fault] = []
        if not isinstance(written, Mapping):
            raise RuleRefused(name, [Fault("", f"a rule has the members {', '.join(MEMBERS)}")])
        self._written = written

    def rule(self) -> Rule:
        written = self._written
        for member in written:
            if member not in MEMBERS:
                self._fault(f"/{member}", f"there is no such member{near(str(member), MEMBERS)}")
        for member in REQUIRED:
            if member not in written:
                self._fault(f"/{member}", "is missing")
        self._stop_if_faulty()
        kind = self._one_of("/kind", written["kind"], Kind)
        category = self._one_of("/category", written["category"], Category)
        if kind is None or category is None:
            raise RuleRefused(self._name, self._faults)
        spec = SPECS[kind]
        when, conditions = self._when(kind, spec, written.get("when", {}))
        self._check_metric(kind, when)
        levels = self._levels(kind, spec, when)
        severity = self._severity(kind, spec, levels, conditions)
        holding = Holding(*(self._duration(f"/{name}", written.get(name, "0s")) for name in _TIMES))
        attach = self._names("/attach", written.get("attach", []), ATTACHABLE)
        rule_id = self._matched("/id", written["id"], _ID, "lower-case letters, digits and hyphens, up to 80")
        version = self._whole("/version", written.get("version", 1), 1, 1_000_000_000)
        playbook = written.get("playbook")
        if playbook is not None:
            self._matched("/playbook", playbook, _ID, "a playbook's name: lower-case letters, digits and hyphens")
        enabled = written.get("enabled", True)
        if not isinstance(enabled, bool):
            self._fault("/enabled", "is true or false")
        title, text = (self._sentence(f"/{name}", written[name], spec, most) for name, most in _SENTENCES)
        steps = self._steps(written["next_steps"])
        self._stop_if_faulty()
        return Rule(
            id=rule_id,
            version=version,
            kind=kind,
            category=category,
            severity=severity,
            levels=levels,
            when=when,
            conditions=conditions,
            holding=holding,
            playbook=playbook,
            attach=attach,
            enabled=enabled,
            title=title,
            text=text,
            next_steps=steps,
        )

    def _fault(self, pointer: str, detail: str) -> None:
        self._faults.append(Fault(pointer, detail))

    def _stop_if_faulty(self) -> None:
        if self._faults:
            raise RuleRefused(self._name, self._faults)

    def _one_of(self, pointer: str, value: Any, kind: Callable[[str], Any]) -> Any:
        try:
            return kind(value)
        except ValueError:
            known = [each.value for each in kind]  # type: ignore[attr-defined]  # an enumeration
            self._fault(pointer, f"{value!r} is not one of {', '.join(known)}{near(str(value), known)}")
            return None

    def _severity(
        self, kind: Kind, spec: Spec, levels: Mapping[str, float], conditions: Mapping[str, Condition]
    ) -> Mapping[str, Severity]:
        stated = self._written.get("severity")
        if kind is Kind.CEL or spec.has_levels:
            if stated is not None:
                instead = "/when" if kind is Kind.CEL else "/levels"
                self._fault("/severity", f"is not needed: {kind} gets its severity by {instead[1:]}")
            return {grade: Severity(grade) for grade in (conditions if kind is Kind.CEL else levels)}
        if not isinstance(stated, Mapping) or not stated:
            self._fault("/severity", f"severity is needed for one or more of {', '.join(spec.grades)}")
            return {}
        found = {}
        for grade, severity in stated.items():
            if grade not in spec.grades:
                self._fault(
                    f"/severity/{grade}",
                    f"severity is needed for one or more of {', '.join(spec.grades)}{near(str(grade), spec.grades)}",
                )
            else:
                found[str(grade)] = self._one_of(f"/severity/{grade}", severity, Severity)
        return found

    def _levels(self, kind: Kind, spec: Spec, when: Mapping[str, Any]) -> Mapping[str, float]:
        stated = self._written.get("levels")
        if kind is Kind.CEL or not spec.has_levels:
            if stated is not None:
                self._fault("/levels", f"is not needed: {kind} gets its severity by what it tells apart")
            return {}
        if not isinstance(stated, Mapping) or not stated:
            self._fault("/levels", f"say from which value on it is info, warning or critical ({spec.unit})")
            return {}
        found: dict[str, float] = {}
        for grade, level in stated.items():
            if self._one_of(f"/levels/{grade}", grade, Severity) is None:
                continue
            if isinstance(level, bool) or not isinstance(level, int | float) or not abs(level) <= 1e15:
                self._fault(f"/levels/{grade}", f"{level!r} is not a number ({spec.unit})")
            else:
                found[str(grade)] = level
        is_rising = spec.reaching is Reaching.AT_LEAST and when.get("is", "above") != "below"
        if kind is Kind.METRIC_DEVIATED:
            is_rising = True
        by_severity = [found[severity] for severity in Severity if severity.value in found]
        if sorted(set(by_severity), reverse=not is_rising) != by_severity:
            higher = "higher" if is_rising else "lower"
            self._fault("/levels", f"each severity begins at a {higher} value than the milder one ({spec.unit})")
        return found

    def _when(self, kind: Kind, spec: Spec, stated: Any) -> tuple[Mapping[str, Any], Mapping[str, Condition]]:
        if not isinstance(stated, Mapping):
            self._fault("/when", "holds settings by name")
            return {}, {}
        when: dict[str, Any] = {}
        conditions: dict[str, Condition] = {}
        for name in stated:
            if name not in spec.settings:
                known = ", ".join(spec.settings) or "none"
                nearest = near(str(name), spec.settings)
                self._fault(f"/when/{name}", f"{kind} has no such setting; it has: {known}{nearest}")
        for name, (setting, usual) in spec.settings.items():
            value = stated.get(name, usual)
            if value is None:
                if name in spec.required:
                    self._fault(f"/when/{name}", f"is missing: {setting}")
            elif setting is Setting.CONDITION:
                condition = self._condition(f"/when/{name}", value)
                if condition is not None:
                    conditions[name] = condition
            else:
                when[name] = self._set(f"/when/{name}", setting, value)
        if kind is Kind.CEL and not stated:
            self._fault("/when", "say under which condition it is info, warning or critical")
        return when, conditions

    def _check_metric(self, kind: Kind, when: Mapping[str, Any]) -> None:
        metric, known = str(when.get("metric")), [HEALTH_SCORE, *self._measures]
        if kind is Kind.METRIC_THRESHOLD and self._measures and metric not in known:
            self._fault("/when/metric", f"no measure has the metric {metric}{near(metric, known)}")

    def _set(self, pointer: str, setting: Setting, value: Any) -> Any:
        match setting:
            case Setting.DURATION:
                return self._duration(pointer, value)
            case Setting.DAYS:
                return self._whole(pointer, value, 1, 365)
            case Setting.HOURS:
                return self._whole(pointer, value, 1, 8_760)
            case Setting.STATES:
                return self._names(pointer, list(value) if isinstance(value, tuple) else value, sorted(_STATES))
            case Setting.SIDE | Setting.BOUND:
                known = ("above", "below", "either")[: 3 if setting is Setting.SIDE else 2]
                if value not in known:
                    self._fault(pointer, f"{value!r} is not one of {', '.join(known)}{near(str(value), known)}")
                return value
            case _:
                return self._matched(pointer, value, _KEY, "a name: lower-case letters, digits, '_', '.' and '-'")

    def _condition(self, pointer: str, value: Any) -> Condition | None:
        if not isinstance(value, str):
            self._fault(pointer, "is a condition in CEL, as a text")
            return None
        try:
            return compiled(value, self._measures)
        except ExpressionInvalid as error:
            self._fault(pointer, str(error))
            return None

    def _duration(self, pointer: str, value: Any) -> timedelta:
        found = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
        if found is None:
            self._fault(pointer, f"{value!r} is not {Setting.DURATION}")
            return timedelta()
        duration = timedelta(**{_UNITS[found[2]]: int(found[1])})
        if duration > LONGEST:
            self._fault(pointer, f"{value!r} is longer than a year")
        return duration

    def _whole(self, pointer: str, value: Any, least: int, most: int) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            self._fault(pointer, f"{value!r} is not a whole number of {least} to {most}")
            return least
        return value

    def _matched(self, pointer: str, value: Any, pattern: re.Pattern[str], of: str) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            self._fault(pointer, f"{value!r} is not made of {of}")
        return str(value)

    def _names(self, pointer: str, value: Any, known: Collection[str]) -> tuple[str, ...]:
        if not isinstance(value, list):
            self._fault(pointer, f"is a list of some of {', '.join(known)}")
            return ()
        for number, name in enumerate(value):
            if name not in known:
                nearest = near(str(name), known)
                self._fault(f"{pointer}/{number}", f"{name!r} is not one of {', '.join(known)}{nearest}")
        return tuple(str(name) for name in value)

    def _sentence(self, pointer: str, value: Any, spec: Spec, most: int) -> str:
        if not isinstance(value, str) or not 1 <= len(value) <= most:
            self._fault(pointer, f"is a sentence of up to {most} characters")
            return ""
        template = Template(value)
        if not template.is_valid():
            stray = next(found.start() for found in template.pattern.finditer(value) if found["invalid"] is not None)
            self._fault(pointer, f"at character {stray + 1}: a stray $; a dollar sign is written $$")
            return value
        for name in template.get_identifiers():
            if name not in spec.words:
                known = ", ".join(f"${word}" for word in sorted(spec.words))
                at = re.search(rf"\$\{{?{name}", value)
                nearest = near(name, spec.words)
                self._fault(
                    pointer, f"at character {at.start() + 1 if at else 1}: ${name} is not one of {known}{nearest}"
                )
        return value

    def _steps(self, value: Any) -> tuple[str, ...]:
        if not isinstance(value, list) or not 1 <= len(value) <= 10:
            self._fault("/next_steps", "say what to do next: one to ten sentences")
            return ()
        for number, step in enumerate(value):
            if not isinstance(step, str) or not 1 <= len(step) <= 500:
                self._fault(f"/next_steps/{number}", "is a sentence of up to 500 characters")
        return tuple(str(step) for step in value)


_TIMES = ("for", "keep_firing_for", "cooldown")
_SENTENCES = (("title", 200), ("text", 1_000))


def near(name: str, known: Collection[str]) -> str:
    """The nearest of the known names, as a question; nothing where none is near."""
    found = get_close_matches(name, list(known), n=1)
    return f"; did you mean {found[0]}?" if found else ""
