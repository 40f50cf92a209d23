"""The picture of an account's health: well-formed whatever it shows, and seen by a key or a link alone."""

from datetime import timedelta
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as ET

import pytest

from tests.integration.health_score.health import Health, daily, fact, usage
from tests.integration.health_score.test_erasure import asked, erase

SVG = "{http://www.w3.org/2000/svg}"


def texts(picture: ET.Element) -> list[str]:
    return [each.text or "" for each in picture.iter(f"{SVG}text")]


async def _picture(health: Health, account: str, **params: Any) -> ET.Element:
    answer = await health.api.get(f"/v1/accounts/{quote(account, safe='')}/health.svg", params=params)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/svg+xml"), answer.text
    return ET.fromstring(answer.content)  # noqa: S314 - our own


async def test_it_shows_score_band_name_thresholds_and_the_line_of_90_days(health: Health) -> None:
    await health.receives(fact("acme", at="2026-03-01T08:00Z", name="Acme Ltd"))
    await health.receives(*daily("acme", "2025-11-01", "2026-02-28", users=5, features=7))
    await health.settle()
    now = await health.health("acme")

    picture = await _picture(health, "acme")

    assert (picture.get("width"), picture.get("height"), picture.get("viewBox")) == ("600", "200", "0 0 600 200")
    shown = texts(picture)
    for told in ("Acme Ltd", str(now["score"]), now["band"], "50", "75", "2025-12-02", "2026-03-01"):
        assert told in shown, told
    assert any(text.startswith("as of 2026-03-01 09:00 UTC") for text in shown)
    (line,) = [path.get("d") or "" for path in picture.iter(f"{SVG}path") if path.get("class") == "line"]
    assert line.count("L") == 89
    assert (picture.find(f"{SVG}title") or ET.Element("")).text is None  # a leaf has no children
    assert f"{now['score']} of 100, {now['band']}" in "".join(picture.itertext())


async def test_an_account_without_data_has_a_picture_too(health: Health) -> None:
    await health.receives(fact("quiet", at="2026-03-01T08:00Z"))

    shown = texts(await _picture(health, "quiet"))

    assert {"quiet", "unknown", "–", "no scores yet"} <= set(shown)


@pytest.mark.parametrize(
    "name",
    ["<script>alert(1)</script>", "A & B \"C\" 'D'", "]]>", "\ufffe\uffff\ud7ff", "</text><a href='x'>", "会社" * 99],
)
async def test_a_name_is_text_whatever_is_in_it(health: Health, name: str) -> None:
    await health.receives(fact("acme", at="2026-03-01T08:00Z", name=name))

    picture = await _picture(health, "acme")

    assert {each.tag.removeprefix(SVG) for each in picture.iter()} <= {
        "svg",
        "title",
        "desc",
        "style",
        "rect",
        "text",
        "path",
        "circle",
    }
    assert len(texts(picture)[0]) <= 56


async def test_light_and_dark_are_chosen_by_the_reader_or_the_page(health: Health) -> None:
    await health.receives(fact("acme", at="2026-03-01T08:00Z"))
    styles = {
        theme: (await _picture(health, "acme", theme=theme)).findtext(f"{SVG}style") or ""
        for theme in ("auto", "light", "dark")
    }

    assert "prefers-color-scheme:dark" in styles["auto"]
    assert "prefers-color-scheme" not in styles["light"] + styles["dark"]
    assert styles["light"] != styles["dark"]
    assert (await health.api.get("/v1/accounts/acme/health.svg?theme=pink")).status_code == 422


async def _link(health: Health, account: str, **body: Any) -> Any:
    made = await health.api.post(f"/v1/accounts/{quote(account, safe='')}/health.svg/link", json=body)
    assert made.status_code == 201, made.text
    return made.json()


async def _status(health: Health, path: str) -> int:
    answer = await health.api.get(path, headers={"Authorization": ""})
    return answer.status_code


async def test_a_link_shows_the_picture_without_a_key_until_it_ends(health: Health) -> None:
    await health.receives(usage("a/b", at="2026-03-01T08:00Z"), usage("other", at="2026-03-01T08:00Z"))
    link = await _link(health, "a/b", days=2)

    answer = await health.api.get(link["path"], headers={"Authorization": ""})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/svg+xml")
    assert "sandbox" in answer.headers["content-security-policy"]
    assert link["expires_at"] == "2026-03-03T09:00:00Z"
    signature = link["path"].partition("sig=")[2]
    identity, expiry, mac = signature.split(".")
    for forged in (
        f"{identity}.{int(expiry) + 9_999}.{mac}",
        f"{'0' * 16}.{expiry}.{mac}",
        f"{identity}.{expiry}.{'0' * 32}",
        "",
        "..",
        "é.é.é",
        identity,
    ):
        assert await _status(health, f"/v1/accounts/a%2Fb/health.svg?sig={quote(forged)}") == 403, forged
    assert await _status(health, f"/v1/accounts/other/health.svg?sig={signature}") == 403
    for path in ("/v1/accounts/a%2Fb/health", "/v1/accounts/a%2Fb", "/v1/accounts"):
        assert await _status(health, f"{path}?sig={signature}") == 401

    health.clock.advance(timedelta(days=2))
    refused = await health.api.get(link["path"], headers={"Authorization": ""})
    assert (refused.status_code, refused.json()["code"]) == (403, "link-refused")


async def test_links_are_listed_and_revoked_one_by_one(health: Health) -> None:
    await health.receives(usage("acme", at="2026-03-01T08:00Z"))
    first, second = await _link(health, "acme"), await _link(health, "acme", days=1)
    listed = (await health.get("/accounts/acme/health.svg/link"))["data"]
    assert {link["link_id"] for link in listed} == {first["link_id"], second["link_id"]}
    assert all("path" not in link and link["created_by"] == "tests" for link in listed)

    gone = await health.api.delete(f"/v1/accounts/acme/health.svg/link/{first['link_id']}")

    assert gone.status_code == 204
    assert [await _status(health, link["path"]) for link in (first, second)] == [403, 200]
    unknown = await health.api.delete(f"/v1/accounts/acme/health.svg/link/{'0' * 16}")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "link-unknown")


async def test_links_are_made_by_operators_for_accounts_that_are_there_and_not_without_end(
    health: Health, other_key: str
) -> None:
    await health.receives(usage("acme", at="2026-03-01T08:00Z"))
    path = "/v1/accounts/acme/health.svg/link"
    other = {"Authorization": f"Bearer {other_key}"}
    assert (await health.api.post(path, json={}, headers=other)).status_code == 403
    assert (await health.api.post("/v1/accounts/nobody/health.svg/link", json={})).status_code == 404
    assert (await health.api.post(path, json={"days": 10_000})).status_code == 422
    for _ in range(50):
        await _link(health, "acme")
    full = await health.api.post(path, json={})
    assert (full.status_code, full.json()["code"]) == (409, "too-many-links")


async def test_an_erased_account_shows_no_picture(health: Health) -> None:
    await health.receives(usage("acme", at="2026-03-01T08:00Z"))
    link = await _link(health, "acme")

    await erase(health, asked("account", "acme"))

    assert await _status(health, link["path"]) == 403
    assert await health.rows("SELECT link_id FROM health_score.picture_link") == []
