"""docker-compose.yml names nothing that the code does not have: variables, ports, commands, images, paths."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml
from pydantic import AliasChoices
from pydantic_settings import BaseSettings

from alerts.settings import Settings as AlertsSettings
from health_score.settings import Settings as HealthScoreSettings
from ingest.settings import Settings as IngestSettings
from mainstay.settings import SharedSettings
from renewals.settings import Settings as RenewalsSettings
from standalone.settings import StandaloneSettings

ROOT = Path(__file__).parents[3]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "deploy/docker/Dockerfile").read_text()
SETTINGS: dict[str, type[SharedSettings]] = {
    "ingest": IngestSettings,
    "health-score": HealthScoreSettings,
    "alerts": AlertsSettings,
    "renewals": RenewalsSettings,
}
OURS = [name for name, service in SERVICES.items() if str(service["image"]).startswith("mainstay/")]
PARTS = [f"{service}{part}" for service in SETTINGS for part in ("", "-work")]


def test_serve_and_work_of_each_service_and_what_they_need_are_there() -> None:
    assert {*PARTS, "kafka", "postgres", "migrate", "mailpit", "prometheus", "grafana"} <= SERVICES.keys()
    assert {name for name in SERVICES if SERVICES[name].get("profiles") == ["observability"]} == {
        "prometheus",
        "grafana",
    }
    for part in PARTS:
        assert SERVICES[part]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}


@pytest.mark.parametrize("name", OURS)
def test_every_variable_is_a_setting_of_the_program_that_gets_it(name: str) -> None:
    known = variables_of(SETTINGS[of(name)] if name in PARTS else StandaloneSettings) | variables_of(SharedSettings)

    assert set(SERVICES[name]["environment"]) <= known


def test_every_variable_of_the_example_is_used_and_every_one_used_without_a_default_is_in_it() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    example = {
        line.split("=")[0] for line in (ROOT / ".env.example").read_text().splitlines() if re.match(r"\w+=", line)
    }
    used = set(re.findall(r"\$\{(\w+)", text))
    required = set(re.findall(r"\$\{(\w+):\?", text))

    assert example <= used
    assert required <= example


@pytest.mark.parametrize("service", SETTINGS)
def test_each_part_is_started_by_a_command_that_its_program_takes(service: str) -> None:
    module = service.replace("-", "_")

    assert f'ENTRYPOINT ["python", "-m", "{module}"]' in DOCKERFILE
    assert SERVICES[service]["command"] == ["serve"]
    assert SERVICES[f"{service}-work"]["command"] == ["work"]
    assert "{serve,work,migrate}" in usage_of(module)


def test_the_one_shot_is_a_command_of_mainstay() -> None:
    command = Path(sys.executable).parent / "mainstay"
    for name in ("migrate", "keys"):
        subprocess.run([command, name, "--help"], capture_output=True, check=True)
    assert SERVICES["migrate"]["command"] == ["migrate"]


@pytest.mark.parametrize("part", PARTS)
def test_ports_and_health_checks_are_those_of_the_program(part: str) -> None:
    fields = SETTINGS[of(part)].model_fields
    port = fields["work_port" if part.endswith("-work") else "port"].default

    assert f":{port}/healthz" in SERVICES[part]["healthcheck"]["test"][-1]
    assert SERVICES[part].get("ports", [f"{port}:{port}"]) == [f"{port}:{port}"]
    assert str(port) in next(line for line in stage(of(part)) if line.startswith("EXPOSE")).split()


def test_every_container_has_a_health_check_but_the_one_shots() -> None:
    assert {name for name, service in SERVICES.items() if "healthcheck" not in service} == {"migrate", "tools"}


def test_every_path_exists() -> None:
    for service in SERVICES.values():
        if "build" in service:
            assert (ROOT / service["build"]["context"] / service["build"]["dockerfile"]).is_file()
            assert stage(service["build"]["target"])
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            assert (ROOT / source).exists() if source.startswith(".") else source in COMPOSE["volumes"]
    for source in re.findall(r"^COPY (?!--from)(\S+)", DOCKERFILE, flags=re.MULTILINE):
        assert (ROOT / source).exists(), source
    for requirements in re.findall(r"-r (\S+)", DOCKERFILE):
        assert (ROOT / requirements).is_file(), requirements


def test_images_run_as_an_ordinary_user_and_hold_the_packages_that_exist() -> None:
    names = {
        tomllib.loads(file.read_text())["project"]["name"]
        for file in ROOT.glob("*/**/pyproject.toml")
        if ".venv" not in file.parts
    }

    assert re.search(r"^USER (?!0$|root$)\S+$", "\n".join(stage("runtime")), flags=re.MULTILINE)
    assert set(re.findall(r"\bmainstay-[a-z-]+\b", DOCKERFILE)) <= names


def test_prometheus_looks_at_every_part_where_it_answers() -> None:
    config = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
    targets = {
        target for job in config["scrape_configs"] for group in job["static_configs"] for target in group["targets"]
    }

    assert targets == {f"{part}:{health_port(part)}" for part in PARTS}


def test_the_broker_is_the_version_that_the_tests_run_on() -> None:
    pom = ET.parse(ROOT / "deploy/kafka/pom.xml")  # noqa: S314 - our own file
    space = {"m": "http://maven.apache.org/POM/4.0.0"}
    version = pom.findtext(".//m:dependency[m:artifactId='kafka_2.13']/m:version", namespaces=space)

    assert SERVICES["kafka"]["image"] == f"apache/kafka:{version}"


@cache
def usage_of(module: str) -> str:
    return subprocess.run([sys.executable, "-m", module, "--help"], capture_output=True, text=True, check=True).stdout


def health_port(part: str) -> str:
    match = re.search(r":(\d+)/healthz", SERVICES[part]["healthcheck"]["test"][-1])
    assert match
    return match[1]


def of(part: str) -> str:
    return part.removesuffix("-work")


def stage(name: str) -> list[str]:
    """The lines of one stage of the Dockerfile."""
    lines = iter(DOCKERFILE.splitlines())
    for line in lines:
        if re.fullmatch(rf"FROM \S+ AS {name}", line):
            return list(_until_next_stage(lines))
    raise AssertionError(f"no stage {name}")


def _until_next_stage(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        if line.startswith("FROM "):
            return
        yield line


def variables_of(settings: type[BaseSettings]) -> set[str]:
    """The environment variables that a settings class reads."""
    prefix = str(settings.model_config.get("env_prefix", ""))
    names = set()
    for name, field in settings.model_fields.items():
        alias = field.validation_alias
        names.add(str(alias.choices[0]) if isinstance(alias, AliasChoices) else f"{prefix}{name}".upper())
    return names
