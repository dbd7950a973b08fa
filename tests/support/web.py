"""A browser without a network: requests straight into an ASGI application."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress

import httpx
from starlette.types import ASGIApp


class Browser:
    """Each request runs in an event loop of its own; the application's lifespan does not run."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    def get(self, path: str, *, headers: dict[str, str] | None = None) -> httpx.Response:
        return self.request("GET", path, headers=headers)

    def head(self, path: str) -> httpx.Response:
        return self.request("HEAD", path)

    def request(
        self,
        method: str,
        path: str,
        *,
        headers: dict[str, str] | None = None,
        json: object | None = None,
    ) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self._app, raise_app_exceptions=False)
            async with httpx.AsyncClient(
                transport=transport, base_url="http://localhost"
            ) as client:
                return await client.request(method, path, headers=headers, json=json)

        return asyncio.run(ask())


def answers(host: str, port: int) -> bool:
    """Whether somebody listens there."""
    with suppress(OSError), socket.create_connection((host, port), timeout=1):
        return True
    return False
