"""What each error of renewals means to a client."""

from collections.abc import Mapping

from mainstay.web.problems import Problem
from renewals.domain import errors
from renewals.domain.currencies import CurrencyUnknown

PROBLEMS: Mapping[type[Exception], Problem] = {
    errors.ContractUnknown: Problem(404, "contract-unknown", "There is no such contract"),
    errors.AccountErased: Problem(409, "account-erased", "The account was erased"),
    errors.ContractOver: Problem(409, "contract-over", "The contract is over"),
    errors.ExternalIdTaken: Problem(409, "external-id-taken", pointer="/external_id"),
    errors.AmountInvalid: Problem(422, "amount-invalid", pointer="/amount/amount"),
    CurrencyUnknown: Problem(422, "currency-unknown", pointer="/amount/currency"),
    errors.CurrencyDiffers: Problem(422, "currency-differs", pointer="/amount/currency"),
    errors.StartOutOfRange: Problem(422, "start-out-of-range", pointer="/start"),
    errors.EndOutOfRange: Problem(422, "end-out-of-range", pointer="/end"),
    errors.EndBeforeStart: Problem(422, "end-before-start", pointer="/end"),
    errors.EndMissing: Problem(422, "end-missing", pointer="/end"),
    errors.TermLengthUnknown: Problem(422, "term-length-unknown", pointer="/term_months"),
    errors.OneTimeRenews: Problem(422, "one-time-renews", "A one-time contract does not renew", pointer="/at_end"),
}

RANGE_BACKWARDS = Problem(422, "range-backwards", "The range ends before it starts")
