"""Key figures of customer success by period: each counts what happened, under who had the account then."""
