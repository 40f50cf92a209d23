"""How this service's errors are told to a client."""

from alerts.domain.alerts import AlertResolvedAlready, AlertUnknown
from alerts.domain.channels import ChannelNotUsable, ChannelUnknown
from mainstay.web.problems import Problem

PROBLEMS: dict[type[Exception], Problem] = {
    AlertUnknown: Problem(404, "alert-unknown", "There is no such alert"),
    AlertResolvedAlready: Problem(409, "alert-resolved", "The alert is resolved already"),
    ChannelUnknown: Problem(404, "channel-unknown", "There is no such channel"),
    ChannelNotUsable: Problem(409, "channel-not-usable", "The channel takes no messages"),
}

DESTINATION_REFUSED = Problem(422, "destination-refused", "Messages cannot be sent there")
