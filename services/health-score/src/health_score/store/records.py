"""One account with its whole record, from its row."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import msgspec
from sqlalchemy import Row

from health_score.application.views import AccountDetailView, AccountView, RecordView
from health_score.domain.account import FURTHER_FIELDS, external_ids


def detail(row: Row[Any], listed: AccountView) -> AccountDetailView:
    """An account in full: what lists show of it, and the rest of its record."""
    shown = {each.name: getattr(listed, each.name) for each in fields(listed)}
    return AccountDetailView(**shown, record=record(row.stated, row.team, row.derived))


def record(
    stated: Mapping[str, Mapping[str, Any]], team: list[Any], derived: Mapping[str, Any] | None = None
) -> RecordView:
    """The record, from what the row has of it: the latest statement of each field, the team, and what follows."""
    follows = derived or {}
    said = {name: latest["value"] for name, latest in stated.items()}
    return msgspec.convert(
        {
            **{name: said.get(name) for name in FURTHER_FIELDS},
            "external_ids": external_ids(said),
            "team": [{"until": None, **member} for member in team],
            "stage": follows.get("stage"),
            **{name: follows.get(name) for name in ("tier_by", "stage_by", "stage_target_days", "service")},
        },
        RecordView,
    )
