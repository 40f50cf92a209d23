import os
from pathlib import Path

import pytest

from standalone.claim import AlreadyUp, claimed, current_claim
from standalone.settings import StandaloneSettings


@pytest.fixture
def settings(tmp_path: Path) -> StandaloneSettings:
    made = StandaloneSettings(home=tmp_path / "home", ingest_port=9001)
    made.make_home()
    return made


def test_a_state_folder_is_held_by_one_at_a_time(settings: StandaloneSettings) -> None:
    with claimed(settings) as tell:
        tell(True)
        with pytest.raises(AlreadyUp, match=f"process {os.getpid()}"), claimed(settings):
            pass

    with claimed(settings):
        pass


def test_others_see_who_holds_it_and_with_which_ports(settings: StandaloneSettings) -> None:
    theirs = StandaloneSettings(home=settings.home)
    assert current_claim(theirs) is None
    with claimed(settings) as tell:
        tell(False)
        claim = current_claim(theirs)
        tell(True)
        later = current_claim(theirs)

    assert claim is not None
    assert later is not None
    assert (claim.pid, claim.is_embedded, claim.has_inbox, later.has_inbox) == (os.getpid(), True, False, True)
    assert claim.settings(theirs).ingest_port == 9001
    assert current_claim(theirs) is None


def test_what_a_killed_holder_wrote_does_not_count(settings: StandaloneSettings) -> None:
    with claimed(settings) as tell:
        tell(True)

    assert settings.lock_file.read_text()
    assert current_claim(settings) is None
