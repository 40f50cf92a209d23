"""What can be wrong with a contract, or with a change to one."""

from datetime import date
from decimal import Decimal

EARLIEST_START = date(1970, 1, 1)
LATEST_END = date(2200, 1, 1)
LARGEST_AMOUNT = Decimal(10) ** 15


class ContractInvalid(ValueError):
    """A contract's facts contradict each other, or are out of bounds."""


class AccountErased(ContractInvalid):
    """The account was erased; its contracts stay as they are, and it gets no new ones."""

    def __init__(self, account_id: str) -> None:
        super().__init__("the account was erased")
        self.account_id = account_id


class AmountInvalid(ContractInvalid):
    """The amount is negative, too large, or finer than its currency."""


class CurrencyDiffers(ContractInvalid):
    """An amended amount is in another currency than the contract."""

    def __init__(self, contract_currency: str, stated: str) -> None:
        super().__init__(f"the contract is in {contract_currency}; its amount cannot become one in {stated}")


class StartOutOfRange(ContractInvalid):
    """The first day lies outside the calendar that contracts may use."""

    def __init__(self) -> None:
        super().__init__(f"a contract starts from {EARLIEST_START} on and before {LATEST_END}")


class EndOutOfRange(ContractInvalid):
    """The last day lies outside the calendar that contracts may use."""

    def __init__(self) -> None:
        super().__init__(f"a term ends before {LATEST_END}")


class EndBeforeStart(ContractInvalid):
    """The stated last day lies before the first."""

    def __init__(self, start: date, end: date) -> None:
        super().__init__(f"a term that starts on {start} cannot end on {end}")


class EndMissing(ContractInvalid):
    """Neither a last day nor a length was stated."""

    def __init__(self) -> None:
        super().__init__("state the last day of the term (end), or its length (term_months)")


class TermLengthUnknown(ContractInvalid):
    """The contract is to renew, and nobody said for how long."""

    def __init__(self) -> None:
        super().__init__("the term is no whole number of months: say how long the next one lasts (term_months)")


class OneTimeRenews(ContractInvalid):
    """A one-time contract was to renew."""

    def __init__(self) -> None:
        super().__init__("a one-time contract does not renew")


class ScheduleInvalid(ContractInvalid):
    """The steps of a price schedule do not fit the term."""


class EffectiveOutsideTerms(ContractInvalid):
    """A change was to hold from a day on which the contract does not run."""

    def __init__(self, contract_id: str, day: date) -> None:
        super().__init__(f"contract {contract_id} has no term that runs on {day}")


class EffectiveInFuture(ContractInvalid):
    """What can only be said of a day that has come was said of a later one."""

    def __init__(self, field: str, day: date, today: date) -> None:
        super().__init__(f"{field} ({day}) is later than today ({today}) where the contract is")


class RenewalStartOutOfRange(ContractInvalid):
    """A renewal was to begin before the term that it renews."""

    def __init__(self, start: date, first: date, end_exclusive: date) -> None:
        super().__init__(f"the term runs from {first} and before {end_exclusive}: it is not renewed from {start} on")


class NotRecurring(ContractInvalid):
    """A one-time contract is served and not renewed."""

    def __init__(self, contract_id: str) -> None:
        super().__init__(f"contract {contract_id} is a one-time contract, and is not renewed: enter a new one")


class CoTermOver(ContractInvalid):
    """The contract whose end was to be taken over ends before the new one begins."""

    def __init__(self, contract_id: str, end_exclusive: date) -> None:
        super().__init__(f"contract {contract_id} runs before {end_exclusive} only: nothing can end with it later")


class RenewsAnother(ContractInvalid):
    """A contract was to renew, or to co-term with, one of another account or kind."""

    def __init__(self, contract_id: str) -> None:
        super().__init__(f"contract {contract_id} is not a recurring one of the same account")


class LedgerCannot(ContractInvalid):
    """Another system has a contract otherwise in a way that no amendment can say; the text tells what to do."""


class GraceOver(Exception):
    """The term ended too long ago to be renewed."""

    def __init__(self, contract_id: str, end_exclusive: date, grace_days: int) -> None:
        super().__init__(
            f"contract {contract_id} ran before {end_exclusive} and has {grace_days} days of grace: enter a new one"
        )


class NotCancelled(Exception):
    """There is no cancellation to withdraw."""

    def __init__(self, contract_id: str) -> None:
        super().__init__(f"contract {contract_id} is not cancelled")


class ContractOver(Exception):
    """The contract has ended or was cancelled, and what is past does not change."""

    def __init__(self, contract_id: str, outcome: str) -> None:
        super().__init__(f"contract {contract_id} is over ({outcome}): enter a new one")
        self.contract_id = contract_id


class ContractUnknown(LookupError):
    """No contract has this id."""

    def __init__(self, contract_id: str) -> None:
        super().__init__(f"no contract has the id {contract_id}")
        self.contract_id = contract_id


class TermUnknown(LookupError):
    """No contract has such a term, or had it at the time."""

    def __init__(self, term_id: str) -> None:
        super().__init__(f"there is no term {term_id}")


class ExternalIdTaken(Exception):
    """Another contract carries this external id already."""

    def __init__(self, external_id: str) -> None:
        super().__init__(f"a contract with the external id {external_id} exists already")
        self.external_id = external_id
