import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from standalone.doctor import SETTINGS_CLASSES, variables_of
from standalone.services import INGEST, SERVICES
from standalone.settings import NoSecretKey, StandaloneSettings, child_environment, default_home


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("MAINSTAY_"):
            monkeypatch.delenv(name)


@pytest.fixture
def settings(tmp_path: Path) -> StandaloneSettings:
    made = StandaloneSettings(home=tmp_path / "home")
    made.make_home()
    return made


def test_the_secret_key_is_made_once_and_closed_to_others(settings: StandaloneSettings) -> None:
    with pytest.raises(NoSecretKey):
        settings.known_secret_key()

    key = settings.resolved_secret_key()

    assert len(key) >= 32
    assert settings.known_secret_key() == key
    assert settings.secret_key_file.stat().st_mode & 0o777 == 0o600


def test_a_secret_key_that_is_given_is_used_and_not_written(tmp_path: Path) -> None:
    settings = StandaloneSettings(home=tmp_path, secret_key="k" * 32)

    assert settings.resolved_secret_key() == "k" * 32
    assert not settings.secret_key_file.exists()


@pytest.mark.parametrize(
    "wrong", [{"MAINSTAY_SECRET_KEY": "short"}, {"MAINSTAY_INGEST_PORT": "99999"}, {"MAINSTAY_POSTGRES_PORT": "x"}]
)
def test_a_setting_that_cannot_be_is_refused(wrong: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in wrong.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(ValidationError):
        StandaloneSettings()


def test_an_empty_variable_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAINSTAY_INGEST_PORT", "")

    assert StandaloneSettings().port_of(INGEST) == 8001


def test_the_state_folder_does_not_depend_on_where_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = default_home()
    monkeypatch.chdir(tmp_path)

    assert default_home() == here
    assert here.is_absolute()
    monkeypatch.setenv("MAINSTAY_HOME", "mine")
    assert StandaloneSettings().home == tmp_path / "mine"


def test_children_get_what_was_decided_and_keep_what_the_environment_says(
    settings: StandaloneSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAINSTAY_ALERTS_SMTP_HOST", "mail.example.com")
    monkeypatch.setenv("MAINSTAY_LOG_LEVEL", "DEBUG")

    plain = child_environment(settings, "postgresql://here", inbox=False)
    with_inbox = child_environment(settings, "postgresql://here", inbox=True)

    assert plain["MAINSTAY_DATABASE_URL"] == "postgresql://here"
    assert plain["MAINSTAY_SECRET_KEY"] == settings.resolved_secret_key()
    assert plain["MAINSTAY_LOG_LEVEL"] == "DEBUG"
    assert "MAINSTAY_ALERTS_ALLOW_PRIVATE_DESTINATIONS" not in plain
    assert with_inbox["MAINSTAY_ALERTS_ALLOW_PRIVATE_DESTINATIONS"] == "true"
    assert with_inbox["MAINSTAY_ALERTS_SMTP_HOST"] == "mail.example.com"


def test_every_variable_that_children_are_given_is_read_by_somebody(settings: StandaloneSettings) -> None:
    known = {name for kind in SETTINGS_CLASSES for name in variables_of(kind)}
    given = {name for name in child_environment(settings, "", inbox=True) if name.startswith("MAINSTAY_")}

    assert given <= known
    assert {service.port_variable for service in SERVICES} <= known


@pytest.mark.parametrize(("host", "url"), [("0.0.0.0", "http://127.0.0.1:8001"), ("10.0.0.7", "http://10.0.0.7:8001")])  # noqa: S104 - a setting, not bound
def test_services_are_called_where_they_can_be_reached(host: str, url: str) -> None:
    assert StandaloneSettings(host=host).url_of(INGEST) == url
