"""Who is let in: the name asked for, no pages of other sites, the token. HTTP thread.

**Names.** A page of some other site can give its own name the address 127.0.0.1 and then read every
answer, for to the browser they come from one origin (DNS rebinding). The `Host` header still tells
the name.

**Token.** `Authorization: Bearer TOKEN`, or Basic with the token as any user's password. Browsers
ask for a Basic login by themselves, so the live page needs no form and no cookie.
"""

from __future__ import annotations

import asyncio
import binascii
import hashlib
import hmac
import ipaddress
import logging
from base64 import b64decode
from collections import Counter, OrderedDict
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import SecretStr
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from config.credentials import resolve_token
from config.schema import ListenerConfig
from config.urls import is_loopback, split_host_port
from daemon.clock import Clock
from daemon.http.errors import ApiError
from daemon.http.prefix import path_of
from sinks.seldom import Seldom

log = logging.getLogger(__name__)

OPEN_PATHS = frozenset({"/healthz"})  # says nothing but that the process makes progress
OPEN_FOLDER = "/static/"  # the same for everybody; the page that asks for the token is made of it
WRONG_TOKEN_DELAY_S = 1.0
MAX_WAITING = 16  # wrong tokens that wait for their answer
MAX_WAITING_EACH = 4  # of one address
MOST_KNOWN = 256  # addresses that gave the right one
CHALLENGE = 'Basic realm="vedette", charset="UTF-8"'


class Guard:
    """Lets a request through to the application or answers why not.

    Without `read_token` a configuration with a token lets nobody in.
    """

    def __init__(
        self,
        app: ASGIApp,
        config: ListenerConfig,
        clock: Clock,
        *,
        delay_s: float = WRONG_TOKEN_DELAY_S,
    ) -> None:
        self._app = app
        self._config = config
        self._hosts = KnownHosts(split_host_port(config.listen)[0], config.allowed_hosts)
        self._delay_s = delay_s
        self._token: TokenCheck | None = None
        self._guesses = Guesses()
        self._wrong = Seldom(clock.now_s)

    def read_token(self, directory: Path | None) -> None:
        """`directory` is $CREDENTIALS_DIRECTORY. Raises CredentialError. Any thread."""
        if self._config.token is not None:
            self._token = TokenCheck(resolve_token(self._config.token, directory=directory))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            try:
                await self._admit(scope, Headers(scope=scope))
            except ApiError as refusal:
                await refusal.answer(scope)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def _admit(self, scope: Scope, headers: Headers) -> None:
        """Raises ApiError."""
        host = headers.get("host")
        if host is not None and not self._hosts.know(host):
            detail = "this daemon does not go by that name; see http.allowed_hosts"
            raise ApiError(421, "unknown_host", detail)
        site, mode = headers.get("sec-fetch-site"), headers.get("sec-fetch-mode")
        if site in ("cross-site", "same-site") and mode != "navigate":
            raise ApiError(403, "other_site", "pages of other sites get nothing from here")
        if self._config.token is not None and not _is_open(path_of(scope)):
            await self._ask_for_token(scope, headers.get("authorization"))

    async def _ask_for_token(self, scope: Scope, authorization: str | None) -> None:
        if authorization is None:
            raise _unauthorized("token_needed", "this daemon asks for its access token")
        peer = _peer(scope)
        if not self._guesses.may_try(peer):
            self._note_wrong(peer)
            retry = {"retry-after": "1"}
            raise ApiError(429, "too_many_logins", "too many wrong tokens", headers=retry)
        if self._token is not None and self._token.holds(authorization):
            self._guesses.was_right(peer)
            return
        self._note_wrong(peer)
        with self._guesses.was_wrong(peer):
            await asyncio.sleep(self._delay_s)
        raise _unauthorized("wrong_token", "this is not the access token")

    def _note_wrong(self, peer: str) -> None:
        if times := self._wrong.times():
            log.warning("wrong access token from=%s times=%d", peer, times)


class KnownHosts:
    """A listener on loopback answers to loopback's names, another to any, unless `allowed_hosts`
    are given; addresses of an outside listener need not be among them, as none can be rebound.
    """

    def __init__(self, listen_host: str, allowed_hosts: Collection[str]) -> None:
        self._inside = is_loopback(listen_host)
        self._allowed = frozenset(name.lower() for name in allowed_hosts)

    def know(self, header: str) -> bool:
        """Whether a `Host` header, port and all, is one of ours."""
        host = _without_port(header).lower().removesuffix(".")
        if host in self._allowed or host == "localhost":
            return True
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return not self._inside and not self._allowed
        return address.is_loopback or not self._inside


class TokenCheck:
    """Keeps a digest only; how long a comparison takes says nothing of the token. Any thread."""

    def __init__(self, token: SecretStr) -> None:
        self._digest = _digest(token.get_secret_value().encode())

    def holds(self, authorization: str) -> bool:
        """Whether this header carries the token."""
        given = _given(authorization)
        return given is not None and hmac.compare_digest(_digest(given), self._digest)


class Guesses:
    """How fast the token can be guessed. Event loop only.

    A wrong one holds a place for as long as its answer waits, and there are few places: beyond
    them nothing is compared. An address that gave the right token needs none, until it gives a
    wrong one.
    """

    def __init__(self) -> None:
        self._waiting: Counter[str] = Counter()
        self._known: OrderedDict[str, None] = OrderedDict()

    def may_try(self, peer: str) -> bool:
        """Whether what this address gives is looked at."""
        if peer in self._known:
            return True
        return self._waiting[peer] < MAX_WAITING_EACH and self._waiting.total() < MAX_WAITING

    def was_right(self, peer: str) -> None:
        self._known[peer] = None
        self._known.move_to_end(peer)
        if len(self._known) > MOST_KNOWN:
            self._known.popitem(last=False)

    @contextmanager
    def was_wrong(self, peer: str) -> Iterator[None]:
        """Hold a place meanwhile."""
        self._known.pop(peer, None)
        self._waiting[peer] += 1
        try:
            yield
        finally:
            self._waiting[peer] -= 1
            if not self._waiting[peer]:
                del self._waiting[peer]


def _is_open(path: str) -> bool:
    return path in OPEN_PATHS or (path.startswith(OPEN_FOLDER) and ".." not in path)


def _peer(scope: Scope) -> str:
    return str((scope.get("client") or ("unknown",))[0])


def _unauthorized(reason: str, detail: str) -> ApiError:
    return ApiError(401, reason, detail, headers={"www-authenticate": CHALLENGE})


def _without_port(header: str) -> str:
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.partition(":")[0]


def _digest(text: bytes) -> bytes:
    return hashlib.sha256(text).digest()


def _given(authorization: str) -> bytes | None:
    scheme, _, value = authorization.partition(" ")
    value = value.strip()
    if scheme.lower() == "bearer":
        return value.encode()
    if scheme.lower() == "basic":
        try:
            return b64decode(value, validate=True).partition(b":")[2]
        except (binascii.Error, ValueError):  # ValueError: not ASCII
            return None
    return None
