"""The outgoing client: no hostile address is dialled, nothing is waited for too long, nothing is swallowed whole."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
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
