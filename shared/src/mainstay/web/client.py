"""The one outgoing HTTP client: for addresses that people type in, so it trusts none of them.

The name is resolved once, every answer is checked, and the checked address is dialled with the original name in Host
and in TLS: a name that changes its answer meanwhile (rebinding) gains nothing.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

import httpx

from mainstay.observability.tracing import span

WITHIN: Final = timedelta(seconds=10)
MAX_ANSWER_BYTES: Final = 64 * 1024
MAX_PORT: Final = 65_535
_RESOLVING_THREADS: Final = 8

BLOCKED: Final = tuple(
    ip_network(block)
    for block in (
        # IPv4: https://www.iana.org/assignments/iana-ipv4-special-registry
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carriers' own
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local, and the metadata services of clouds
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # multicast tunnels
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
        # IPv6: https://www.iana.org/assignments/iana-ipv6-special-registry
        "::/96",  # unspecified, loopback, IPv4-compatible
        "::ffff:0:0/96",  # IPv4-mapped
        "::ffff:0:0:0/96",  # IPv4-translated
        "64:ff9b::/96",  # NAT64
        "64:ff9b:1::/48",  # NAT64, local
        "100::/64",  # discard
        "100:0:0:1::/64",  # dummy
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
        "5f00::/16",  # segment routing
        "fc00::/7",  # unique local
        "fe80::/10",  # link-local
        "fec0::/10",  # site-local
        "ff00::/8",  # multicast
    )
)
"""Where nothing is ever sent. `ipaddress.is_private` and `is_global` miss several of these."""

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""Answers the addresses of a host, as text; raises OSError."""


class OutgoingError(Exception):
    """A request had no answer; the text says why, in words for the person who set the address."""


class AddressRefused(OutgoingError):
    """The address may not be called; trying again is of no use until it is changed."""


class NoAnswer(OutgoingError):
    """No answer in time, or an answer that is too large. Whether the request arrived is not known."""


class NotReached(NoAnswer):
    """No address or no connection: nothing was sent."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: any status, redirects too; they are not followed."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class OutgoingClient:
    """Sends single requests.

    `allow_http` lets http:// pass beside https://. `allow` names networks ("127.0.0.1/32") that may be called although
    they are blocked: for a receiver in one's own house. Proxy variables and netrc are not looked at.
    """

    def __init__(
        self,
        *,
        allow_http: bool = False,
        allow: Sequence[str] = (),
        resolver: Resolver | None = None,
        verify: ssl.SSLContext | None = None,
    ) -> None:
        self._schemes = {"https", "http"} if allow_http else {"https"}
        self._allowed = tuple(ip_network(network) for network in allow)
        self._threads = ThreadPoolExecutor(_RESOLVING_THREADS, thread_name_prefix="resolver")
        self._resolve = resolver or self._ask_system
        self._client = httpx.AsyncClient(
            verify=verify or _trusting_the_system(),
            trust_env=False,
            follow_redirects=False,
            # The pool knows connections by address, not by name: none is used twice.
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
            headers={"User-Agent": "mainstay", "Accept-Encoding": "identity"},
        )

    async def close(self) -> None:
        """Let go of everything."""
        await self._client.aclose()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def check(self, url: str, *, within: timedelta = WITHIN) -> None:
        """See whether a request to this address would be sent, when somebody saves it. Raises `OutgoingError`."""
        target = self._parse(url)
        try:
            async with asyncio.timeout(within.total_seconds()):
                await self._addresses(target)
        except TimeoutError:
            raise NotReached(f"the name {target.host} was not resolved in time") from None

    async def post(
        self,
        url: str,
        content: bytes,
        *,
        headers: Mapping[str, str] | None = None,
        within: timedelta = WITHIN,
        max_bytes: int = MAX_ANSWER_BYTES,
    ) -> Answer:
        """POST and read the answer: resolving, sending and the last byte of the answer all happen `within`.

        Raises `AddressRefused` before anything is sent, and `NoAnswer`.
        """
        target = self._parse(url)
        with span("POST", kind="client") as here:
            try:
                async with asyncio.timeout(within.total_seconds()):
                    addresses = await self._addresses(target)
                    sent = {"traceparent": here.traceparent, **(headers or {}), "Host": target.netloc.decode("ascii")}
                    return await self._dial(target, addresses, sent, content, max_bytes)
            except TimeoutError:
                raise NoAnswer(f"no complete answer within {within.total_seconds():g} s") from None

    def _parse(self, url: str) -> httpx.URL:
        if not url.isprintable() or " " in url or "\\" in url:
            raise AddressRefused("the address holds characters that no address has")
        try:
            target = httpx.URL(url)
            host, port = target.host, target.port  # `host` decodes punycode, and not all of it is any
        except (httpx.InvalidURL, ValueError, OverflowError):
            raise AddressRefused("this is not a URL") from None
        if target.scheme not in self._schemes:
            raise AddressRefused(f"the address must begin with {' or '.join(f'{s}://' for s in sorted(self._schemes))}")
        if not host:
            raise AddressRefused("the address has no host")
        if target.userinfo:
            raise AddressRefused("the address may not hold a user name or password")
        if b"%" in target.raw_host:  # httpx escapes what no host may hold: a bracket without its twin, say
            raise AddressRefused("the host holds characters that no host has")
        if port is not None and not 1 <= port <= MAX_PORT:
            raise AddressRefused(f"a port lies between 1 and {MAX_PORT}")
        return target

    async def _addresses(self, target: httpx.URL) -> list[IPv4Address | IPv6Address]:
        host = target.raw_host.decode("ascii")
        port = target.port or (443 if target.scheme == "https" else 80)
        try:
            found = await self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise NotReached(f"the name {host} cannot be resolved") from error
        if not found:
            raise NotReached(f"the name {host} has no address")
        addresses = []
        for each in found:
            try:
                address = ip_address(each)
            except ValueError:
                raise AddressRefused(f"{host} leads to an address that may not be called") from None
            if self._is_blocked(address):
                raise AddressRefused(f"{host} leads to an address that may not be called")
            addresses.append(address)
        return addresses

    def _is_blocked(self, address: IPv4Address | IPv6Address) -> bool:
        if isinstance(address, IPv6Address) and address.scope_id is not None:
            return True
        return any(address in network for network in BLOCKED) and not any(
            address in network for network in self._allowed
        )

    async def _ask_system(self, host: str, port: int) -> Sequence[str]:
        # Threads of our own: names that take for ever to resolve must not hold up the loop's other work.
        found = await asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        )
        return list(dict.fromkeys(str(entry[4][0]) for entry in found))

    async def _dial(
        self,
        target: httpx.URL,
        addresses: Sequence[IPv4Address | IPv6Address],
        headers: Mapping[str, str],
        content: bytes,
        max_bytes: int,
    ) -> Answer:
        for address in addresses:
            try:
                return await self._exchange(target, address, headers, content, max_bytes)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failure = NotReached(f"no connection to {target.host}: {_reason(error)}")
            except httpx.HTTPError as error:
                raise NoAnswer(f"{target.host} broke off: {_reason(error)}") from error
        raise failure

    async def _exchange(
        self,
        target: httpx.URL,
        address: IPv4Address | IPv6Address,
        headers: Mapping[str, str],
        content: bytes,
        max_bytes: int,
    ) -> Answer:
        request = self._client.build_request(
            "POST",
            target.copy_with(host=str(address)),
            headers=headers,
            content=content,
            extensions={"sni_hostname": target.raw_host.decode("ascii")},
            timeout=None,  # the whole exchange has one deadline
        )
        answer = await self._client.send(request, stream=True)
        try:
            body = bytearray()
            async for part in answer.aiter_raw():
                body += part
                if len(body) > max_bytes:
                    raise NoAnswer(f"the answer has more than {max_bytes} bytes")
            return Answer(answer.status_code, dict(answer.headers), bytes(body))
        finally:
            await answer.aclose()


@cache
def _trusting_the_system() -> ssl.SSLContext:
    """For all clients: to read the system's certificates takes 20 ms."""
    return ssl.create_default_context()


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
