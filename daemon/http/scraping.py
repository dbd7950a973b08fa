"""The metrics page: made by a worker thread, once for all who ask at the same time.

Making it holds the interpreter for milliseconds, so a crowd of scrapers must not multiply it.
"""

from __future__ import annotations

import asyncio

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from starlette.concurrency import run_in_threadpool


class Scraper:
    """Event loop only."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._running: dict[str, asyncio.Task[bytes]] = {}

    async def page(self, accept: str) -> tuple[bytes, str]:
        """Body and content type; the body may have been begun for somebody who asked before."""
        encode, content_type = choose_encoder(accept)
        running = self._running.get(content_type)
        if running is None:
            running = asyncio.create_task(run_in_threadpool(encode, self._registry))
            self._running[content_type] = running
            running.add_done_callback(lambda _: self._running.pop(content_type))
        # shield: whoever asked first may leave, the others still wait for it
        return await asyncio.shield(running), content_type
