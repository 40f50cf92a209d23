"""The history of schema `renewals`."""
