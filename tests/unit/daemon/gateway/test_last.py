"""What newcomers to a gateway are told."""

from daemon.gateway.heads import NO_GRANT, Head
from daemon.gateway.last import REPEAT_S, SILENT_S, LastOfAll


def of(camera="gate", grant=1, node="a", kind="status"):
    return Head(kind, node, camera, grant)


def beat(*cameras, node="a"):
    return Head("hb", node, None, NO_GRANT, frozenset(cameras))


class House:
    def __init__(self, **options):
        self.newest = {}
        self.last = LastOfAll(lambda camera: self.newest.get(camera, NO_GRANT), **options)

    def told(self, prefix=b"", now_s=100.0):
        """What somebody who subscribes now is sent."""
        self.last.subscribed(prefix)
        return [topic for topic, _ in self.last.due(now_s)]


def test_newest_status_count_and_heartbeat_are_kept_and_nothing_else():
    house = House()
    for number, kind in enumerate(("status", "count", "det", "event")):
        house.last.remember(b"%b.gate." % kind.encode(), b"%d" % number, of(kind=kind), 0.0)
    house.last.remember(b"hb.a.", b"old", beat("gate"), 0.0)
    house.last.remember(b"hb.a.", b"new", beat("gate"), 1.0)
    house.last.subscribed(b"")
    assert house.last.due(1.0) == [
        (b"count.gate.", b"1"),
        (b"hb.a.", b"new"),
        (b"status.gate.", b"0"),
    ]


def test_only_what_was_subscribed_to_is_sent_and_at_most_so_often():
    house = House()
    for camera in ("gate", "yard"):
        house.last.remember(b"status.%b." % camera.encode(), b"x", of(camera), 0.0)
    assert house.told(b"status.gate.", 1.0) == [b"status.gate."]
    assert house.told(b"status.yard.", 1.0 + REPEAT_S / 2) == []
    assert house.told(b"status.gate.", 1.0 + REPEAT_S) == [b"status.gate.", b"status.yard."]


def test_what_a_node_said_of_a_camera_it_no_longer_has_is_forgotten():
    house = House()
    for camera in ("gate", "yard"):
        house.last.remember(b"status.%b." % camera.encode(), b"x", of(camera), 0.0)
    house.last.remember(b"hb.a.", b"x", beat("yard"), 1.0)
    assert house.told() == [b"hb.a.", b"status.yard."]


def test_its_new_node_is_not_forgotten_by_the_heartbeat_of_the_old_one():
    house = House()
    house.last.remember(b"status.gate.", b"old", of(node="a", grant=1), 0.0)
    house.last.remember(b"status.gate.", b"new", of(node="b", grant=2), 1.0)
    house.last.remember(b"hb.a.", b"x", beat(), 2.0)
    house.last.subscribed(b"status.")
    assert house.last.due(3.0) == [(b"status.gate.", b"new")]


def test_nothing_older_than_the_newest_grant_is_sent_again():
    house = House()
    house.last.remember(b"count.gate.", b"x", of(kind="count", grant=1), 0.0)
    house.newest["gate"] = 2
    assert house.told() == []


def test_a_silent_node_is_forgotten_with_all_it_said():
    house = House()
    house.last.remember(b"status.gate.", b"x", of(node="a"), 0.0)
    house.last.remember(b"hb.a.", b"x", beat("gate", node="a"), 0.0)
    house.last.remember(b"hb.b.", b"x", beat(node="b"), SILENT_S)
    assert house.last.nodes() == {"a", "b"}
    house.last.tidy(SILENT_S + 0.1)
    assert house.last.nodes() == {"b"}
    assert house.told() == [b"hb.b."]


def test_memory_is_bounded_in_bytes_and_in_nodes(monkeypatch):
    house = House(most_bytes=10)
    house.last.remember(b"status.gate.", b"12345678", of("gate"), 0.0)
    house.last.remember(b"status.yard.", b"12345678", of("yard"), 0.0)
    house.last.remember(b"status.gate.", b"123456789", of("gate"), 0.0)  # in place of its own
    assert house.told() == [b"status.gate."]
    monkeypatch.setattr("daemon.gateway.last.MOST_NODES", 2)
    for node in "abcd":
        house.last.remember(b"hb.%b." % node.encode(), b"", beat(node=node), 0.0)
    assert house.last.nodes() == {"a", "b"}
