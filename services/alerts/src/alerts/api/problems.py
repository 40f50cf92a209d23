"""How this service's errors are told to a client."""

from alerts.application.directory import AccountUnknown, DirectoryMovedOn, DirectoryUnknown, StillNeeded
from alerts.application.figures import DaysBackwards
from alerts.application.playbooks import PlaybookMovedOn, PlaybookUnknown
from alerts.application.playing import AccountNotKnown
from alerts.application.rule_documents import RuleMovedOn, RuleUnknown
from alerts.domain.alerts import AlertResolvedAlready, AlertUnknown, SnoozeOver
from alerts.domain.cases import CaseClosed, CaseOpen, CaseUnknown, PlanMissing
from alerts.domain.channels import ChannelNotUsable, ChannelUnknown
from alerts.domain.destinations import AddressNotRefused
from alerts.domain.handling import NothingSaid
from alerts.domain.reassignments import ReassignmentUnknown
from alerts.domain.replays import DeliveryUnknown, NotGivenUp, ReplayUnknown
from alerts.domain.runs import RunEnded, RunUnknown, TaskNotOpen, TaskUnknown
from alerts.domain.silences import SilenceOver, SilenceUnknown
from mainstay.web.problems import Problem

PROBLEMS: dict[type[Exception], Problem] = {
    AlertUnknown: Problem(404, "alert-unknown", "There is no such alert"),
    AlertResolvedAlready: Problem(409, "alert-resolved", "The alert is resolved already"),
    NothingSaid: Problem(422, "nothing-said", "A comment has words", pointer="/comment"),
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
    PlaybookUnknown: Problem(404, "playbook-unknown", "There is no such playbook, or no such version of it"),
    PlaybookMovedOn: Problem(412, "playbook-moved-on", "The playbook has another version by now"),
    AccountNotKnown: Problem(404, "account-unknown", "There is no such account"),
    RunUnknown: Problem(404, "run-unknown", "There is no such run"),
    RunEnded: Problem(409, "run-ended", "The run is over"),
    TaskUnknown: Problem(404, "task-unknown", "There is no such task"),
    TaskNotOpen: Problem(409, "task-not-open", "The task does not stand so"),
    CaseUnknown: Problem(404, "case-unknown", "There is no such case"),
    CaseClosed: Problem(409, "case-closed", "The case is over"),
    CaseOpen: Problem(409, "case-open", "The account has an open case"),
    PlanMissing: Problem(422, "plan-missing", "The case needs a plan", pointer="/plan"),
    DaysBackwards: Problem(422, "days-backwards", "The last day lies before the first"),
    SnoozeOver: Problem(422, "snooze-over", "A snooze ends later than now", pointer="/until"),
    ReassignmentUnknown: Problem(404, "reassignment-unknown", "There is no such reassignment"),
    ReplayUnknown: Problem(404, "replay-unknown", "There is no such replay"),
}

NO_WEBHOOK = Problem(409, "channel-no-webhook", "Only webhooks have a signing secret")
DESTINATION_REFUSED = Problem(422, "destination-refused", "Messages cannot be sent there")
