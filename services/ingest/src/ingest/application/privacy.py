"""Privacy: who was erased, and what never reaches the log in clear."""

from ingest.application.redaction import Redactor
from ingest.application.suppression import SuppressionBook

__all__ = ["Redactor", "SuppressionBook"]
