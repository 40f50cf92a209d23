"""Every call that a client has beside `track`, made once through it as its documents say."""

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

AT = datetime(2026, 1, 5, 8, tzinfo=UTC)
"""When everything happened, where a client can say so."""

Caller: TypeAlias = Callable[[str, str], None]
"""Called with ingest's address and a key."""


def segment(url: str, key: str) -> None:
    """segment-analytics-python."""
    from segment.analytics import request  # noqa: PLC0415 - to close its pool
    from segment.analytics.client import Client  # noqa: PLC0415 - loaded only where it is tested

    try:
        _calls(Client, key, url)
    finally:
        request._session.close()


def rudder(url: str, key: str) -> None:
    """rudder-sdk-python."""
    from rudderstack.analytics import request  # noqa: PLC0415 - to close its pool
    from rudderstack.analytics.client import Client  # noqa: PLC0415 - loaded only where it is tested

    try:
        _calls(Client, key, url)
    finally:
        request._session.close()


def _calls(client_type: Any, key: str, url: str) -> None:
    failures: list[Exception] = []
    client = client_type(key, host=url, upload_interval=0.5, on_error=lambda error, _items: failures.append(error))
    person = {"firstName": "Ann", "lastName": "Lee", "email": "ann@acme.example", "title": "Buyer", "age": 40}
    client.identify("ann", person, {"groupId": 42}, AT)
    client.group("ann", 42, {"name": "Acme", "plan": "gold", "industry": None, "employees": 12}, {}, AT)
    client.page("ann", "Docs", "Pricing", {"url": "/pricing"}, {"groupId": 42}, AT)
    client.screen("ann", None, "Home", {}, {"groupId": 42}, AT)
    client.alias("visitor-1", "ann", {}, AT)
    client.track("ann", "Exported", {"feature": "reports"}, {}, AT)
    client.track(None, "Looked Around", {}, {}, AT, anonymous_id="visitor-1")
    client.flush()
    client.join()
    assert failures == []


def analytics_node(folder: Path) -> Caller:
    """@segment/analytics-node, installed in that folder."""

    def call(url: str, key: str) -> None:
        subprocess.run(["node", folder / "calls.mjs", url, key], check=True)

    return call


def sensors(url: str, key: str) -> None:
    """SensorsAnalyticsSDK, each way that it says who somebody is."""
    from sensorsanalytics import sdk  # noqa: PLC0415 - loaded only where it is tested

    milliseconds = round(AT.timestamp() * 1000)
    analytics = sdk.SensorsAnalytics(sdk.BatchConsumer(f"{url}/sa?project=production&token={key}"))
    analytics.profile_set("ann", {"name": "Ann", "company_id": "acme", "age": 40}, is_login_id=True)
    analytics.profile_set_once("ann", {"email": "ann@acme.example", "company_id": "acme"}, is_login_id=True)
    analytics.profile_unset("ann", ["title"], is_login_id=True)
    analytics.profile_increment("ann", {"visits": 1})
    analytics.track_signup("ann", "visitor-1")
    analytics.bind(
        sdk.SensorsAnalyticsIdentity("$identity_login_id", "ann"), sdk.SensorsAnalyticsIdentity("$mobile", "123")
    )
    analytics.track("visitor-1", "Looked_Around", {"$time": milliseconds})
    analytics.track_by_id("Called", {"$time": milliseconds}, sdk.SensorsAnalyticsIdentity("$mobile", "123"))
    analytics.flush()
    analytics.close()


def totango(url: str, key: str) -> None:
    """PyPI totango, with all that can be said in a call."""
    from totango import Totango  # noqa: PLC0415 - loaded only where it is tested

    client = Totango(key, user_name="Ann", account_name="Acme")
    client.url = f"{url}/pixel.gif/"
    known = {"user_opts": {"email": "ann@acme.example", "age": 40}, "account_opts": {"tier": "gold", "seats": 12}}
    client.track("Reports", "Exported", user_id="ann", account_id="acme", **known)
    client.send(user_id="ann", account_id="acme")
