"""The metrics page: made by a worker thread, once for all who ask at the same time.

Making it holds the interpreter for milliseconds, so a crowd of scrapers must not multiply it. It is
Prometheus text whoever asks: OpenMetrics would say the same and takes half as long again to make.
"""

from __future__ import annotations

import asyncio

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, generate_latest
from starlette.concurrency import run_in_threadpool

MEDIA_TYPE = CONTENT_TYPE_PLAIN_0_0_4


class Scraper:
    """Event loop only."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._running: asyncio.Task[bytes] | None = None

    async def page(self) -> bytes:
        """The page; it may have been begun for somebody who asked before."""
        running = self._running
        if running is None or running.done():
            making = run_in_threadpool(generate_latest, self._registry)
            running = self._running = asyncio.create_task(making)
        # shield: whoever asked first may leave, the others still wait for it
        return await asyncio.shield(running)
