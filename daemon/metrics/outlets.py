"""Series of the sinks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from daemon.books.reports import SinkReport
from daemon.metrics.families import Family, counter, gauge
from sinks.links import LinkState


def sink_families(sinks: Sequence[SinkReport]) -> Iterator[Family]:
    yield counter(
        "published_messages",
        "Messages a sink sent, by kind.",
        ("sink", "kind"),
        [((s.name, kind), n) for s in sinks for kind, n in s.counts.published.items()],
    )
    yield counter(
        "published_bytes",
        "Payload a sink sent.",
        ("sink",),
        [((s.name,), s.counts.published_bytes) for s in sinks],
    )
    yield counter(
        "publish_dropped",
        "Messages a sink did not send, by reason.",
        ("sink", "reason"),
        [((s.name, loss), n) for s in sinks for loss, n in s.counts.dropped.items()],
    )
    yield counter(
        "publish_retries",
        "How often a message was tried again.",
        ("sink",),
        [((s.name,), s.counts.retries) for s in sinks],
    )
    yield gauge(
        "sink_failing",
        "1 while a sink cannot send.",
        ("sink",),
        [((s.name,), bool(s.failing)) for s in sinks],
    )
    yield gauge(
        "subscribers",
        "Subscriptions a sink knows of.",
        ("sink",),
        [((s.name,), s.subscribers) for s in sinks],
    )
    yield from _links(sinks)


def _links(sinks: Sequence[SinkReport]) -> Iterator[Family]:
    links = [(s.name, s.link) for s in sinks if s.link]
    yield gauge(
        "sink_connected",
        "Whether what a sink sends to is there.",
        ("sink",),
        [((name,), int(link.state is LinkState.CONNECTED)) for name, link in links],
    )
    yield counter(
        "sink_connects",
        "How often a sink has connected.",
        ("sink",),
        [((name,), link.connects) for name, link in links],
    )
    yield counter(
        "sink_failures",
        "How often a sink could not connect, or lost its connection.",
        ("sink",),
        [((name,), link.failures) for name, link in links],
    )
    told = [(s.name, s.told) for s in sinks if s.told]
    yield counter(
        "events_held",
        "Events a sink did not send because it was asked not to, by reason.",
        ("sink", "reason"),
        [((name, why), n) for name, picked in told for why, n in picked.held.items()],
    )
    yield gauge(
        "retained_topics",
        "States that a broker keeps for a sink.",
        ("sink",),
        [((name,), picked.retained) for name, picked in told],
    )
    yield counter(
        "retained_topics_refused",
        "States that a sink did not send because a broker keeps as many as it may.",
        ("sink",),
        [((name,), picked.refused) for name, picked in told],
    )
