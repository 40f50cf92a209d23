"""The routes of alerts, and those of every other group: translation between HTTP and the application."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import Query

from alerts.api.addresses import addresses
from alerts.api.alert_actions import alert_actions
from alerts.api.cases import cases
from alerts.api.channels import channels
from alerts.api.deliveries import deliveries
from alerts.api.handlers import READ, Handlers, Id, Text, after, following
from alerts.api.kpis import kpis
from alerts.api.links import links
from alerts.api.people import people, teams
from alerts.api.playbooks import playbooks, runs
from alerts.api.reassignments import reassignments
from alerts.api.routing import routing, silences
from alerts.api.rules import rules
from alerts.api.schemas import AlertView, AlertWithHistory, TransitionView
from alerts.api.told_schemas import EscalationView, MuteView, ToldView
from alerts.api.worklist import worklist
from alerts.application.reading import AlertQuery
from alerts.domain.alerts import State
from alerts.domain.words import Severity
from mainstay.web.pages import DEFAULT_LIMIT, Cursor, Limit, Page
from mainstay.web.routes import Routes


def routes(handlers: Handlers) -> Sequence[Routes]:
    """Every group of routes."""
    return (
        _alerts(handlers),
        links(handlers),
        channels(handlers),
        addresses(handlers),
        deliveries(handlers),
        rules(handlers),
        people(handlers),
        teams(handlers),
        playbooks(handlers),
        runs(handlers),
        cases(handlers),
        worklist(handlers),
        kpis(handlers),
        routing(handlers),
        silences(handlers),
        reassignments(handlers),
    )


def _alerts(handlers: Handlers) -> Routes:
    group = Routes(tag="alerts")

    @group.get("/alerts", scope=READ, answers=Page[AlertView])
    async def list_alerts(
        state: Annotated[list[State] | None, Query(description="Any of these")] = None,
        account_id: Text = None,
        owner: Annotated[Text, Query(description="The account's present owner")] = None,
        rule: Text = None,
        severity: Severity | None = None,
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
    ) -> Page[AlertView]:
        """Alerts, the one that began last first."""
        query = AlertQuery(frozenset(state or ()), account_id, owner, rule, severity)
        rulebook = await handlers.rulebook()
        rows = await handlers.reading.alerts(query, limit=limit + 1, after=after("alerts", cursor))
        data = [AlertView.of(alert, account, rulebook) for alert, account in rows[:limit]]
        return Page(
            data=data, next_cursor=following("alerts", rows, limit, data[-1].opened_at, data[-1].id) if data else None
        )

    @group.get("/alerts/{alert_id}", scope=READ, answers=AlertWithHistory)
    async def get_alert(alert_id: Id) -> AlertWithHistory:
        """One alert with its life so far, who was told of it, and why others were not, or not yet."""
        alert, account, steps = await handlers.reading.alert(alert_id)
        view = AlertWithHistory.of(alert, account, await handlers.rulebook())
        told, unreached = await handlers.people_reading.told(alert_id)
        escalation = await handlers.people_reading.escalation(alert_id)
        return view.model_copy(
            update={
                "transitions": [TransitionView.of(step) for step in steps],
                "notifications": [ToldView.of(each) for each in told],
                "unreached": [MuteView.of(each) for each in unreached],
                "escalation": EscalationView.seen(escalation) if escalation else None,
            }
        )

    alert_actions(group, handlers, get_alert)
    return group
