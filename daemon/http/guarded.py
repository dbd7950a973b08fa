"""Routes behind what every listener of ours asks of a request.

A request passes `Prefixed` (a proxy's path), `Hardened` (headers, reading only), `Guard` (who is
let in) and the router.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute
from starlette.types import Receive, Scope, Send

from config.schema import ListenerConfig
from daemon.clock import Clock
from daemon.http.errors import ApiError, answer_api_error, answer_http_error
from daemon.http.guard import Guard
from daemon.http.hardening import Hardened
from daemon.http.listener import Shortage
from daemon.http.prefix import Prefixed
from daemon.http.shell import Site


class GuardedApp:
    """An ASGI application. `close` may be called from any thread; the rest is the server's.

    `beside` runs in the event loop for as long as the server does; `end` is called there once it
    stops, to end answers that have no end. `writable` are the paths that may be written, by method.
    """

    def __init__(
        self,
        routes: Sequence[BaseRoute],
        http: ListenerConfig,
        clock: Clock,
        *,
        beside: Callable[[], Coroutine[Any, Any, None]] | None = None,
        end: Callable[[], None] = lambda: None,
        writable: Mapping[str, re.Pattern[str]] = MappingProxyType({}),
        site: Site = "daemon",
    ) -> None:
        self._shortage = Shortage(clock)
        self._site = site
        self._beside = beside
        self._end = end
        self._loop: asyncio.AbstractEventLoop | None = None
        router = Starlette(
            routes=routes,
            lifespan=self._lifespan,
            exception_handlers={
                ApiError: answer_api_error,
                HTTPException: answer_http_error,
                Exception: answer_http_error,
            },
        )
        router.router.redirect_slashes = False  # it would redirect to a host of its own guess
        self._guard = Guard(router, http, clock)
        self._asgi = Prefixed(Hardened(self._guard, writable=writable))

    def read_token(self, directory: Path | None) -> None:
        """`directory` is $CREDENTIALS_DIRECTORY. Raises CredentialError."""
        self._guard.read_token(directory)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["site"] = self._site  # pages of errors belong to it, too
        await self._asgi(scope, receive, send)

    def close(self) -> None:
        """End the answers that have no end, so that the server can stop."""
        loop = self._loop
        if loop is not None:
            with suppress(RuntimeError):  # the loop is closed already
                loop.call_soon_threadsafe(self._end)

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(self._shortage)
        beside = asyncio.create_task(self._beside()) if self._beside else None
        try:
            yield
        finally:
            if beside is not None:
                beside.cancel()
            self._end()
