"""The operator's documents of rules: stages, tiers and service policies."""
