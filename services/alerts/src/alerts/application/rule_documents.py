"""What operators do with rules: save versions of them, switch them on and off, and look at what they had."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from alerts.application.ports import OpenWork, Work
from alerts.application.rules import ReadRule, RulesInForce, RuleVersion
from alerts.domain.episodes import ACCOUNT
from alerts.domain.kinds import Kind
from alerts.domain.rules import Rule
from mainstay.kernel.clock import Clock
from mainstay.kernel.differences import Difference, differences

ALWAYS = {"version"}
"""Members that are no part of what a version says: the version is given when it is saved."""


class RuleUnknown(LookupError):
    """There is no such rule, or no such version of it."""

    def __init__(self, rule_id: str, version: int | None = None) -> None:
        of = "" if version is None else f" with a version {version}"
        super().__init__(f"there is no rule {rule_id}{of}")


class RuleMovedOn(ValueError):
    """The rule has another version than the one that was to be replaced."""

    def __init__(self, rule_id: str, latest: int) -> None:
        super().__init__(f"the latest version of {rule_id} is {latest}")


class RuleNamedOtherwise(ValueError):
    """A rule is saved under another id than its own."""

    def __init__(self, rule_id: str, written: object) -> None:
        super().__init__(f"the rule calls itself {written!r}, and was to be saved as {rule_id!r}")


@dataclass(frozen=True, slots=True)
class SavedRule:
    """A version as it stands after saving; `is_new`: this saving made it."""

    version: RuleVersion
    is_new: bool


@dataclass(frozen=True, slots=True)
class VersionWithChanges:
    """A version with what it changed against the one before it; None for the first."""

    version: RuleVersion
    changes: Sequence[Difference] | None


class RuleDocuments:
    """The rules as documents. The newest version of each is in force since it was saved.

    What a rule that is saved, or switched on, finds in the past is recorded and told to nobody; what it does not say
    any more ends.
    """

    def __init__(
        self,
        open_work: OpenWork,
        rules: RulesInForce,
        read: ReadRule,
        shipped: Mapping[str, Mapping[str, Any]],
        clock: Clock,
    ) -> None:
        """`shipped` are the rules that come with Mainstay, as they are written, by id."""
        self._open = open_work
        self._rules = rules
        self._read = read
        self._shipped = shipped
        self._clock = clock

    async def save(
        self,
        rule_id: str,
        body: Mapping[str, Any],
        *,
        replaces: int | None,
        by: str,
        reason: str | None,
        dry_run: bool = False,
    ) -> SavedRule:
        """Save a rule as its next version; the same as the latest one is not saved again. `dry_run`: only check it.

        Raises `RuleRefused` for a rule with mistakes, `RuleNamedOtherwise`, and `RuleMovedOn` where the latest version
        is not `replaces` (None: any).
        """
        written = {name: value for name, value in body.items() if name not in ALWAYS}
        async with self._open() as work:
            rule = self._read(written, measures=await work.rules.metrics())
            if rule.id != rule_id:
                raise RuleNamedOtherwise(rule_id, rule.id)
            await work.rules.lock()
            latest = await self._latest(work, rule_id)
            new = self._next(written, latest, replaces=replaces, by=by, reason=reason)
            return new if dry_run else await self._add(work, new)

    async def switch(self, rule_id: str, *, on: bool, by: str, reason: str | None) -> SavedRule:
        """Switch a rule on or off, as a version like any other. Raises `RuleUnknown`."""
        async with self._open() as work:
            await work.rules.lock()
            latest = await self._latest(work, rule_id)
            if latest is None:
                raise RuleUnknown(rule_id)
            body = {**latest.body, "enabled": on}
            if latest.body.get("enabled", True) == on:
                return SavedRule(latest, is_new=False)
            return await self._add(work, self._next(body, latest, replaces=None, by=by, reason=reason))

    async def one(self, rule_id: str, version: int | None) -> RuleVersion:
        """A version, the newest by default. Raises `RuleUnknown`."""
        async with self._open() as work:
            if version is None:
                found = await self._latest(work, rule_id)
            else:
                found = await work.rules.version(rule_id, version) or self._came(rule_id, version)
        if found is None:
            raise RuleUnknown(rule_id, version)
        return found

    async def versions(self, rule_id: str, before: int | None, limit: int) -> Sequence[VersionWithChanges]:
        """Up to `limit` versions, newest first, those below `before`; the last came with Mainstay, or was the first.

        Raises `RuleUnknown`.
        """
        async with self._open() as work:
            found = list(await work.rules.versions(rule_id, before, limit + 1))
        came = self._came(rule_id)
        if came is not None and len(found) <= limit and (before is None or before > came.version):
            found.append(came)
        if not found and before is None:
            raise RuleUnknown(rule_id)
        return [
            VersionWithChanges(newer, None if older is None else differences(older.body, newer.body))
            for newer, older in zip(found[:limit], [*found[1:], None], strict=False)
        ]

    async def _latest(self, work: Work, rule_id: str) -> RuleVersion | None:
        return await work.rules.latest(rule_id) or self._came(rule_id)

    def _came(self, rule_id: str, version: int | None = None) -> RuleVersion | None:
        """The version that came with Mainstay."""
        body = self._shipped.get(rule_id)
        if body is None or version not in {None, body["version"]}:
            return None
        written = {name: value for name, value in body.items() if name not in ALWAYS}
        return RuleVersion(rule_id, body["version"], written)

    def _next(
        self,
        body: Mapping[str, Any],
        latest: RuleVersion | None,
        *,
        replaces: int | None,
        by: str,
        reason: str | None,
    ) -> SavedRule:
        rule_id, number = str(body["id"]), latest.version if latest else 0
        if replaces is not None and replaces != number:
            raise RuleMovedOn(rule_id, number)
        if latest is not None and latest.body == body:
            return SavedRule(latest, is_new=False)
        return SavedRule(RuleVersion(rule_id, number + 1, body, self._clock.now(), by, reason), is_new=True)

    async def _add(self, work: Work, saved: SavedRule) -> SavedRule:
        """Save a version that is new, and look at everything that it may say something about."""
        version = saved.version
        if saved.is_new and version.saved_at is not None:
            await work.rules.add(version)
            rule = self._rules.of(version)
            await work.looks.arm_alerts_of(version.id, version.saved_at)
            if rule.enabled:
                await work.looks.arm_all(version.saved_at, subjects_of(rule))
        return saved


def subjects_of(rule: Rule) -> Sequence[str]:
    """What is to be looked at for a rule; a colon at the end stands for all that begin so."""
    return [ACCOUNT] if rule.kind is Kind.CEL else [one for one in rule.spec.watches if rule.looks_at(one)]
