import pytest

from sinks.mqtt.manifest import Manifest, read

ROOTS = ["v/lodge/", "homeassistant/device/v__lodge/"]


def test_what_was_written_is_read():
    manifest = Manifest(["v/lodge/gate/status"], {"v/lodge/gate/status": {"x": "sensor"}})
    assert read(manifest.encoded(), ROOTS) == manifest


def test_topics_of_others_are_never_ours_to_clear():
    written = Manifest(
        ["v/lodge/gate/status", "v/shed/gate/status", "zigbee2mqtt/bridge", "v/lodge/+/status"],
        {"zigbee2mqtt/bridge": {"x": "sensor"}},
    )
    assert read(written.encoded(), ROOTS) == Manifest(["v/lodge/gate/status"], {})


@pytest.mark.parametrize(
    "payload",
    [b"", b"{", b"[]", b"null", b'{"v":2,"topics":[],"devices":{}}', b'{"v":1,"topics":[1]}'],
)
def test_what_is_no_manifest_of_ours_says_nothing(payload):
    assert read(payload, ROOTS) == Manifest()
