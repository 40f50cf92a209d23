"""Backtests: what a scorecard would have said in the past, with what was known then, against what happened."""
