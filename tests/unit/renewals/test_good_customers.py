"""What makes a good customer: the verdict against every way in which the unknown could turn out."""

from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from renewals.domain.good_customers import Criteria, Criterion, Fact, Known, Verdict, judge

WORD, OTHER = "yes", "no"


def criterion(name: str, *, is_required: bool) -> Criterion:
    return Criterion(name=name, fact=Fact.SEGMENT, among=(WORD,), is_required=is_required)


def plainly(criteria: Criteria, known: dict[str, Known]) -> Verdict:
    """By trying every way in which what is not known could turn out."""
    unknown = [name for name, value in known.items() if value is None]
    verdicts = set()
    for words in product((WORD, OTHER), repeat=len(unknown)):
        full = {**known, **dict(zip(unknown, words, strict=True))}
        met = [each for each in criteria.criteria if full[each.name] == WORD]
        verdicts.add(len(met) >= criteria.needed and all(each in met for each in criteria.criteria if each.is_required))
    if len(verdicts) == 2:
        return Verdict.UNKNOWN
    return Verdict.GOOD if verdicts == {True} else Verdict.NOT_GOOD


@given(st.lists(st.tuples(st.booleans(), st.sampled_from([WORD, OTHER, None])), min_size=1, max_size=6), st.data())
def test_a_verdict_stands_whatever_the_unknown_turns_out_to_be(
    drawn: list[tuple[bool, Known]], data: st.DataObject
) -> None:
    needed = data.draw(st.integers(1, len(drawn)))
    criteria = Criteria(
        1, tuple(criterion(str(n), is_required=required) for n, (required, _) in enumerate(drawn)), needed
    )
    known = {str(n): value for n, (_, value) in enumerate(drawn)}

    judged = judge(criteria, lambda each: known[each.name])

    assert judged.verdict is plainly(criteria, known)
    assert [each.known for each in judged.found] == list(known.values())


@pytest.mark.parametrize(
    ("facts", "known", "is_met"),
    [
        ({"among": ("mid", "large")}, "mid", True),
        ({"among": ("mid", "large")}, "small", False),
        ({"none_of": ("gambling",)}, "gambling", False),
        ({"none_of": ("gambling",)}, "travel", True),
        ({"at_least": Decimal(10)}, Decimal(10), True),
        ({"at_least": Decimal(10)}, Decimal("9.99"), False),
        ({"at_most": Decimal(10)}, Decimal(10), True),
        ({"at_least": Decimal(1), "at_most": Decimal(10)}, Decimal(11), False),
        ({"at_most": Decimal(10)}, None, None),
    ],
)
def test_a_criterion_is_met_failed_or_not_known(facts: dict[str, object], known: Known, *, is_met: bool | None) -> None:
    assert Criterion(name="c", fact=Fact.SEATS, **facts).met(known) is is_met  # type: ignore[arg-type] # a builder


def test_without_criteria_nobody_is_good_or_bad() -> None:
    assert judge(None, lambda _: None).verdict is Verdict.UNKNOWN
