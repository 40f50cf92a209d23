"""What people, other systems and time may record of contracts: steps for tests that draw them, with what they take."""

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

ACCOUNTS = ("acme", "bolt", "core")
CHANGES: Mapping[str, st.SearchStrategy[dict[str, Any]]] = {
    "a_contract_is_entered": st.fixed_dictionaries(
        {
            "account": st.sampled_from(ACCOUNTS),
            "ago": st.sampled_from((-20, 10, 200, 364, 400, 800)),
            "months": st.sampled_from((1, 6, 12)),
            "at_end": st.sampled_from(("renew", "cancel", "cancel", "evergreen")),
            "grace": st.sampled_from((0, 45)),
            "renews": st.booleans(),
        }
    ),
    "a_change_is_backdated": st.fixed_dictionaries(
        {
            "which": st.integers(0, 2),
            "days": st.sampled_from((-300, -30, 0)),
            "amount": st.sampled_from(("50.00", "2400.00")),
        }
    ),
    "a_contract_is_cancelled": st.fixed_dictionaries(
        {"which": st.integers(0, 2), "days": st.sampled_from((-300, -40, 0, 30))}
    ),
    "a_cancellation_is_withdrawn": st.fixed_dictionaries({"which": st.integers(0, 2)}),
    "a_term_is_renewed_by_hand": st.fixed_dictionaries(
        {"which": st.integers(0, 2), "months": st.sampled_from((3, 24))}
    ),
    "a_contract_changes_hands": st.fixed_dictionaries(
        {"which": st.integers(0, 2), "into": st.sampled_from(ACCOUNTS), "days": st.sampled_from((-60, 0, 60))}
    ),
    "accounts_are_merged": st.fixed_dictionaries(
        {"account": st.sampled_from(ACCOUNTS), "into": st.sampled_from(ACCOUNTS)}
    ),
    "a_lost_term_is_reviewed": st.fixed_dictionaries(
        {
            "which": st.integers(0, 2),
            "term": st.integers(1, 2),
            "is_done": st.booleans(),
            "reason": st.sampled_from(("price", "other")),
        }
    ),
    "credit_is_split": st.fixed_dictionaries(
        {"which": st.integers(0, 2), "term": st.integers(1, 2), "days": st.sampled_from((-20, 0, 20))}
    ),
    "a_call_is_said": st.fixed_dictionaries(
        {"which": st.integers(0, 2), "term": st.integers(1, 2), "probability": st.sampled_from(("0.2", "0.9"))}
    ),
    "a_renewal_is_handed_over": st.fixed_dictionaries(
        {"which": st.integers(0, 2), "owner": st.sampled_from(("ann", "bob"))}
    ),
    "a_charge_is_recorded": st.fixed_dictionaries(
        {"which": st.integers(0, 2), "days": st.sampled_from((-100, -3, 5)), "quantity": st.sampled_from(("50", "-20"))}
    ),
    "use_is_stated_or_corrected": st.fixed_dictionaries(
        {
            "account": st.sampled_from(ACCOUNTS),
            "ago": st.integers(0, 6),
            "used": st.sampled_from((10.0, 80.0, 280.0)),
            "hour": st.sampled_from((1, 20)),
        }
    ),
    "an_account_becomes_another": st.fixed_dictionaries(
        {
            "account": st.sampled_from(ACCOUNTS),
            "segment": st.sampled_from(("large", "small")),
            "tier": st.sampled_from((None, "gold")),
        }
    ),
    "a_source_states_a_contract": st.fixed_dictionaries({"which": st.integers(0, 1), "links": st.booleans()}),
    "an_opportunity_is_entered": st.fixed_dictionaries(
        {"account": st.sampled_from(ACCOUNTS), "owner": st.sampled_from((None, "ann"))}
    ),
    "an_opportunity_goes_on": st.fixed_dictionaries(
        {
            "which": st.integers(0, 1),
            "stage": st.sampled_from(("qualified", "won", "lost")),
            "owner": st.sampled_from(("ann", None)),
        }
    ),
    "inputs_are_stated": st.fixed_dictionaries(
        {"days": st.sampled_from((-400, -30, 0)), "rate": st.sampled_from(("0.8", "0.95"))}
    ),
    "documents_are_saved": st.fixed_dictionaries(
        {"segment": st.sampled_from(("large", "small")), "days": st.sampled_from((20, 90))}
    ),
    "time_goes_by": st.fixed_dictionaries({"days": st.sampled_from((1, 20, 60, 200))}),
}
"""What is recorded, by the name of its method."""
TWICE = (
    "a_lost_term_is_reviewed",
    "a_source_states_a_contract",
    "an_opportunity_goes_on",
    "credit_is_split",
    "use_is_stated_or_corrected",
)
"""What is corrected by being recorded again."""
