"""What a gateway reads of a message, and what it takes for none."""

import msgspec
import pytest

from daemon.gateway.heads import NO_GRANT, head_of
from sinks.messages import encoder, topic_of
from tests.support.messages import NODE, count, detection, event, heartbeat, status


def wire(envelope, encoding="json", **fields):
    """Topic and payload of a message, with these fields set."""
    message = envelope.message
    plain = msgspec.to_builtins(message) | fields
    payload = {"json": msgspec.json.encode, "msgpack": msgspec.msgpack.encode}[encoding](plain)
    return topic_of(message), payload


@pytest.mark.parametrize("encoding", ["json", "msgpack"])
@pytest.mark.parametrize(
    ("envelope", "kind"),
    [
        (detection(), "det"),
        (status(), "status"),
        (event(), "event"),
        (count(), "count"),
    ],
)
def test_of_a_message_of_a_camera_node_camera_and_grant_are_known(envelope, kind, encoding):
    head = head_of(*wire(envelope, encoding, grant=7))
    assert (head.kind, head.node, head.camera, head.grant) == (kind, NODE, "gate", 7)


def test_a_daemon_in_no_fleet_has_no_grant():
    envelope = detection()
    head = head_of(topic_of(envelope.message), encoder("json")(envelope.message))
    assert head.grant == NO_GRANT


@pytest.mark.parametrize("encoding", ["json", "msgpack"])
def test_a_heartbeat_names_the_cameras_of_its_node(encoding):
    head = head_of(*wire(heartbeat({"gate": 1, "yard": 2}), encoding))
    assert head.camera is None
    assert head.cameras == {"gate", "yard"}


def test_a_kind_that_a_later_version_adds_is_passed_on_all_the_same():
    head = head_of(b"path.gate.", b'{"node":"lodge","camera":"gate","grant":3}')
    assert (head.kind, head.grant) == ("path", 3)


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        (b"det.yard.", b'{"node":"lodge","camera":"gate"}'),  # about another camera
        (b"hb.barn.", b'{"node":"lodge","cameras":{}}'),  # of another node
        (b"det.gate", b'{"node":"lodge","camera":"gate"}'),  # without its dot
        (b"det.gate.", b'{"node":"lodge"}'),
        (b"det.gate.", b'{"node":"lodge","camera":"gate","grant":"9"}'),
        (b"det.gate.", b'{"node":"lodge","camera":"gate","grant":-1}'),
        (b"det.gate.", b'{"node":"a b","camera":"gate"}'),
        (b"det.GATE.", b'{"node":"lodge","camera":"GATE"}'),
        (b"det.gate.", b"{"),
        (b"det.gate.", b""),
        (b"det.gate.", b"\xff\xff"),
        (b"det.g\xc3\xa4te.", b'{"node":"lodge","camera":"g\xc3\xa4te"}'),
        (b"", b""),
        (b"det." + b"a" * 200 + b".", b"{}"),
    ],
)
def test_what_is_no_message_of_ours_is_a_value_error(topic, payload):
    with pytest.raises(ValueError):  # noqa: PT011 - msgspec's errors are some, too
        head_of(topic, payload)
