"""Mainstay's front door: product telemetry and customer facts in over HTTP, normalised events out."""
