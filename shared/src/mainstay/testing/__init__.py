"""Helpers that let tests run the real parts and hide only the wiring."""
