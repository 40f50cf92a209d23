"""What each error of renewals means to a client."""

from collections.abc import Mapping

from mainstay.web.problems import Problem
from renewals.application import (
    agendas,
    board,
    calling,
    figures,
    forecasting,
    good_customers,
    handing_over,
    imports,
    sources,
)
from renewals.domain import burn_down, errors, opportunities, outcomes
from renewals.domain.currencies import CurrencyUnknown
from renewals.domain.economics import EconomicsInvalid
from renewals.domain.rates import RateMissing
from renewals.domain.renewal import StepRefused

PROBLEMS: Mapping[type[Exception], Problem] = {
    errors.ContractUnknown: Problem(404, "contract-unknown", "There is no such contract"),
    handing_over.PolicyUnknown: Problem(404, "policy-unknown", "There is no such version of the policy"),
    handing_over.PolicyMovedOn: Problem(412, "policy-moved-on", "The policy has another version by now"),
    StepRefused: Problem(409, "step-refused", "The renewal stands where this cannot be done"),
    board.TooManyRenewals: Problem(422, "too-many-rows", "The answer would have too many rows"),
    errors.AccountErased: Problem(409, "account-erased", "The account was erased"),
    errors.ContractOver: Problem(409, "contract-over", "The contract is over"),
    errors.ExternalIdTaken: Problem(409, "external-id-taken", pointer="/external_id"),
    errors.GraceOver: Problem(409, "grace-over", "The term ended too long ago to be renewed"),
    errors.NotCancelled: Problem(409, "not-cancelled", "The contract is not cancelled"),
    errors.AmountInvalid: Problem(422, "amount-invalid", pointer="/amount/amount"),
    CurrencyUnknown: Problem(422, "currency-unknown", pointer="/amount/currency"),
    errors.CurrencyDiffers: Problem(422, "currency-differs", pointer="/amount/currency"),
    errors.StartOutOfRange: Problem(422, "start-out-of-range", pointer="/start"),
    errors.EndOutOfRange: Problem(422, "end-out-of-range", pointer="/end"),
    errors.EndBeforeStart: Problem(422, "end-before-start", pointer="/end"),
    errors.EndMissing: Problem(422, "end-missing", pointer="/end"),
    errors.TermLengthUnknown: Problem(422, "term-length-unknown", pointer="/term_months"),
    errors.OneTimeRenews: Problem(422, "one-time-renews", "A one-time contract does not renew", pointer="/at_end"),
    errors.NotRecurring: Problem(422, "not-recurring", "A one-time contract is not renewed"),
    errors.ScheduleInvalid: Problem(422, "price-schedule-invalid", pointer="/price_schedule"),
    errors.EffectiveOutsideTerms: Problem(422, "effective-outside-terms", pointer="/effective"),
    errors.EffectiveInFuture: Problem(422, "day-in-future", "The day has not come yet"),
    errors.RenewalStartOutOfRange: Problem(422, "renewal-start-out-of-range", pointer="/start"),
    errors.CoTermOver: Problem(422, "co-term-over", pointer="/co_terms_with"),
    errors.RenewsAnother: Problem(422, "renews-another", "The contract named is not one of this account's"),
    errors.LedgerCannot: Problem(409, "ledger-cannot-take", "No amendment can say it"),
    sources.ConflictUnknown: Problem(404, "conflict-unknown", "There is no such conflict"),
    sources.ConflictOver: Problem(409, "conflict-over", "The conflict is not open any more"),
    sources.NothingToTake: Problem(409, "nothing-to-take", "What the source says cannot be taken over"),
    imports.ImportUnknown: Problem(404, "import-unknown", "There is no such import"),
    imports.TooManyRows: Problem(422, "too-many-rows", "The file has too many rows"),
    agendas.LinkUnknown: Problem(404, "link-unknown", "There is no such link"),
    agendas.TooManyLinks: Problem(409, "too-many-links", "The owner has too many links"),
    figures.PeriodReversed: Problem(422, "range-backwards", "The range ends before it starts"),
    figures.TooManyPeriods: Problem(422, "too-many-rows", "The answer would have too many rows"),
    figures.CurrencyNeeded: Problem(422, "currency-needed", "Say in which currency figures are wanted"),
    calling.RenewalDecided: Problem(409, "renewal-decided", "There is nothing to forecast"),
    forecasting.SinceLater: Problem(422, "since-later", "The instant to compare with is not an earlier one"),
    EconomicsInvalid: Problem(422, "economics-invalid", pointer="/inputs"),
    errors.TermUnknown: Problem(404, "term-unknown", "There is no such term"),
    outcomes.NotChurned: Problem(409, "not-churned", "The term has not churned"),
    outcomes.ReviewIncomplete: Problem(422, "review-incomplete", pointer="/is_done"),
    burn_down.NothingBought: Problem(422, "nothing-bought", "The contract does not entitle to that"),
    burn_down.MetricNeeded: Problem(422, "metric-needed", "Say of which metric"),
    opportunities.OpportunityUnknown: Problem(404, "opportunity-unknown", "There is no such opportunity"),
    opportunities.OpportunityMovedOn: Problem(412, "opportunity-moved-on", "It has another version by now"),
    opportunities.OutcomeIncomplete: Problem(422, "outcome-incomplete", pointer="/stage"),
    opportunities.CreditsInvalid: Problem(422, "credits-invalid", pointer="/credits"),
    good_customers.CriteriaUnknown: Problem(404, "criteria-unknown", "There are no such criteria"),
    good_customers.CriteriaMovedOn: Problem(412, "criteria-moved-on", "The criteria have another version by now"),
    RateMissing: Problem(422, "rate-missing", "An exchange rate is missing"),
}

RANGE_BACKWARDS = Problem(422, "range-backwards", "The range ends before it starts")
