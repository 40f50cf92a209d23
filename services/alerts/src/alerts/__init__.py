"""Mainstay's alerts: the right person hears once, in the channel where they are."""
