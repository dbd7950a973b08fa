"""Brings a letter to its receiver: one try, bounded in time as a whole whatever the other does.

UnreachableError   no answer: worth another try
MisledError        the way leads to where it must not: another host by a redirect, or a name that
                   stands for a link-local address

A name is looked up once for each try, and the connection goes to the address that was looked at.
Redirects are followed only where host, port and scheme stay and the method may not change (307,
308): nothing that carries the signature or the receiver's token goes anywhere else.
"""

from __future__ import annotations

import asyncio
import math
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING

from config.urls import is_link_local, is_metadata_host
from sinks.webhook.letter import Letter

if TYPE_CHECKING:  # imported when there is something to send
    import httpx

MOST_REDIRECTS = 3
MOST_ADDRESSES = 4  # of a name
MOST_ANSWER = 64 * 1024  # bytes that are read, so that the connection can be used again
CLOSE_S = 0.3

_SAME_METHOD = (307, 308)


class UnreachableError(Exception):
    """In a few words, without address."""


class MisledError(Exception):
    """In a few words, without address."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    retry_after_s: float | None = None  # as the receiver wishes

    @property
    def is_good(self) -> bool:
        return 200 <= self.status < 300


class Courier:
    """`hurry` may be called from any thread; all else belongs to one."""

    def __init__(self, *, timeout_s: float, authorities: Path | None, link_local: bool) -> None:
        self._timeout_s = timeout_s
        self._authorities = authorities
        self._link_local = link_local
        self._loop: asyncio.AbstractEventLoop | None = None
        self._client: httpx.AsyncClient | None = None
        self._limit: asyncio.Timeout | None = None
        self._left_s = math.inf  # since `hurry`

    def open(self) -> None:
        """Raises ValueError for a file of authorities that is none."""
        import httpx

        try:
            context = ssl.create_default_context(
                cafile=None if self._authorities is None else str(self._authorities)
            )
        except (OSError, ssl.SSLError):
            raise ValueError("the file of `ca` holds no certificates") from None
        # The environment's proxies and .netrc are not obeyed: they would learn what is sent.
        self._client = httpx.AsyncClient(
            verify=context, trust_env=False, timeout=self._timeout_s, follow_redirects=False
        )

    def deliver(self, url: str, letter: Letter, *, wall_s: float) -> Answer:
        """One try. Raises UnreachableError and MisledError."""
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
        return self._loop.run_until_complete(self._bounded(url, letter, wall_s))

    def hurry(self, left_s: float) -> None:
        """What is on its way must be there within that time, and what follows too."""
        self._left_s = left_s
        loop = self._loop
        if loop is not None:
            with suppress(RuntimeError):  # the loop is closed already
                loop.call_soon_threadsafe(self._shorten)

    def close(self) -> None:
        """Hang up. Lookups that hang are left behind."""
        client, self._client = self._client, None
        loop, self._loop = self._loop, None
        if loop is None:
            loop = asyncio.new_event_loop() if client is not None else None
        if loop is not None:
            if client is not None:
                with suppress(TimeoutError):
                    loop.run_until_complete(asyncio.wait_for(client.aclose(), CLOSE_S))
            loop.close()

    async def _bounded(self, url: str, letter: Letter, wall_s: float) -> Answer:
        import httpx

        try:
            async with asyncio.timeout(min(self._timeout_s, self._left_s)) as self._limit:
                return await self._follow(httpx.URL(url), letter, wall_s)
        except TimeoutError:
            raise UnreachableError("no answer in time") from None
        except ssl.SSLCertVerificationError as error:
            raise UnreachableError(_certificate(error)) from None
        except httpx.TransportError as error:
            raise UnreachableError(_reason(error)) from None
        except OSError as error:
            raise UnreachableError(error.strerror or type(error).__name__) from None
        finally:
            self._limit = None

    async def _follow(self, url: httpx.URL, letter: Letter, wall_s: float) -> Answer:
        for _ in range(MOST_REDIRECTS + 1):
            status, headers = await self._ask(url, letter)
            if not 300 <= status < 400:
                return Answer(status, retry_after_s(headers.get("retry-after"), wall_s=wall_s))
            url = _next(url, status, headers.get("location"))
        raise MisledError("redirects in a circle")

    async def _ask(self, url: httpx.URL, letter: Letter) -> tuple[int, Mapping[str, str]]:
        import httpx

        addresses = await self._addresses(url)
        for address in addresses[:-1]:
            with suppress(httpx.ConnectError, httpx.ConnectTimeout):
                return await self._ask_at(address, url, letter)
        return await self._ask_at(addresses[-1], url, letter)

    async def _ask_at(
        self, address: str, url: httpx.URL, letter: Letter
    ) -> tuple[int, Mapping[str, str]]:
        if self._client is None:
            raise UnreachableError("not open")
        request = self._client.build_request(
            letter.method,
            url.copy_with(host=address),
            content=letter.body,
            headers={"Host": url.netloc.decode(), **letter.headers},
            extensions={"sni_hostname": url.host},
        )
        response = await self._client.send(request, stream=True)
        try:
            read = 0
            async for chunk in response.aiter_raw():
                read += len(chunk)
                if read > MOST_ANSWER:
                    break
        finally:
            await response.aclose()
        return response.status_code, response.headers

    async def _addresses(self, url: httpx.URL) -> list[str]:
        """Where its name leads, as far as one may go there."""
        port = url.port or (443 if url.scheme == "https" else 80)
        try:
            found = await asyncio.get_running_loop().getaddrinfo(
                url.host, port, type=socket.SOCK_STREAM
            )
        except socket.gaierror:
            raise UnreachableError("its name has no address that is known here") from None
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        allowed = [address for address in addresses if self._may_go_to(address)]
        if not allowed:
            raise MisledError("its name leads to a link-local address")
        return allowed[:MOST_ADDRESSES]

    def _may_go_to(self, address: str) -> bool:
        plain = address.partition("%")[0]
        if is_metadata_host(plain):
            return False
        return self._link_local or not is_link_local(plain)

    def _shorten(self) -> None:
        limit = self._limit
        if limit is not None:
            with suppress(RuntimeError):  # it is over already
                limit.reschedule(asyncio.get_running_loop().time() + self._left_s)


def retry_after_s(header: str | None, *, wall_s: float) -> float | None:
    """Seconds of a Retry-After (RFC 9110 10.2.3), which is a number or a date; None for none."""
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        return float(text[:10])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - wall_s)
    except (ValueError, OverflowError):
        return None


def _next(url: httpx.URL, status: int, location: str | None) -> httpx.URL:
    """Where a redirect leads, if that is the same receiver."""
    if location is None or status not in (301, 302, 303, *_SAME_METHOD):
        msg = f"answers {status}, which leads nowhere"
        raise MisledError(msg)
    target = url.join(location)  # the client has seen that it is an address
    if (target.scheme, target.host, target.port) != (url.scheme, url.host, url.port):
        raise MisledError("redirects to another address, which is not followed")
    if status not in _SAME_METHOD:
        msg = f"answers {status}: it has another path now"
        raise MisledError(msg)
    return target


def _reason(error: httpx.TransportError) -> str:
    import httpx

    cause = error.__cause__
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _certificate(cause)
        if isinstance(cause, ssl.SSLError):
            return "the TLS handshake failed"
        if isinstance(cause, ConnectionRefusedError):
            return "refuses the connection"
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpx.ConnectError):
        return "there is no connection"
    if isinstance(error, httpx.TimeoutException):
        return "no answer in time"
    return "the connection broke"


def _certificate(error: ssl.SSLCertVerificationError) -> str:
    wrong = {62: "names another host", 64: "names another address", 10: "has expired"}.get(
        error.verify_code
    )
    return f"its certificate {wrong or 'is signed by nobody who is trusted here'}"
