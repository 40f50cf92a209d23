"""Views: what is stored can be shown, whatever it is."""

from datetime import UTC, datetime

import pytest

from alerts.api.channel_schemas import ChannelView
from alerts.domain.channels import Channel, Filter
from alerts.domain.destinations import Slack, Webhook

AT = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize("url", ["https://[", "https://]/", "https://a[b/", "https://[1:2"])
def test_a_channel_whose_address_cannot_be_read_is_still_shown(url: str) -> None:
    for destination in (Webhook(url, "whsec_AAAA"), Slack(url)):
        assert ChannelView.of(Channel("c1", "tool", destination, Filter(), AT, AT)).server is None


def test_of_an_address_only_the_server_is_shown() -> None:
    channel = Channel("c1", "tool", Slack("https://hooks.example/T/B/secret"), Filter(), AT, AT)
    assert ChannelView.of(channel).server == "https://hooks.example"
