"""Mainstay's health scores: fresh within seconds, explained, kept for ever."""
