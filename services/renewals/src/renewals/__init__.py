"""Mainstay's contracts and renewals: no date passes unnoticed."""
