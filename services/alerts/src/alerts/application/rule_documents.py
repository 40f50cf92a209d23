"""What operators do with rules: save versions of them, switch them on and off, and look at what they had."""

from collections.abc import Mapping, Sequence
from typing import Any

from alerts.application.documents import (
    DocumentMovedOn,
    DocumentNamedOtherwise,
    Documents,
    DocumentUnknown,
    DocumentVersion,
    Errors,
    SavedDocument,
    VersionWithChanges,
    without_version,
)
from alerts.application.ports import OpenWork, Work
from alerts.application.rules import ReadRule, RulesInForce
from alerts.domain.episodes import ACCOUNT
from alerts.domain.kinds import Kind
from alerts.domain.rules import Rule
from mainstay.kernel.clock import Clock


class RuleUnknown(DocumentUnknown):
    """There is no such rule, or no such version of it."""

    NOUN = "rule"


class RuleMovedOn(DocumentMovedOn):
    """The rule has another version than the one that was to be replaced."""


class RuleNamedOtherwise(DocumentNamedOtherwise):
    """A rule is saved under another id than its own."""

    NOUN = "rule"


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
        self._documents = Documents(shipped, Errors(RuleUnknown, RuleMovedOn), clock)

    async def save(
        self,
        rule_id: str,
        body: Mapping[str, Any],
        *,
        replaces: int | None,
        by: str,
        reason: str | None,
        dry_run: bool = False,
    ) -> SavedDocument:
        """Save a rule as its next version; the same as the latest one is not saved again. `dry_run`: only check it.

        Raises `RuleRefused` for a rule with mistakes, `RuleNamedOtherwise`, and `RuleMovedOn` where the latest version
        is not `replaces` (None: any).
        """
        written = without_version(body)
        async with self._open() as work:
            rule = self._read(written, measures=await work.rules.metrics())
            if rule.id != rule_id:
                raise RuleNamedOtherwise(rule_id, rule.id)
            await work.rules.lock()
            latest = await self._documents.latest(work.rules, rule_id)
            new = self._documents.next(written, latest, replaces=replaces, by=by, reason=reason)
            return new if dry_run else await self._add(work, new)

    async def switch(self, rule_id: str, *, on: bool, by: str, reason: str | None) -> SavedDocument:
        """Switch a rule on or off, as a version like any other. Raises `RuleUnknown`."""
        async with self._open() as work:
            await work.rules.lock()
            latest = await self._documents.latest(work.rules, rule_id)
            if latest is None:
                raise RuleUnknown(rule_id)
            body = {**latest.body, "enabled": on}
            if latest.body.get("enabled", True) == on:
                return SavedDocument(latest, is_new=False)
            return await self._add(work, self._documents.next(body, latest, replaces=None, by=by, reason=reason))

    async def one(self, rule_id: str, version: int | None) -> DocumentVersion:
        """A version, the newest by default. Raises `RuleUnknown`."""
        async with self._open() as work:
            return await self._documents.one(work.rules, rule_id, version)

    async def versions(self, rule_id: str, before: int | None, limit: int) -> Sequence[VersionWithChanges]:
        """Up to `limit` versions, newest first, those below `before`; the last came with Mainstay, or was the first.

        Raises `RuleUnknown`.
        """
        async with self._open() as work:
            return await self._documents.versions(work.rules, rule_id, before, limit)

    async def _add(self, work: Work, saved: SavedDocument) -> SavedDocument:
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
