"""A scorecard's document is checked whole, and an error names the place."""

from importlib.resources import files
from pathlib import Path

import pytest
import yaml

from health_score.scorecards.reading import ScorecardInvalid, parse_scorecard, read_scorecard

DEFAULT = (files("health_score.scorecards") / "default.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("version: 1", "version: one", "$.version"),
        ("version: 1", "version: 0", "$.version"),
        ("dwell_closes: 1", "dwell_closes: 0", "$.bands.dwell_closes"),
        ("coverage_floor: 0.4", "coverage_floor: 1.5", "$.bands.coverage_floor"),
        ("yellow: {begins: 50, enter: 52, leave: 48}", "yellow: {begins: 50, enter: 49, leave: 48}", "$.bands.yellow"),
        ("yellow: {begins: 50, enter: 52,", "yellow: {begins: 50, enter: 80,", "$.bands.green.leave"),
        ("weight: 40\n    measures", "weight: 0\n    measures", "$.groups[0].weight"),
        ("metric: features_used_28d", "metric: features", "$.groups[0].measures[1].metric"),
        ("line: [[0, 0], [1, 40]", "line: [[2, 0], [1, 40]", "$.groups[0].measures[1].line"),
        ("line: [[0, 0], [1, 40]", "line: [[0, 0], [1, 140]", "$.groups[0].measures[1].line[1][1]"),
        ("line: [[0, 0], [1, 40]", "lines: [[0, 0], [1, 40]", "$.groups[0].measures[1]"),
        ("undefined_scores: 0", "undefined_scores: 101", "$.groups[1].measures[0].undefined_scores"),
        ("scores: [100, 75, 45, 15, 0]", "scores: [100, 75]", "$.groups[1].measures[1].steps.scores"),
        ("edges: [4, 8, 15, 29]", "edges: [4, 4, 15, 29]", "$.groups[1].measures[1].steps.edges"),
        ("name: recency", "name: stickiness", "$.groups[…].measures"),
        ("name: momentum", "name: adoption", "$.groups"),
        ("id: default", "id: [", "$"),
    ],
)
def test_an_error_names_its_place(old: str, new: str, path: str) -> None:
    assert DEFAULT.count(old) >= 1

    with pytest.raises(ScorecardInvalid) as raised:
        parse_scorecard(DEFAULT.replace(old, new, 1), source="card.yaml")

    assert raised.value.path == path
    assert str(raised.value).startswith("card.yaml: $")


def test_a_comment_leaves_the_digest_alone_and_a_weight_does_not() -> None:
    whole = parse_scorecard(DEFAULT, source="a")
    assert parse_scorecard(DEFAULT + "\n# a remark\n", source="b").digest == whole.digest
    assert parse_scorecard(DEFAULT.replace("weight: 60", "weight: 61"), source="c").digest != whole.digest


def test_a_scorecard_may_come_from_a_file(tmp_path: Path) -> None:
    document = yaml.safe_load(DEFAULT) | {"id": "mine", "version": 4}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(document))

    card = read_scorecard(tmp_path / "mine.yaml").card

    assert (card.id, card.version) == ("mine", 4)
    assert card.groups == read_scorecard().card.groups
