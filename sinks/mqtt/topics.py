"""The topics of one node, and how a name of ours becomes a level of a topic. Pure."""

from __future__ import annotations

from urllib.parse import quote


def level(name: str) -> str:
    """One level of a topic, whatever the name holds: letters, digits and `_.-~` stay, every other
    byte of its UTF-8 becomes `%XX`. So `traffic light` is `traffic%20light`, and can be read back.
    """
    return quote(name, safe="")


class Topics:
    """Every topic that a node writes or listens to."""

    def __init__(self, prefix: str, node: str) -> None:
        self.prefix = prefix
        self.node = node
        self.base = f"{prefix}/{level(node)}"

    @property
    def available(self) -> str:
        """`online`, or `offline`: by the broker where the connection breaks."""
        return f"{self.base}/available"

    @property
    def retained(self) -> str:
        """Which topics the broker keeps for this node, so that the next start can clear them."""
        return f"{self.base}/retained"

    @property
    def commands(self) -> str:
        """A filter for the commands of every camera."""
        return f"{self.base}/+/detect/set"

    def camera(self, camera: str) -> str:
        """What every topic of that camera begins with, with its closing stroke."""
        return f"{self.base}/{level(camera)}/"

    def status(self, camera: str) -> str:
        return f"{self.camera(camera)}status"

    def event(self, camera: str) -> str:
        return f"{self.camera(camera)}event"

    def detections(self, camera: str) -> str:
        return f"{self.camera(camera)}detections"

    def count(self, camera: str, label: str) -> str:
        return f"{self.camera(camera)}count/{level(label)}"

    def zone(self, camera: str, zone: str, label: str) -> str:
        return f"{self.camera(camera)}zone/{level(zone)}/{level(label)}"

    def line(self, camera: str, line: str, direction: str) -> str:
        return f"{self.camera(camera)}line/{level(line)}/{level(direction)}"

    def snapshot(self, camera: str, label: str) -> str:
        return f"{self.camera(camera)}snapshot/{level(label)}"

    def detect_state(self, camera: str) -> str:
        """ON, or OFF while the camera is paused."""
        return f"{self.camera(camera)}detect/state"

    def detect_set(self, camera: str) -> str:
        return f"{self.camera(camera)}detect/set"
