"""Reads a CSV file of contracts: its columns, and what each row says. Nothing is guessed: `1.234,56` is refused.

Rows are RFC 4180's, apart by commas, semicolons or tabs; the byte order mark that Excel writes is skipped.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import IO, Annotated, Any, Final

from pydantic import Field, TypeAdapter, ValidationError

from mainstay.web.fields import CivilDay
from mainstay.web.problems import Problem, ProblemError
from renewals.api.import_cells import EntitledCell, PricedCell, Whole
from renewals.api.schemas import (
    MOST_SEATS,
    AccountId,
    Amount,
    Currency,
    ExternalId,
    GraceDays,
    NoticeBody,
    Request,
    Seats,
    TermMonths,
    WindowDays,
    ZoneName,
)
from renewals.application.imports import ImportRow
from renewals.application.sources import Outcome
from renewals.domain.consumption import SEATS
from renewals.domain.contracts import AtEnd, Kind
from renewals.domain.entering import exact
from renewals.domain.errors import EARLIEST_START, LATEST_END
from renewals.domain.statements import NAMES

DELIMITERS: Final = ",;\t"
BATCH: Final = 500
LONGEST_CELL: Final = 4_000
MOST_NAMED: Final = 20
"""Unknown columns that an answer names."""

HEADER_INVALID = Problem(422, "header-invalid", "The file's first row does not name the columns of contracts")
FILE_UNREADABLE = Problem(422, "file-unreadable", "The file cannot be read as CSV")


class Cells(Request):
    """One row: a contract's fields, and one of its terms. The names are those of POST /v1/contracts, flat."""

    account_id: AccountId
    external_id: ExternalId
    kind: Kind
    currency: Currency
    start: CivilDay = Field(description="The first day of the term")
    end: CivilDay | None = Field(default=None, description="Its last day; without one it lasts `term_months`")
    term_months: Annotated[TermMonths, Whole] | None = None
    amount: Amount = Field(description="For the whole term")
    seats: Annotated[Seats, Whole] | None = None
    zone: ZoneName | None = None
    at_end: AtEnd | None = None
    grace_days: Annotated[GraceDays, Whole] | None = None
    window_days: Annotated[WindowDays, Whole] | None = None
    notice_amount: Annotated[int, Whole, Field(ge=0, le=1_000)] | None = None
    notice_unit: str | None = None
    notice_counted_from: str | None = None
    notice_roll: str | None = None
    notice_holidays: str | None = None
    entitlements: EntitledCell | None = Field(default=None, description="Of the term: `api_calls=100000; sso=1`")
    price_schedule: PricedCell | None = Field(
        default=None, description="Steps of the term's amount: `2026-01-01=1200.00; 2027-01-01=1300.00`"
    )
    next_amount: Amount | None = Field(default=None, description="For a later term, where the first is an odd one")
    renews: ExternalId | None = Field(default=None, description="The contract that it renews: an id there, or here")
    co_terms_with: ExternalId | None = Field(default=None, description="The contract that its first term ends with")
    cancelled_on: CivilDay | None = Field(default=None, description="The first day without the contract")


COLUMNS: Final = tuple(Cells.model_fields)
REQUIRED: Final = tuple(name for name, info in Cells.model_fields.items() if info.is_required())
_OF_TERM: Final = ("start", "end", "amount", "seats", "entitlements", "price_schedule")
_OF_STEPS: Final = ("entitlements", "price_schedule")
_NOTICE: Final = ("amount", "unit", "counted_from", "roll", "holidays")
_cells = TypeAdapter(Cells)


class ContractFile:
    """A file whose header was read; iterating gives its rows, in batches, as they are to be kept."""

    def __init__(self, file: IO[bytes]) -> None:
        """Raises `ProblemError` where the header is not one of contracts."""
        text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
        try:
            first = text.readline(64 * 1024)
            delimiter = max(DELIMITERS, key=lambda each: len(_named(first, each) & set(COLUMNS)))
            text.seek(0)
            self._reader = csv.reader(text, delimiter=delimiter, strict=True)
            self.columns = _checked([name.strip() for name in next(self._reader, [])])
        except (UnicodeError, csv.Error) as error:
            raise _unreadable(error, 1) from None

    def __iter__(self) -> Iterator[Sequence[ImportRow]]:
        """Raises `ProblemError` where the file is not CSV further on."""
        yield from (list(some) for some in _batches(self._rows()))

    def _rows(self) -> Iterator[ImportRow]:
        number = 1
        while True:
            number += 1
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except (UnicodeError, csv.Error) as error:
                raise _unreadable(error, number) from None
            if any(cell.strip() for cell in cells):
                yield _row(number, self.columns, cells)


def _batches(rows: Iterator[ImportRow]) -> Iterator[Sequence[ImportRow]]:
    while some := [row for _, row in zip(range(BATCH), rows, strict=False)]:
        yield some


def _named(line: str, delimiter: str) -> set[str]:
    return {name.strip() for name in next(csv.reader([line], delimiter=delimiter), [])}


def _checked(columns: Sequence[str]) -> Sequence[str]:
    """The columns, each of which means something. Raises `ProblemError`, which names every one that is wrong."""
    wrong = [f"{name[:60]!r} is no column of contracts" for name in columns if name not in COLUMNS][:MOST_NAMED]
    wrong += [f"{name!r} is there twice" for name in COLUMNS if columns.count(name) > 1]
    wrong += [f"{name!r} is missing" for name in REQUIRED if name not in columns]
    if not {"end", "term_months", "co_terms_with"} & set(columns):
        wrong.append("'end' or 'term_months' is missing: one of them says how long a term lasts")
    if wrong:
        printable = ["".join(c if c.isprintable() else "?" for c in each) for each in wrong]
        errors = [{"pointer": "/1", "detail": each} for each in printable]
        raise ProblemError(HEADER_INVALID, "; ".join(printable), errors=errors)
    return columns


def _unreadable(error: Exception, number: int) -> ProblemError:
    if isinstance(error, UnicodeError):
        return ProblemError(
            FILE_UNREADABLE, f"row {number} or one soon after it is not UTF-8: export the file as UTF-8"
        )
    return ProblemError(FILE_UNREADABLE, f"row {number}: {error}")


def _row(number: int, columns: Sequence[str], cells: Sequence[str]) -> ImportRow:
    """What a row says, or what is wrong with it. An empty cell says nothing."""
    if len(cells) > len(columns) and any(cell.strip() for cell in cells[len(columns) :]):
        return _refused(
            number, {}, "too-many-cells", None, f"the row has {len(cells)} cells, the header {len(columns)}"
        )
    stated = {name: cell.strip() for name, cell in zip(columns, cells, strict=False) if cell.strip()}
    for name, cell in stated.items():
        if len(cell) > LONGEST_CELL or any(ord(c) < 32 or 0xD800 <= ord(c) < 0xE000 for c in cell):
            return _refused(number, {}, "cell-invalid", name, "a cell is one line of text, and not a long one")
    try:
        read = _cells.validate_python(stated)
        notice = _notice(stated)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = str(first["loc"][0]) if first["loc"] else ""
        column = place if place in COLUMNS else f"notice_{place}" if place else None
        detail = str(first["msg"]).removeprefix("Value error, ")
        if column in _OF_STEPS and len(first["loc"]) > 1:
            detail = f"{first['loc'][-1]}: {detail}"
        code = "missing" if first["type"] == "missing" else "invalid"
        return _refused(number, stated, code, column, detail)
    if wrong := _wrong(read):
        return _refused(number, stated, *wrong)
    said = {**_said(read), **notice, "term": _term(read)}
    return ImportRow(number=number, external_id=read.external_id, account_id=read.account_id, stated=said)


def _said(read: Cells) -> dict[str, Any]:
    """What a row says of the contract, but for the notice rule."""
    said = read.model_dump(mode="json", exclude_none=True, exclude={*_OF_TERM, "external_id"})
    if read.next_amount is not None:
        said["next_amount"] = f"{read.next_amount:f}"
    return {name: value for name, value in said.items() if not name.startswith("notice_")}


def _term(read: Cells) -> dict[str, Any]:
    """What a row says of its term. Seats that were written among the entitlements are those of the column."""
    term = read.model_dump(mode="json", exclude_none=True, include={"start", "end", "seats", "entitlements"})
    term["amount"] = f"{read.amount:f}"
    if (entitled := term.get("entitlements")) and SEATS in entitled:
        term["seats"] = entitled.pop(SEATS)
        term = term if entitled else {name: value for name, value in term.items() if name != "entitlements"}
    if read.price_schedule is not None:
        steps = read.price_schedule
        term["price_schedule"] = [{"start": each.start.isoformat(), "amount": f"{each.amount:f}"} for each in steps]
    if read.end is None and read.co_terms_with is None:
        term["months"] = read.term_months
    return term


def _notice(stated: Mapping[str, str]) -> dict[str, Any]:
    """The fields of the notice rule, each as the API takes it. Raises `ValidationError`."""
    rule: dict[str, Any] = {name: stated[f"notice_{name}"] for name in _NOTICE if f"notice_{name}" in stated}
    if not rule:
        return {}
    if str(rule.get("amount", "")).isdigit():
        rule["amount"] = int(rule["amount"][:12])
    checked = NoticeBody.model_validate(rule).model_dump(mode="json", exclude_unset=True)
    return {f"notice_{name}": value for name, value in checked.items()}


def _wrong(read: Cells) -> tuple[str, str, str] | None:
    """What is wrong with a row as a whole: a code, the field, and a sentence."""
    if not EARLIEST_START <= read.start < LATEST_END:
        return "start-out-of-range", "start", f"a contract starts from {EARLIEST_START} on and before {LATEST_END}"
    if read.co_terms_with is not None and (read.end is not None or read.term_months is not None):
        sentence = "a contract that co-terms with another takes its end and length from it"
        return "invalid", "co_terms_with", sentence
    if read.end is None and read.term_months is None and read.co_terms_with is None:
        return "missing", "end", "say the last day of the term (end), or its length (term_months)"
    if read.end is not None and read.end < read.start:
        return "end-before-start", "end", f"a term that starts on {read.start} cannot end on {read.end}"
    if read.end is not None and read.end >= LATEST_END:
        return "end-out-of-range", "end", f"a term ends before {LATEST_END}"
    for name in NAMES:
        if getattr(read, name) == read.external_id:
            return "invalid", name, "a contract names another one, not itself"
    seats = (read.entitlements or {}).get(SEATS, 0)
    if seats > MOST_SEATS or (seats and read.seats not in {None, seats}):
        return "invalid", "entitlements", f"{seats} seats are too many, or the column seats has others"
    return _wrongly_priced(read)


def _wrongly_priced(read: Cells) -> tuple[str, str, str] | None:
    """What is wrong with the amounts of a row, each by itself and together."""
    amounts = [("amount", read.amount), *(("price_schedule", each.amount) for each in read.price_schedule or ())]
    for name, amount in [*amounts, *([("next_amount", read.next_amount)] if read.next_amount is not None else ())]:
        try:
            exact(amount, read.currency)
        except ValueError as error:
            return "amount-invalid", name, str(error)
    if read.price_schedule is None:
        return None
    days = [each.start for each in read.price_schedule]
    if days[0] != read.start or any(one >= other for one, other in pairwise(days)):
        sentence = f"the first step begins with the term, on {read.start}, and each other one after the one before"
        return "price-schedule-invalid", "price_schedule", sentence
    if (total := sum(each.amount for each in read.price_schedule)) != read.amount:
        sentence = f"the steps add up to {total}, the term's amount is {read.amount}"
        return "price-schedule-invalid", "price_schedule", sentence
    return None


def _refused(number: int, stated: Mapping[str, str], code: str, name: str | None, detail: str) -> ImportRow:
    def told(column: str) -> str:
        return stated.get(column, "")[:200]

    return ImportRow(
        number=number,
        external_id=told("external_id"),
        account_id=told("account_id"),
        stated=None,
        outcome=Outcome.REFUSED,
        code=code,
        field=name,
        detail=detail,
    )
