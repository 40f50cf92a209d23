"""How far an objective is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from health_score.domain.success_plan import progress, reached

NUMBER = st.floats(-1e15, 1e15, allow_nan=False)


@pytest.mark.parametrize(
    ("value", "baseline", "target", "way", "is_reached"),
    [
        (30, 10, 50, 0.5, False),
        (50, 10, 50, 1, True),
        (70, 10, 50, 1, True),
        (5, 10, 50, 0, False),
        (8, 12, 4, 0.5, False),  # less is better
        (4, 12, 4, 1, True),
        (3, 12, 4, 1, True),
        (0.3, 0.1, 0.5, 0.5, False),  # as written, not as the nearest binary number
        (9, 10, 10, 0, False),
        (10, 10, 10, 1, True),
        (10, None, 10, None, True),
        (None, 1, 2, None, None),
        (1, 1, None, None, None),
    ],
)
def test_progress_is_the_way_from_the_baseline_to_the_target(
    value: float | None, baseline: float | None, target: float | None, way: float | None, *, is_reached: bool | None
) -> None:
    assert progress(value, baseline, target) == way
    assert reached(value, baseline, target) is is_reached


@given(NUMBER, NUMBER, NUMBER)
def test_progress_is_whole_exactly_when_the_target_is_reached(value: float, baseline: float, target: float) -> None:
    way = progress(value, baseline, target)
    assert way is not None
    assert 0 <= way <= 1
    if reached(value, baseline, target):
        assert way == 1
