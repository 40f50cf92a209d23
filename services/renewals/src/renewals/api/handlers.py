"""What the routes call."""

from dataclasses import dataclass

from mainstay.kernel.clock import Clock
from renewals.application.agendas import Calendars
from renewals.application.changing import AmendContract, AssignContracts, EnterContract
from renewals.application.figures import Retention
from renewals.application.imports import ImportContracts
from renewals.application.inputs import StateRates
from renewals.application.ports import OpensWork
from renewals.application.resolving import ResolveConflict


@dataclass(frozen=True, slots=True)
class Handlers:
    """What the routes call."""

    work: OpensWork
    enter: EnterContract
    amend: AmendContract
    assign: AssignContracts
    retention: Retention
    state_rates: StateRates
    resolve: ResolveConflict
    imports: ImportContracts
    calendars: Calendars
    clock: Clock
