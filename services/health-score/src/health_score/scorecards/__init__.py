"""Scorecards as documents: the default one, and how a document is read and checked."""
