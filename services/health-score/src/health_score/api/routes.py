"""Every group of routes, in the order in which they are tried, and every error with its problem."""

from collections.abc import Mapping, Sequence

from health_score.api import (
    account_health,
    accounts,
    asking,
    backtests,
    changes,
    csms,
    explain,
    feedback,
    health,
    kpis,
    lifecycle,
    metrics,
    pictures,
    portfolio,
    report,
    rules,
    scorecards,
    timeline,
)
from mainstay.web.problems import Problem
from mainstay.web.routes import Routes

ROUTES: Sequence[Routes] = (
    backtests.routes,
    scorecards.routes,
    health.routes,
    explain.routes,
    report.routes,
    timeline.routes,
    account_health.routes,
    metrics.routes,
    portfolio.routes,
    pictures.routes,
    csms.routes,
    kpis.routes,
    rules.routes,
    lifecycle.routes,
    feedback.routes,
    changes.routes,
    accounts.routes,  # the last: its paths fit those of the others too
)

PROBLEMS: Mapping[type[Exception], Problem] = {
    **asking.PROBLEMS,
    **account_health.PROBLEMS,
    **explain.PROBLEMS,
    **report.PROBLEMS,
    **metrics.PROBLEMS,
    **kpis.PROBLEMS,
    **pictures.PROBLEMS,
    **scorecards.PROBLEMS,
    **backtests.PROBLEMS,
    **rules.PROBLEMS,
    **lifecycle.PROBLEMS,
}
