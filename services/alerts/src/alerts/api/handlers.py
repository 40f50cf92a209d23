"""What the routes call, and what they have in common."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Path, Query
from msgspec import Meta
from pydantic import AfterValidator, AwareDatetime, BeforeValidator

from alerts.application.cases import CaseReading, ManageCases
from alerts.application.channels import ManageChannels
from alerts.application.directory import ManageDirectory
from alerts.application.figures import Figures
from alerts.application.handling import HandleAlerts
from alerts.application.people_reading import PeopleReading
from alerts.application.playbooks import PlaybookDocuments
from alerts.application.playing import Playing
from alerts.application.ports import OpenWork
from alerts.application.pressing import PressLinks
from alerts.application.previewing import PreviewRules
from alerts.application.reading import After, Reading
from alerts.application.reassigning import Reassign
from alerts.application.replaying import ReplayDeliveries
from alerts.application.routing import Router
from alerts.application.rule_documents import RuleDocuments
from alerts.application.rules import RulesInForce
from alerts.application.silencing import ManageSilences
from alerts.application.work_reading import WorkReading
from alerts.application.worklist import Worklist
from alerts.domain.rules import Rulebook
from mainstay.kernel.clock import Clock
from mainstay.web.pages import decode_cursor, encode_cursor

Id = Annotated[str, Path(min_length=1, max_length=200)]
Text = Annotated[str | None, Query(min_length=1, max_length=200)]

_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d.*", re.ASCII)


def _written(stated: Any) -> Any:
    if isinstance(stated, datetime) or (isinstance(stated, str) and _INSTANT.fullmatch(stated)):
        return stated
    raise ValueError("an instant is written like 2026-03-31T09:00:00Z")


def _storable(stated: datetime) -> datetime:
    if not 1970 <= stated.year <= 9998:
        raise ValueError("instants lie in the years 1970 to 9998")
    return stated.astimezone(UTC)


Instant = Annotated[AwareDatetime, BeforeValidator(_written), AfterValidator(_storable)]
"""An instant with its zone, as RFC 3339 writes it; pydantic by itself also takes seconds since 1970."""

READ = "alerts:read"
WRITE = "alerts:write"


@dataclass(frozen=True, slots=True)
class Handlers:
    """What the routes call."""

    reading: Reading
    rules: RulesInForce
    rule_documents: RuleDocuments
    preview: PreviewRules
    open_work: OpenWork
    handle: HandleAlerts
    channels: ManageChannels
    replays: ReplayDeliveries
    directory: ManageDirectory
    pressing: PressLinks
    playbooks: PlaybookDocuments
    playing: Playing
    worklist: Worklist
    figures: Figures
    cases: ManageCases
    case_reading: CaseReading
    work_reading: WorkReading
    router: Router
    silences: ManageSilences
    reassign: Reassign
    people_reading: PeopleReading
    clock: Clock

    async def rulebook(self) -> Rulebook:
        """The rules in force now."""
        async with self.open_work() as work:
            return await self.rules(work)


def after(kind: str, cursor: str | None) -> After | None:
    """Where a page begins."""
    return decode_cursor(kind, cursor, tuple[Annotated[datetime, Meta(tz=True)], str]) if cursor is not None else None


def following(kind: str, rows: Sequence[object], limit: int, at: datetime, row_id: str) -> str | None:
    """The cursor of the next page, where there is one."""
    return encode_cursor(kind, (at, row_id)) if len(rows) > limit else None
