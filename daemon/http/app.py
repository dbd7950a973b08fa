"""The HTTP application, put together. It knows the daemon only by its `View`.

A request passes `Prefixed` (a proxy's path), `Hardened` (headers, reading only), `Guard` (who is
let in) and the router.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from daemon.http import editing, switching
from daemon.http.api import Api
from daemon.http.editing import Editing
from daemon.http.errors import ApiError, answer_api_error, answer_http_error
from daemon.http.guard import Guard
from daemon.http.hardening import Hardened
from daemon.http.listener import Shortage
from daemon.http.lives import ObjectLives
from daemon.http.pages import Pages
from daemon.http.prefix import Prefixed
from daemon.http.recordings import Recordings
from daemon.http.switching import Switching
from daemon.http.view import View


class HttpApp:
    """The ASGI application. `close` may be called from any thread; the rest is the server's."""

    def __init__(self, view: View) -> None:
        self._events = view.events
        self._shortage = Shortage(view.clock)
        self._api = Api(view)
        self._pages = Pages(view)
        recordings = Recordings(view)
        self._loop: asyncio.AbstractEventLoop | None = None
        router = Starlette(
            routes=[
                *self._api.routes(),
                *recordings.routes(),
                *Editing(view).routes(),
                *Switching(view).routes(),
                *ObjectLives(view).routes(),
                *self._pages.routes(),
            ],
            lifespan=self._lifespan,
            exception_handlers={
                ApiError: answer_api_error,
                HTTPException: answer_http_error,
                Exception: answer_http_error,
            },
        )
        router.router.redirect_slashes = False  # it would redirect to a host of its own guess
        self._guard = Guard(router, view.http, view.clock)
        self._asgi = Prefixed(Hardened(self._guard, writable=_writable(view)))

    def read_token(self, directory: Path | None) -> None:
        """`directory` is $CREDENTIALS_DIRECTORY. Raises CredentialError."""
        self._guard.read_token(directory)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._asgi(scope, receive, send)

    def close(self) -> None:
        """End the answers that have no end, so that the server can stop."""
        loop = self._loop
        if loop is not None:
            with suppress(RuntimeError):  # the loop is closed already
                loop.call_soon_threadsafe(self._end_streams)

    def _end_streams(self) -> None:
        self._pages.close()
        self._events.close()

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(self._shortage)
        sampling = asyncio.create_task(self._api.sample())
        try:
            yield
        finally:
            sampling.cancel()
            self._end_streams()


def _writable(view: View) -> dict[str, re.Pattern[str]]:
    """Which paths may be written, and by which method."""
    put = {"PUT": editing.WRITABLE} if view.editor is not None else {}
    post = {"POST": switching.WRITABLE} if view.switch is not None else {}
    return put | post
