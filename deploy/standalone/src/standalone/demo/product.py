"""The product that the demo's customers use: planning and reporting software for teams.

A feature is what customer success counts; an event is what the product says when somebody uses it.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Feature:
    """A part of the product, the events it says, and how often people reach for it (relative weight)."""

    name: str
    events: tuple[str, ...]
    weight: int


FEATURES = (
    Feature("boards", ("Task Completed", "Task Created", "Board Viewed"), 30),
    Feature("dashboards", ("Dashboard Viewed",), 18),
    Feature("comments", ("Comment Added",), 14),
    Feature("reports", ("Report Viewed", "Report Shared"), 12),
    Feature("search", ("Search Performed",), 8),
    Feature("automations", ("Automation Run",), 7),
    Feature("approvals", ("Approval Requested", "Approval Given"), 5),
    Feature("exports", ("Export Downloaded",), 4),
    Feature("integrations", ("Integration Synced",), 3),
    Feature("forecasts", ("Forecast Updated",), 2),
)
"""In the order in which customers usually take them up."""
