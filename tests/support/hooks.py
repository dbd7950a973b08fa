"""A webhook at work: its sink in its own thread, and what it was given to send."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from config.webhook import WebhookConfig
from daemon.clock import SystemClock
from sinks.envelope import Envelope
from sinks.messages import Kind
from sinks.sink import Loss, SinkCounts, SinkWorker
from sinks.webhook.sink import WebhookSink
from tests.support import messages
from tests.support.waiting import PATIENCE_S, until


class Hook:
    """`put` makes an event of now."""

    def __init__(self, url: str, **fields: Any) -> None:
        options = {"timeout_s": 5.0, "rules": [{"cooldown_s": 0}]} | fields
        self.config = WebhookConfig.model_validate({"url": url} | options)
        self.clock = SystemClock()
        # Waits are those of the ceiling: half of it at least, never all of it.
        self.sink = WebhookSink("webhook.phone", self.config, self.clock, random=lambda: 0.0)
        self.worker = SinkWorker(self.sink, self.clock, capacity=self.config.queue)
        self.given = 0

    def put(self, count: int = 1, *, age_s: float = 0.0, **fields: Any) -> None:
        for _ in range(count):
            self.given += 1
            at_ns = self.clock.wall_ns() - int(age_s * 1e9)
            self.worker.put(
                messages.event(seq=self.given, **{"at_ns": at_ns, "since_ns": at_ns} | fields)
            )

    def put_other(self, envelope: Envelope) -> None:
        self.worker.put(envelope)

    @property
    def counts(self) -> SinkCounts:
        return self.worker.counts()

    @property
    def sent(self) -> int:
        return self.counts.published[Kind.EVENT]

    def lost(self, loss: Loss) -> int:
        return self.counts.dropped[loss]

    def balances(self) -> bool:
        """The law of a sink's books."""
        counts = self.counts
        settled = sum(counts.published.values()) + sum(counts.dropped.values())
        return settled + counts.queued == self.given

    def is_done(self) -> bool:
        return self.counts.queued == 0


@contextmanager
def running_hook(url: str, **fields: Any) -> Iterator[Hook]:
    """At the end it stops in time, and its books balance."""
    hook = Hook(url, **fields)
    hook.worker.open()
    hook.worker.start()
    try:
        yield hook
        until(hook.balances)
    finally:
        assert hook.worker.stop(PATIENCE_S)
    assert hook.counts.queued == 0
    assert hook.balances()
