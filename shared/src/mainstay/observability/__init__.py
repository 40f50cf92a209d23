"""Logs, traces and metrics, wired the same way in every process."""
