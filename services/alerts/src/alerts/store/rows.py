"""Rows of deliveries, as the application knows them."""

from typing import Any

from sqlalchemy import Row

from alerts.application.delivery_ports import Delivery
from alerts.domain.deliveries import DeliveryState


def to_delivery(row: Row[Any]) -> Delivery:
    """The delivery in a row."""
    return Delivery(
        id=row.id,
        notification_id=row.notification_id,
        channel_id=row.channel_id,
        state=DeliveryState(row.state),
        created_at=row.created_at,
        attempts=row.attempts,
        next_attempt_at=row.next_attempt_at,
        delivered_at=row.delivered_at,
        error=row.error,
        unclear=row.unclear,
        route_at_send=row.route_at_send,
        trial=row.trial,
        digest_id=row.digest_id,
        attempts_before=row.attempts_before,
        person_id=row.person_id,
        muted_by=row.muted_by,
        muted_why=row.muted_why,
        through=row.through,
        policy=row.policy,
        grouped=row.grouped,
    )
