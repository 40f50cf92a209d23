"""The outgoing client: no hostile address is dialled, nothing is waited for too long, nothing is swallowed whole."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from mainstay.web.client import AddressRefused, NoAnswer, OutgoingClient

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Kind: test\r\n\r\nok"
Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(behave: Behaviour, tls: ssl.SSLContext | None = None) -> AsyncIterator[tuple[int, list[int]]]:
    """A server on a free port, and the connections that it got."""
    connections: list[int] = []
    tasks: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(1)
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await behave(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            tasks.discard(task)

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1], connections
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def answers(raw: bytes, heard: list[bytes] | None = None) -> Behaviour:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if heard is not None:
            heard.append(head)
        writer.write(raw)
        await writer.drain()

    return behave


@pytest.fixture
async def client() -> AsyncIterator[OutgoingClient]:
    opened = OutgoingClient(allow_http=True, allow=["127.0.0.1/32"])
    yield opened
    await opened.close()


@pytest.fixture
async def strict() -> AsyncIterator[OutgoingClient]:
    opened = OutgoingClient(allow_http=True)
    yield opened
    await opened.close()


async def test_an_answer_comes_back_whatever_its_status(client: OutgoingClient) -> None:
    heard: list[bytes] = []
    async with listening(answers(OK, heard)) as (port, _):
        answer = await client.post(f"http://127.0.0.1:{port}/in?x=1", b"{}", headers={"X-Signed": "yes"})
    assert (answer.status, answer.body, answer.headers["x-kind"]) == (200, b"ok", "test")
    head = heard[0].decode().lower()
    assert head.startswith("post /in?x=1 http/1.1")
    assert f"host: 127.0.0.1:{port}" in head
    assert "x-signed: yes" in head
    assert "traceparent: 00-" in head
    assert "accept-encoding: identity" in head


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_an_answer_and_not_followed(client: OutgoingClient, status: int) -> None:
    async with listening(answers(OK)) as (inside, reached):
        raw = f"HTTP/1.1 {status} Go\r\nLocation: http://127.0.0.1:{inside}/\r\nContent-Length: 0\r\n\r\n".encode()
        async with listening(answers(raw)) as (port, _):
            answer = await client.post(f"http://127.0.0.1:{port}/", b"")
    assert (answer.status, reached) == (status, [])


async def test_a_proxy_variable_changes_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async with listening(answers(OK)) as (proxy, reached), listening(answers(OK)) as (port, direct):
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy}")
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
        (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password hunter2\n")
        fresh = OutgoingClient(allow_http=True, allow=["127.0.0.1/32"])
        await fresh.post(f"http://127.0.0.1:{port}/", b"")
        await fresh.close()
    assert (reached, direct) == ([], [1])


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


async def test_http_is_refused_unless_a_setting_allows_it() -> None:
    client = OutgoingClient(allow=["127.0.0.1/32"])
    async with listening(answers(OK)) as (port, reached):
        with pytest.raises(AddressRefused, match="https://"):
            await client.post(f"http://127.0.0.1:{port}/", b"")
    await client.close()
    assert reached == []


async def test_one_bad_address_among_good_ones_is_enough() -> None:
    async def mixed(_: str, __: int) -> Sequence[str]:
        return ["93.184.215.14", "10.0.0.7"]

    client = OutgoingClient(resolver=mixed)
    with pytest.raises(AddressRefused, match="may not be called"):
        await client.check("https://example.com/")
    await client.close()


async def test_a_name_that_changes_its_answer_is_dialled_where_it_was_checked() -> None:
    """Rebinding: the first answer is harmless, each later one is not. Only one question is asked."""
    asked: list[str] = []

    async def rebinding(host: str, _: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    client = OutgoingClient(allow_http=True, allow=["127.0.0.1/32"], resolver=rebinding)
    heard: list[bytes] = []
    async with listening(answers(OK, heard)) as (port, _):
        assert (await client.post(f"http://rebind.example:{port}/", b"")).status == 200
        assert f"host: rebind.example:{port}".encode() in heard[0].lower()
        with pytest.raises(AddressRefused):
            await client.post(f"http://rebind.example:{port}/", b"")
    await client.close()
    assert asked == ["rebind.example"] * 2


async def test_the_next_address_is_tried_when_one_does_not_answer() -> None:
    async def two(_: str, __: int) -> Sequence[str]:
        return ["::1", "127.0.0.1"]

    client = OutgoingClient(allow_http=True, allow=["127.0.0.1/32", "::1/128"], resolver=two)
    async with listening(answers(OK)) as (port, _):
        assert (await client.post(f"http://both.example:{port}/", b"")).status == 200
    await client.close()


async def hangs(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
    await asyncio.sleep(60)


async def drips(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.01)


async def drips_headers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"x: y\r\n")
        await writer.drain()
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("behave", [hangs, drips, drips_headers])
async def test_the_whole_exchange_has_one_deadline(client: OutgoingClient, behave: Behaviour) -> None:
    loop = asyncio.get_running_loop()
    async with listening(behave) as (port, _):
        began = loop.time()
        with pytest.raises(NoAnswer, match=r"within 0\.3 s"):
            await client.post(f"http://127.0.0.1:{port}/", b"{}", within=timedelta(seconds=0.3))
        assert loop.time() - began < 3


async def test_a_resolver_that_hangs_is_not_waited_for() -> None:
    async def hanging(_: str, __: int) -> Sequence[str]:
        await asyncio.sleep(60)
        return []

    client = OutgoingClient(resolver=hanging)
    with pytest.raises(NoAnswer):
        await client.post("https://slow.example/", b"", within=timedelta(seconds=0.1))
    await client.close()


async def test_a_huge_answer_is_cut_off(client: OutgoingClient) -> None:
    sent = 0

    async def huge(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n")
        while True:
            writer.write(b"x" * 65_536)
            await writer.drain()
            sent += 65_536

    async with listening(huge) as (port, _):
        with pytest.raises(NoAnswer, match="more than"):
            await client.post(f"http://127.0.0.1:{port}/", b"{}")
    assert sent < 32 << 20


@pytest.mark.parametrize(
    "raw", [b"", b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"], ids=["reset", "odd", "short"]
)
async def test_a_broken_answer_is_no_answer(client: OutgoingClient, raw: bytes) -> None:
    async with listening(answers(raw)) as (port, _):
        with pytest.raises(NoAnswer):
            await client.post(f"http://127.0.0.1:{port}/", b"{}")


async def test_nobody_there_is_no_answer(client: OutgoingClient) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(NoAnswer, match="no connection"):
            await client.post(f"http://127.0.0.1:{taken.getsockname()[1]}/", b"{}")


def certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context with a certificate for `name`, and a client's context that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "server.pem"
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    return server, ssl.create_default_context(cadata=made.public_bytes(serialization.Encoding.PEM).decode())


async def test_tls_is_checked_against_the_name_and_not_the_address(tmp_path: Path) -> None:
    async def local(_: str, __: int) -> Sequence[str]:
        return ["127.0.0.1"]

    server, trust = certificate(tmp_path, "hooks.example")
    client = OutgoingClient(allow=["127.0.0.1/32"], resolver=local, verify=trust)
    async with listening(answers(OK), server) as (port, _):
        assert (await client.post(f"https://hooks.example:{port}/", b"{}")).status == 200
        with pytest.raises(NoAnswer):
            await client.post(f"https://other.example:{port}/", b"{}")
    await client.close()


def test_the_blocked_ranges_cover_what_the_standard_library_misses() -> None:
    client = OutgoingClient()
    for missed in (
        "100.64.0.1", "64:ff9b::1", "2002::1", "::8.8.8.8", "fec0::1", "192.88.99.1", "224.0.0.1", "ff0e::1",
    ):  # fmt: skip
        assert client._is_blocked(ip_address(missed))
    for good in ("93.184.215.14", "8.8.8.8", "2606:4700::1111", "2a00:1450:4001::1"):
        assert not client._is_blocked(ip_address(good))
