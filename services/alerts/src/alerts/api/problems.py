"""How this service's errors are told to a client."""

from alerts.application.directory import AccountUnknown, DirectoryMovedOn, DirectoryUnknown, StillNeeded
from alerts.application.rule_documents import RuleMovedOn, RuleUnknown
from alerts.domain.alerts import AlertResolvedAlready, AlertUnknown, SnoozeOver
from alerts.domain.channels import ChannelNotUsable, ChannelUnknown
from alerts.domain.destinations import AddressNotRefused
from alerts.domain.reassignments import ReassignmentUnknown
from alerts.domain.replays import DeliveryUnknown, NotGivenUp, ReplayUnknown
from alerts.domain.silences import SilenceOver, SilenceUnknown
from mainstay.web.problems import Problem

PROBLEMS: dict[type[Exception], Problem] = {
    AlertUnknown: Problem(404, "alert-unknown", "There is no such alert"),
    AlertResolvedAlready: Problem(409, "alert-resolved", "The alert is resolved already"),
    ChannelUnknown: Problem(404, "channel-unknown", "There is no such channel"),
    ChannelNotUsable: Problem(409, "channel-not-usable", "The channel takes no messages"),
    AddressNotRefused: Problem(404, "address-not-refused", "The address is not a refused one"),
    DeliveryUnknown: Problem(404, "delivery-unknown", "There is no such delivery"),
    NotGivenUp: Problem(409, "delivery-not-failed", "The delivery was not given up"),
    RuleUnknown: Problem(404, "rule-unknown", "There is no such rule, or no such version of it"),
    RuleMovedOn: Problem(412, "rule-moved-on", "The rule has another version by now"),
    AccountUnknown: Problem(404, "account-unknown", "There is no such account"),
    DirectoryUnknown: Problem(404, "directory-unknown", "There is no such person, team or version"),
    DirectoryMovedOn: Problem(412, "directory-moved-on", "The document has another version by now"),
    StillNeeded: Problem(409, "still-needed", "Others still refer to it"),
    SilenceUnknown: Problem(404, "silence-unknown", "There is no such silence"),
    SilenceOver: Problem(409, "silence-over", "The silence has ended already"),
    SnoozeOver: Problem(422, "snooze-over", "A snooze ends later than now", pointer="/until"),
    ReassignmentUnknown: Problem(404, "reassignment-unknown", "There is no such reassignment"),
    ReplayUnknown: Problem(404, "replay-unknown", "There is no such replay"),
}

NO_WEBHOOK = Problem(409, "channel-no-webhook", "Only webhooks have a signing secret")
DESTINATION_REFUSED = Problem(422, "destination-refused", "Messages cannot be sent there")
