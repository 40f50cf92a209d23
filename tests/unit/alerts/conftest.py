import pytest

from alerts.domain.rules import Rulebook
from alerts.rulebook import shipped_rulebook


@pytest.fixture(scope="session")
def rulebook() -> Rulebook:
    return shipped_rulebook()
