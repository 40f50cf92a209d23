"""Custom metrics against their definitions, and documents that make no sense."""

import random
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from health_score.application.metric_documents import counting_from, counting_to, metric_from, properties_from
from health_score.domain.activity import Activity
from health_score.domain.facts.known import Known, Thing
from health_score.domain.metrics.catalogue import METRICS, as_of, reach_of
from health_score.domain.metrics.custom import InForce, MetricInvalid, as_metrics, check_uses, define
from health_score.domain.metrics.matching import Counting
from health_score.domain.metrics.reading import Metric, Unit
from health_score.domain.metrics.series import SeriesDay, amount_of
from health_score.store.documents import canonical

FIRST = date(2025, 1, 1)

VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from(["a", "1", ""])
    | st.decimals(min_value=-3, max_value=3, places=2)
)
EVENTS = st.lists(
    st.fixed_dictionaries(
        {
            "day": st.integers(0, 60),
            "event": st.sampled_from(["Export", "Login", "Share"]),
            "feature": st.sampled_from(["pdf", "csv"]),
            "user": st.none() | st.integers(0, 5),
            "properties": st.dictionaries(st.sampled_from(["rows", "format"]), VALUES, max_size=2),
        }
    ),
    max_size=40,
)


def series_of(counting: Counting, events: list[dict[str, Any]]) -> dict[date, SeriesDay]:
    days: dict[date, SeriesDay] = {}
    for each in events:
        match = counting.match(each["event"], each["feature"], partial(each.__getitem__, "properties"))
        if match is not None:
            day = FIRST + timedelta(days=each["day"])
            days.setdefault(day, SeriesDay()).count(each["user"], match.amount)
    return days


def read(document: dict[str, Any], events: list[dict[str, Any]], day: date, *, seats: int | None = None) -> Any:
    metric = define("custom.m", document)
    made = as_metrics([InForce(metric, 1, 7)], METRICS)["custom.m"]
    activity = Activity(FIRST - timedelta(days=400))
    reading = as_of(
        activity,
        day,
        running=False,
        seats=seats,
        reach=made.reach,
        series={7: series_of(metric.counting, events)},
    )
    return made.read(reading)


@given(events=EVENTS, back=st.integers(0, 70), days=st.integers(1, 40), shuffle=st.randoms(use_true_random=False))
def test_figures_are_what_their_definitions_say_in_any_order(
    events: list[dict[str, Any]], back: int, days: int, shuffle: random.Random
) -> None:
    day = FIRST + timedelta(days=back)

    def is_number(value: object) -> bool:
        return isinstance(value, (int, Decimal)) and not isinstance(value, bool)

    matching = [
        each
        for each in events
        if back - days < each["day"] <= back
        and each["event"] in {"Export", "Share"}
        and each["feature"] == "pdf"
        and is_number(rows := each["properties"].get("rows"))
        and rows >= Decimal("0.5")
    ]
    filters = {
        "events": ["Export", "Share"],
        "features": ["pdf"],
        "properties": [{"property": "rows", "at_least": 0.5}],
    }
    shuffle.shuffle(events)

    def figure(**more: Any) -> Any:
        return read({"filter": filters, "window_days": days, **more}, events, day, seats=4)

    users = {each["user"] for each in matching} - {None}
    assert figure(figure="count") == len(matching)
    assert figure(figure="users") == len(users)
    assert figure(figure="sum", property="rows") == sum(Fraction(each["properties"]["rows"]) for each in matching)
    assert figure(figure="users", divided_by={"over": "seats"}) == Fraction(len(users), 4)


@pytest.mark.parametrize(
    ("condition", "matching"),
    [
        ({"equals": 1}, [1, Decimal("1.0")]),
        ({"equals": "1"}, ["1"]),
        ({"equals": True}, [True]),
        ({"equals": 0.1}, [Decimal("0.1"), Decimal("0.10")]),
        ({"in": ["1", 2]}, ["1", 2]),
        ({"exists": True}, [1, Decimal("1.0"), "1", True, False, 2, Decimal("0.1"), Decimal("0.10"), {"a": 1}]),
        ({"exists": False}, [None]),
        ({"above": 1}, [2]),
        ({"at_least": 1}, [1, Decimal("1.0"), 2]),
        ({"below": 1}, [Decimal("0.1"), Decimal("0.10")]),
        ({"at_most": 1, "above": 0.1}, [1, Decimal("1.0")]),
    ],
)
def test_what_conditions_hold_of(condition: dict[str, Any], matching: list[Any]) -> None:
    values: list[Any] = [1, Decimal("1.0"), "1", True, False, 2, None, Decimal("0.1"), Decimal("0.10"), {"a": 1}]
    document = {"figure": "count", "window_days": 1, "filter": {"properties": [{"property": "p", **condition}]}}
    counting = define("custom.m", document).counting
    found = [value for value in values if counting.match("e", "f", partial(dict, p=value)) is not None]
    assert list(map(repr, found)) == list(map(repr, matching))


def test_a_pointer_finds_what_lies_within() -> None:
    document = {"figure": "sum", "property": "/export/a~1b", "window_days": 1}
    counting = define("custom.m", document).counting
    amounts = [
        match and match.amount
        for stored in ('{"export":{"a/b":3}}', '{"export":{"a/b":true}}', '{"export":3}', "[1]")
        for match in [counting.match("e", "f", partial(properties_from, stored))]
    ]
    assert amounts == [Decimal(3), None, None, None]


def test_sums_are_exact_and_what_cannot_be_summed_adds_nothing() -> None:
    stored = ("0.1", "0.2", "1e29", "-1e29", "123456789012345678901", '"5"', "true", "1e30", "1e-31", "9e999999")
    amounts = [amount_of(properties_from(f'{{"p":{each}}}')["p"]) for each in stored]
    assert amounts[5:] == [None] * 5
    day = SeriesDay()
    for amount in amounts:
        day.count(None, amount)
    assert (day.events, day.amount) == (10, Decimal("123456789012345678901.3"))


@given(st.data())
def test_a_counting_survives_its_json(data: st.DataObject) -> None:
    names = st.lists(st.sampled_from(["a", "b", "c"]), max_size=3)
    condition = st.fixed_dictionaries(
        {"property": st.sampled_from(["p", "/p/q"])},
        optional={
            "in": st.lists(st.sampled_from([True, 0, -7, 10**30, "", 'é"', 0.1]), min_size=1, max_size=3),
            "at_least": st.sampled_from([-5, 0, 0.001, 2.5]),
        },
    ).filter(lambda each: len(each) > 1)
    document = {
        "figure": "sum",
        "property": "p",
        "window_days": 3,
        "filter": {
            "events": data.draw(names),
            "features": data.draw(names),
            "properties": data.draw(st.lists(condition, max_size=3)),
        },
    }
    counting = define("custom.m", document).counting
    stored, digest = canonical(counting_to(counting))
    assert counting_from(stored) == counting
    assert canonical(counting_to(counting_from(stored)))[1] == digest
    assert metric_from("custom.m", canonical(document)[0]).counting == counting


def test_ratios_divide_by_what_was_bought_or_by_another_metric() -> None:
    events = [{"day": 3, "event": "Call", "feature": "Call", "user": 1, "properties": {}} for _ in range(30)]
    calls = {"figure": "count", "window_days": 28, "filter": {"events": ["Call"]}}
    of_plan = define("custom.of_plan", {**calls, "divided_by": {"over": "entitlement", "name": "api_calls"}})
    each = define("custom.each", {**calls, "divided_by": {"over": "metric", "name": "custom.callers"}})
    callers = define("custom.callers", {**calls, "figure": "users"})
    orphan = define("custom.orphan", {**calls, "divided_by": {"over": "metric", "name": "custom.gone"}})
    made = as_metrics([InForce(metric, 1, 7) for metric in (each, of_plan, callers, orphan)], METRICS)

    def value(name: str, known: Known | None = None) -> Any:
        return made[name].read(
            as_of(
                Activity(FIRST),
                FIRST + timedelta(days=9),
                running=False,
                seats=None,
                known=known,
                series={7: series_of(callers.counting, events)},
            )
        )

    at = Known({"entitlement": {"api_calls": Thing("api_calls", None, None, {"bought": Decimal(120)})}})  # type: ignore[arg-type] # its times are not read
    assert value("custom.of_plan", at) == Fraction(1, 4)
    assert value("custom.of_plan") is None
    assert value("custom.each") == 30
    assert value("custom.orphan") is None
    assert made["custom.each"].series == {7}
    assert made["custom.each"].unit is Unit.SHARE


def test_a_metric_says_what_it_is_and_how_far_it_looks() -> None:
    document = {
        "figure": "sum",
        "property": "rows",
        "window_days": 14,
        "filter": {
            "events": ["Export", "Share"],
            "properties": [{"property": "format", "in": ["pdf", True]}, {"property": "rows", "above": 0.5}],
        },
        "divided_by": {"over": "metric", "name": "usage_trend_90d"},
    }
    made = as_metrics([InForce(define("custom.m", document), 1, 7)], METRICS)["custom.m"]
    assert made.means == (
        'Sum of rows over events named Export or Share with format = "pdf" or true and rows > 0.5 in 14 days'
        " ÷ usage_trend_90d"
    )
    assert made.reach == timedelta(days=180) == reach_of([made])


@pytest.mark.parametrize(
    ("changes", "pointer", "reason"),
    [
        ({"figure": "sum"}, "/property", "needs the name"),
        ({"property": "rows"}, "/property", "belongs to a sum"),
        ({"divided_by": {"over": "seats", "name": "x"}}, "/divided_by/name", "belongs to an entitlement"),
        ({"divided_by": {"over": "entitlement"}}, "/divided_by/name", "name of the entitlement is missing"),
        ({"divided_by": {"over": "metric", "name": "nope"}}, "/divided_by/name", "no metric is named 'nope'"),
        ({"divided_by": {"over": "metric", "name": "custom.m"}}, "/divided_by/name", "circle: custom.m ÷ custom.m"),
        (
            {"divided_by": {"over": "metric", "name": "custom.other"}},
            "/divided_by/name",
            "circle: custom.m ÷ custom.other ÷ custom.m",
        ),
        ({"filter": {"properties": [{"property": "p"}]}}, "/filter/properties/0", "asks nothing"),
        (
            {"filter": {"properties": [{"property": "p", "exists": True}, {"property": "p", "equals": 1, "in": [2]}]}},
            "/filter/properties/1/in",
            "stands beside",
        ),
        ({"filter": {"properties": [{"property": "p", "above": 2, "below": 1}]}}, "/filter/properties/0", "no number"),
        (
            {"filter": {"properties": [{"property": "p", "exists": False, "equals": 1}]}},
            "/filter/properties/0/exists",
            "absent",
        ),
    ],
)
def test_what_makes_no_sense_is_said_precisely(changes: dict[str, Any], pointer: str, reason: str) -> None:
    other = define(
        "custom.other", {"figure": "count", "window_days": 1, "divided_by": {"over": "metric", "name": "custom.m"}}
    )
    with pytest.raises(MetricInvalid, match=reason) as found:
        check_uses(
            define("custom.m", {"figure": "count", "window_days": 28, **changes}),
            {"custom.other": other},
            dict[str, Metric](METRICS),
        )
    assert found.value.pointer == pointer
