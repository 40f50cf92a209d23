"""No hostile address is ever dialled, in whatever form somebody writes it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from ipaddress import ip_address

import pytest

from mainstay.web.client import AddressRefused, NoAnswer, OutgoingClient


@pytest.fixture
async def strict() -> AsyncIterator[OutgoingClient]:
    opened = OutgoingClient(allow_http=True)
    yield opened
    await opened.close()


HOSTILE = [
    # schemes and forms
    "file:///etc/passwd",
    "ftp://example.com/",
    "gopher://127.0.0.1:6379/_FLUSHALL",
    "javascript:alert(1)",
    "//127.0.0.1/",
    "127.0.0.1",
    "",
    "http://",
    "http:///x",
    "http://user:password@127.0.0.1/",
    "http://example.com@127.0.0.1/",
    "http://127.0.0.1\\@example.com/",
    "http://127.0.0.1 .example.com/",
    "http://127.0.0.1:0/",
    "http://127.0.0.1:99999/",
    "http://127.0.0.1\r\nHost: x/",
    "http://127.0.0.1\0.example.com/",
    # loopback in all its spellings
    "http://127.0.0.1/",
    "http://127.0.0.1./",
    "http://127.1/",
    "http://127.255.255.254/",
    "http://0/",
    "http://0.0.0.0/",
    "http://0x7f000001/",
    "http://0x7f.0.0.1/",
    "http://0177.0.0.1/",
    "http://2130706433/",
    "http://017700000001/",
    "http://localhost/",
    "http://LOCALHOST/",
    "http://localhost./",
    "http://①②⑦.⓪.⓪.①/",
    "http://127。0。0。1/",
    "http://%31%32%37.0.0.1/",
    "http://[::1]/",
    "http://[::]/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://[::127.0.0.1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::ffff:0:127.0.0.1]/",
    "http://[64:ff9b::127.0.0.1]/",
    "http://[64:ff9b:1::7f00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[2001:0:7f00:1::]/",
    # private, link-local, metadata, multicast, reserved
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://172.31.255.255/",
    "http://192.168.1.1/",
    "http://100.64.0.1/",
    "http://100.100.100.200/latest/meta-data/",
    "http://169.254.169.254/latest/meta-data/",
    "http://169.254.170.2/v2/credentials",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://192.0.0.192/",
    "http://192.88.99.1/",
    "http://198.18.0.1/",
    "http://224.0.0.1/",
    "http://240.0.0.1/",
    "http://255.255.255.255/",
    "http://[fe80::1]/",
    "http://[fe80::1%25lo]/",
    "http://[fec0::1]/",
    "http://[fc00::1]/",
    "http://[ff02::1]/",
    "http://[100::1]/",
    "http://[2001:db8::1]/",
    "http://[5f00::1]/",
]


UNREADABLE = [
    "https://[",
    "https://]/",
    "https://a[b/",
    "https://a]:80/",
    "https://[1:2",
    "https://[]/",
    "https://[::1]x/",
    "https://a%5Bb/",
    "https://xn--a/",
    "https://192.0.2.1:-1/",
    "https://192.0.2.1:0/",
    "https://192.0.2.1:65536/",
    "https://192.0.2.1:99999999999999999999/",
    "https://192.0.2.1:" + "9" * 5_000 + "/",
]


@pytest.mark.parametrize("url", UNREADABLE, ids=lambda url: url[:40])
async def test_an_address_that_others_could_not_read_is_refused_before_its_name_is_resolved(url: str) -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        raise AssertionError((host, port))

    client = OutgoingClient(resolver=resolve)
    with pytest.raises(AddressRefused):
        await client.check(url)
    await client.close()


def test_there_are_sixty_hostile_addresses() -> None:
    assert len(set(HOSTILE)) >= 60


@pytest.mark.parametrize("url", HOSTILE)
async def test_a_hostile_address_is_never_dialled(
    strict: OutgoingClient, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def dialled(*_: object, **__: object) -> None:
        raise AssertionError("dialled")

    monkeypatch.setattr(asyncio.get_running_loop(), "create_connection", dialled)
    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", dialled)
    with pytest.raises((AddressRefused, NoAnswer)):
        await strict.post(url, b"", within=timedelta(seconds=5))
    with pytest.raises((AddressRefused, NoAnswer)):
        await strict.check(url, within=timedelta(seconds=5))


def test_the_blocked_ranges_cover_what_the_standard_library_misses() -> None:
    client = OutgoingClient()
    for missed in (
        "100.64.0.1", "64:ff9b::1", "2002::1", "::8.8.8.8", "fec0::1", "192.88.99.1", "224.0.0.1", "ff0e::1",
    ):  # fmt: skip
        assert client._is_blocked(ip_address(missed))
    for good in ("93.184.215.14", "8.8.8.8", "2606:4700::1111", "2a00:1450:4001::1"):
        assert not client._is_blocked(ip_address(good))
