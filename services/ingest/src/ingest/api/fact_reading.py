"""Reading a fact that a sender states: its shape by its struct, and what a struct cannot say, with precise pointers."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import msgspec
from msgspec import structs

from ingest.api import json
from ingest.application.stated import NOBODYS
from ingest.domain import names
from ingest.domain.occurrence import EARLIEST, SenderClock, in_utc
from ingest.domain.refusal import Refused
from mainstay.contracts.common import MoneyData
from mainstay.contracts.facts import Fact, SurveyResponseFact
from mainstay.contracts.ingest import ContactFact

AMOUNT = r"^-?[0-9]{1,15}(\.[0-9]{1,6})?\Z"
"""Of money, always as a text: a number in JSON is a float to most who read it."""
CURRENCY = r"^[A-Z]{3}\Z"
LATEST_DAY = date(2199, 12, 31)
LONGEST_POINTED = 100
"""Characters of a stranger's field name that a pointer repeats."""

_amount, _currency = re.compile(AMOUNT), re.compile(CURRENCY)


def document_of(data: msgspec.Raw, at: str) -> dict[str, Any]:
    """A fact's JSON object, not judged yet. Raises `Refused`."""
    try:
        return json.read_object(data, at)
    except Refused as refused:
        if refused.code != "nul-character":
            raise
    found: dict[str, Any] = msgspec.json.decode(data)  # every text is judged below, and told by its own place
    return found


def may_wait(kind: type[Fact]) -> bool:
    """Whether such a fact may leave out its account, because it names a person whose account may be known."""
    return kind is not ContactFact and "contact_id" in kind.__struct_fields__


def read_fact(kind: type[Fact], stated: Mapping[str, Any], clock: SenderClock, time: datetime | None, at: str) -> Fact:
    """The fact that `stated` is, in UTC; `time` is when its event happened, `at` points to `stated`.

    `account_id` is `NOBODYS` where only a person is named. Raises `Refused`.
    """
    document = dict(stated)
    _check_ids(kind, document, at)
    says_when = document.get("occurred_at") is not None
    if not says_when:
        document["occurred_at"] = clock.corrected(time, "/time")
    is_nobodys = "account_id" not in document and may_wait(kind) and document.get("contact_id") is not None
    if is_nobodys:
        document["account_id"] = "?"
    try:
        fact: Fact = msgspec.convert(document, kind)
    except msgspec.ValidationError as error:
        reason, pointer = json.located(str(error))
        if not pointer and kind is SurveyResponseFact and "score" in reason:
            pointer = "/score"
        raise Refused("value-invalid", _sentence(reason), at + pointer) from None
    when = clock.corrected(fact.occurred_at, f"{at}/occurred_at") if says_when else fact.occurred_at
    settled: Fact = _Settling(clock.latest).struct(structs.replace(fact, occurred_at=EARLIEST), document, at)
    _check_whole(settled, at)
    changes: dict[str, Any] = {"occurred_at": when}
    if is_nobodys:
        changes["account_id"] = NOBODYS
    return structs.replace(settled, **changes)


def _check_ids(kind: type[Fact], document: Mapping[str, Any], at: str) -> None:
    account_id, contact_id = document.get("account_id"), document.get("contact_id")
    if isinstance(account_id, str):
        names.account_id(account_id, f"{at}/account_id")
    if isinstance(contact_id, str):
        names.user_id(contact_id, f"{at}/contact_id")
    if "account_id" not in document and may_wait(kind) and contact_id is None:
        raise Refused(
            "account-missing", "Name the account, or in contact_id a person whose account is known.", f"{at}/account_id"
        )


def _check_whole(fact: Fact, at: str) -> None:
    zone = getattr(fact, "zone", None)
    if isinstance(zone, str):
        names.zone(zone, f"{at}/zone")
    if getattr(fact, "parent_account_id", None) == fact.account_id:
        raise Refused("parent-is-itself", "An account is not its own parent.", f"{at}/parent_account_id")


class _Settling:
    """Instants in UTC and in range, days in range and in order, exact amounts, no field that does not exist."""

    def __init__(self, latest: datetime) -> None:
        self._latest = latest

    def struct(self, value: Any, stated: Mapping[str, Any], at: str) -> Any:
        """The value, settled. Raises `Refused`."""
        fields = {field.name for field in structs.fields(value)}
        for name in stated:
            if name not in fields:
                raise Refused("field-unknown", "There is no such field here.", f"{at}/{_escaped(name)}")
        if isinstance(value, MoneyData):
            return _money(value, stated, at)
        changes = {}
        for name in stated:
            found = getattr(value, name)
            settled = self._value(found, stated[name], f"{at}/{name}")
            if settled is not found:
                changes[name] = settled
        _check_order(value, at)
        return structs.replace(value, **changes) if changes else value

    def _value(self, value: Any, stated: Any, at: str) -> Any:
        match value:
            case datetime():
                return self._instant(value, at)
            case date():
                if not EARLIEST.date() <= value <= LATEST_DAY:
                    raise Refused("day-out-of-range", f"Days lie from {EARLIEST:%Y-%m-%d} to {LATEST_DAY}.", at)
            case msgspec.Struct():
                return self.struct(value, stated, at)
            case tuple():
                return tuple(
                    self._value(one, said, f"{at}/{index}")
                    for index, (one, said) in enumerate(zip(value, stated, strict=True))
                )
        return value

    def _instant(self, value: datetime, at: str) -> datetime:
        instant = in_utc(value, at)
        if not EARLIEST <= instant <= self._latest:
            raise Refused(
                "time-out-of-range", f"What happened did so after {EARLIEST:%Y-%m-%d} and not in the future.", at
            )
        return instant.astimezone(UTC)


def _money(value: MoneyData, stated: Mapping[str, Any], at: str) -> MoneyData:
    if not isinstance(stated["amount"], str) or not _amount.match(stated["amount"]):
        raise Refused(
            "value-invalid", "An amount is a text of digits with a decimal point, such as 1200.00.", at + "/amount"
        )
    if not _currency.match(value.currency):
        raise Refused("value-invalid", "A currency is a code of ISO 4217, such as EUR.", at + "/currency")
    return value


def _check_order(value: Any, at: str) -> None:
    for first, last in (("starts_on", "ends_on"), ("since", "until")):
        begins, ends = getattr(value, first, None), getattr(value, last, None)
        if isinstance(begins, date) and isinstance(ends, date) and ends < begins:
            raise Refused("days-reversed", f"The last day, {last}, lies before the first, {first}.", f"{at}/{last}")


def _sentence(reason: str) -> str:
    expected, is_pattern, _ = reason.partition(" matching regex ")
    if is_pattern:
        return "The text is not written as its schema says (no control characters, the form of a code or a key)."
    return expected


def _escaped(name: str) -> str:
    shown = "".join(c if c.isprintable() else "�" for c in name[:LONGEST_POINTED])
    return shown.replace("~", "~0").replace("/", "~1")
