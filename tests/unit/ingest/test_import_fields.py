import pytest

from ingest.api.import_fields import KINDS, field_of
from ingest.domain.refusal import Refused


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2026-03-01T09:00:00Z", "2026-03-01T09:00:00Z"),
        ("2026-03-01 09:00:00.25+02:00", "2026-03-01T09:00:00.25+02:00"),
        ("2026-03-01 09:00", "2026-03-01T09:00:00Z"),
        (" 2026-03-01 ", "2026-03-01T00:00:00Z"),
    ],
)
def test_times_are_read_as_spreadsheets_write_them(written: str, read: str) -> None:
    assert field_of("event", "occurred_at", "When").read(written, "When") == read


@pytest.mark.parametrize("written", ["01.03.2026", "3/1/2026 9:00", "46082", "yesterday", "2026-03-01T", "२०२६-03-01"])
def test_what_is_no_time_is_refused_with_its_column(written: str) -> None:
    with pytest.raises(Refused, match="Expected a time such as") as refused:
        field_of("event", "occurred_at", "When/At").read(written, "When/At")

    assert refused.value.pointer == "/When~1At"


def test_every_fact_is_a_kind() -> None:
    assert {"event", "account", "contact", "contract", "ticket", "invoice"} <= KINDS.keys()
    assert len(KINDS) == 14


@pytest.mark.parametrize(
    ("kind", "target", "path", "written", "read"),
    [
        ("contract", "terms.0.starts_on", ("terms", 0, "starts_on"), "2026-01-01 00:00:00", "2026-01-01"),
        ("contract", "terms.1.amount.amount", ("terms", 1, "amount", "amount"), "1200.00", "1200.00"),
        ("account", "external_ids.crm", ("external_ids", "crm"), "0015", "0015"),
        ("entitlement", "features", ("features",), "reports; export", ["reports", "export"]),
        ("survey_response", "score", ("score",), "9", 9),
        ("event", "properties.minutes:number", ("properties", "minutes"), "2.5", 2.5),
    ],
)
def test_a_column_may_go_deep(kind: str, target: str, path: tuple[str | int, ...], written: str, read: object) -> None:
    field = field_of(kind, target, "C")

    assert (field.path, field.read(written, "C")) == (path, read)


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        ("contract", "terms"),
        ("contract", "terms.x.seats"),
        ("contract", "terms.0"),
        ("event", "properties."),
        ("account", ""),
    ],
)
def test_a_field_that_does_not_exist_is_refused_with_those_that_do(kind: str, target: str) -> None:
    with pytest.raises(Refused, match="account_id"):
        field_of(kind, target, "C")
