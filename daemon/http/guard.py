"""Who is let in: the name asked for, no pages of other sites, the token. HTTP thread."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from config.credentials import resolve_token
from config.schema import HttpConfig
from config.urls import split_host_port
from daemon.clock import Clock
from daemon.http.errors import ApiError
from daemon.http.hosts import KnownHosts
from daemon.http.prefix import path_of
from daemon.http.tokens import CHALLENGE, Guesses, TokenCheck

log = logging.getLogger(__name__)

OPEN_PATHS = frozenset({"/healthz"})  # says nothing but that the process makes progress
WRONG_TOKEN_DELAY_S = 1.0
LOG_EVERY_S = 60.0


class Guard:
    """Lets a request through to the application or answers why not.

    Without `read_token` a configuration with a token lets nobody in.
    """

    def __init__(
        self,
        app: ASGIApp,
        config: HttpConfig,
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
        self._refusals = _Refusals(clock)

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
        if self._config.token is not None and path_of(scope) not in OPEN_PATHS:
            await self._ask_for_token(scope, headers.get("authorization"))

    async def _ask_for_token(self, scope: Scope, authorization: str | None) -> None:
        if authorization is None:
            raise _unauthorized("token_needed", "this daemon asks for its access token")
        peer = _peer(scope)
        if not self._guesses.may_try(peer):
            self._refusals.note(peer)
            retry = {"retry-after": "1"}
            raise ApiError(429, "too_many_logins", "too many wrong tokens", headers=retry)
        if self._token is not None and self._token.holds(authorization):
            self._guesses.was_right(peer)
            return
        self._refusals.note(peer)
        with self._guesses.was_wrong(peer):
            await asyncio.sleep(self._delay_s)
        raise _unauthorized("wrong_token", "this is not the access token")


class _Refusals:
    """Wrong tokens in the log: the first at once, then one line a minute at most."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._unlogged = 0
        self._quiet_until_s = float("-inf")

    def note(self, peer: str) -> None:
        self._unlogged += 1
        now_s = self._clock.now_s()
        if now_s >= self._quiet_until_s:
            log.warning("wrong access token from=%s times=%d", peer, self._unlogged)
            self._unlogged, self._quiet_until_s = 0, now_s + LOG_EVERY_S


def _peer(scope: Scope) -> str:
    return str((scope.get("client") or ("unknown",))[0])


def _unauthorized(reason: str, detail: str) -> ApiError:
    return ApiError(401, reason, detail, headers={"www-authenticate": CHALLENGE})
