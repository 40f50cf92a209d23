"""A scorecard's document is checked whole: every error is told at once, with its place."""

from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from health_score.scorecards.document import SCHEMA
from health_score.scorecards.plain_yaml import NotPlainYaml, read_yaml
from health_score.scorecards.reading import SHIPPED, ScorecardInvalid, check_scorecard, parse_scorecard, read_scorecard
from mainstay.kernel.differences import Difference, differences

DEFAULT = (files("health_score.scorecards") / "default.yaml").read_text(encoding="utf-8")
PROVE = (files("health_score.scorecards") / "prove.yaml").read_text(encoding="utf-8")


def faults(text: str) -> dict[str, str]:
    with pytest.raises(ScorecardInvalid) as raised:
        parse_scorecard(text, source="card.yaml")
    assert str(raised.value).startswith("card.yaml: ")
    return {fault.pointer: fault.detail for fault in raised.value.faults}


@pytest.mark.parametrize(
    ("old", "new", "pointer"),
    [
        ("id: default", "id: De fault", "/id"),
        ("id: default", "id: active", "/id"),
        ("id: default", "", "/id"),
        ("id: default", "id: default\nowner: me", "/owner"),
        ("dwell_closes: 1", "dwell_closes: 0", "/bands/dwell_closes"),
        ("dwell_closes: 1", "dwell_closes: 1.5", "/bands/dwell_closes"),
        ("coverage_floor: 0.4", "coverage_floor: 1.5", "/bands/coverage_floor"),
        ("coverage_floor: 0.4", "coverage_floor: .nan", "/bands/coverage_floor"),
        ("yellow: {begins: 50, enter: 52, leave: 48}", "yellow: {begins: 50, enter: 49, leave: 48}", "/bands/yellow"),
        ("yellow: {begins: 50, enter: 52,", "yellow: {begins: 50, enter: 80,", "/bands/green/leave"),
        ("yellow: {begins: 50, enter: 52,", "yellow: {begins: 75, enter: 75,", "/bands/green/begins"),
        ("weight: 40\n    measures", "weight: 0\n    measures", "/groups/0/weight"),
        ("weight: 40\n    measures", "weight: true\n    measures", "/groups/0/weight"),
        ("metric: features_used_28d", "metric: features", "/groups/0/measures/1/metric"),
        ("metric: features_used_28d", "metric: custom.", "/groups/0/measures/1/metric"),
        ("line: [[0, 0], [1, 40]", "line: [[2, 0], [1, 40]", "/groups/0/measures/1/line"),
        ("line: [[0, 0], [1, 40]", "line: [[0, 0], [1, 140]", "/groups/0/measures/1/line"),
        ("line: [[0, 0], [1, 40]", "lines: [[0, 0], [1, 40]", "/groups/0/measures/1/lines"),
        ("undefined_scores: 0", "undefined_scores: 101", "/groups/1/measures/0/undefined_scores"),
        ("scores: [100, 75, 45, 15, 0]", "scores: [100, 75]", "/groups/1/measures/1/steps/scores"),
        ("edges: [4, 8, 15, 29]", "edges: [4, 4, 15, 29]", "/groups/1/measures/1/steps/edges"),
        ("edges: [4, 8, 15, 29]", "edges: [4, {above: 3}, 15, 29]", "/groups/1/measures/1/steps/edges"),
        ("edges: [4, 8, 15, 29]", "edges: [4, {over: 8}, 15, 29]", "/groups/1/measures/1/steps/edges/1"),
        ("name: recency", "name: stickiness", "/groups/1/measures/1/name"),
        ("name: recency", "name: override", "/groups/1/measures/1/name"),
        ("name: momentum", "name: adoption", "/groups/2/name"),
        ("name: recency", "name: a\n        when: [{attribute: x, in: [x]}]", "/groups/1/measures/1/when/0/attribute"),
        ("name: recency", "name: recency\n        when: [{attribute: tier}]", "/groups/1/measures/1/when/0"),
        ("name: recency", "name: recency\n        forces: [{band: green, below: 50}]", "/groups/1/measures/1/forces/0"),
        ("name: recency", "name: recency\n        forces: [{band: red, from: 50}]", "/groups/1/measures/1/forces/0"),
        ("name: recency", "name: recency\n        fresh_for_days: -1", "/groups/1/measures/1/fresh_for_days"),
        ("id: default", "id: [", ""),
    ],
)  # fmt: skip
def test_an_error_names_its_place(old: str, new: str, pointer: str) -> None:
    assert DEFAULT.count(old) >= 1
    assert pointer in faults(DEFAULT.replace(old, new, 1))


def test_every_error_is_told_at_once_and_a_mistaken_metric_with_those_like_it() -> None:
    text = DEFAULT.replace("weight: 40\n    measures", "weight: -1\n    measures")
    text = text.replace("features_used_28d", "feature_used_28d")
    text = text.replace("edges: [4, 8, 15, 29]", "edges: [4, 4, 15, 29]").replace("dwell_closes: 1", "dwell_closes: 0")

    told = faults(text)

    assert sorted(told) == [
        "/bands/dwell_closes",
        "/groups/0/measures/1/metric",
        "/groups/0/weight",
        "/groups/1/measures/1/steps/edges",
    ]
    assert told["/groups/0/measures/1/metric"].startswith(
        "no metric is named 'feature_used_28d'; near it are features_"
    )


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        (("by: tenure_months", "by: tenure"), "/groups/0/measures/0/table/by"),
        (("columns: [2, 6, {above: 9}]", "columns: [2, 6]"), "/groups/0/measures/0/table/scores"),
        (("rows: [0.1, 0.51, {above: 0.75}]", "rows: [0.1]"), "/groups/0/measures/0/table/scores"),
        (("            - [null, 0, 0, 0]", "            - [null, 0, 0, 101]"), "/groups/0/measures/0/table/scores/0/3"),
        (("        table:", "        line: [[0, 0]]\n        table:"), "/groups/0/measures/0"),
    ],
)
def test_a_table_fits_its_edges(change: tuple[str, str], pointer: str) -> None:
    assert PROVE.count(change[0]) == 1
    assert list(faults(PROVE.replace(*change))) == [pointer]


@pytest.mark.parametrize("id_", SHIPPED)
def test_what_is_shipped_satisfies_the_published_schema(id_: str) -> None:
    document = yaml.safe_load((files("health_score.scorecards") / f"{id_}.yaml").read_text(encoding="utf-8"))
    validator = jsonschema_rs.validator_for(SCHEMA)

    assert [error.message for error in validator.iter_errors(document)] == []
    assert not validator.is_valid(document | {"owner": "me"})
    document["groups"][0]["measures"][0]["weight"] = 0
    assert not validator.is_valid(document)


def test_a_document_over_http_may_leave_its_id_out_and_have_no_other_one() -> None:
    body: dict[str, Any] = yaml.safe_load(DEFAULT)
    del body["id"]
    assert check_scorecard(body, source="mine", expected_id="mine").id == "mine"
    with pytest.raises(ScorecardInvalid) as raised:
        check_scorecard({**body, "id": "other"}, source="mine", expected_id="mine")
    assert [fault.pointer for fault in raised.value.faults] == ["/id"]


def test_a_scorecard_may_come_from_a_file_and_its_version_is_not_read(tmp_path: Path) -> None:
    document = yaml.safe_load(DEFAULT) | {"id": "mine", "version": 4}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(document))

    found = read_scorecard(tmp_path / "mine.yaml")

    assert (found.card.id, found.card.version, "version" in found.body) == ("mine", 1, False)
    assert found.card.groups == read_scorecard().card.groups


@pytest.mark.parametrize(
    "text",
    [
        "a: &x [1]\nb: *x",
        "a: 1\na: 2",
        "? [1]\n: 2",
        "1: 2",
        "[" * 5_000,
        "a: 2020-13-01",
        "a: 2020-01-01",
        "a: " + "9" * 5_000,
        "!!python/object/apply:os.system [x]",
        "a: !!binary aGk=",
        "a: !!set {b}",
        'a: "\\0"',
        "a" * 70_000,
        "a: [",
    ],
)
def test_yaml_beyond_json_is_refused(text: str) -> None:
    with pytest.raises(NotPlainYaml):
        read_yaml(text)


def test_differences_are_told_by_name() -> None:
    before = {"bands": {"floor": 1}, "groups": [{"name": "a", "weight": 1}, {"name": "b", "line": [[0, 0]]}], "x": 1}
    after = {"bands": {"floor": 2}, "groups": [{"name": "b", "line": [[0, 1]]}, {"name": "c"}], "y": None, "x": 1}

    assert differences(before, before) == ()
    assert differences(before, after) == (
        Difference("/bands/floor", 1, 2),
        Difference("/groups/b/line", [[0, 0]], [[0, 1]]),
        Difference("/groups/c", None, {"name": "c"}),
        Difference("/groups/a", {"name": "a", "weight": 1}, None),
    )
    turned = {"groups": [{"name": "b", "line": [[0, 0]]}, {"name": "a", "weight": 1}]}
    assert differences({"groups": before["groups"]}, turned) == (Difference("/groups/order", ["a", "b"], ["b", "a"]),)
