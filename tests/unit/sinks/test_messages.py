import json

import jsonschema
import msgspec
import pytest

from sinks.envelope import stamped
from sinks.messages import (
    CameraBeat,
    DetectionMessage,
    decode,
    detection_topic,
    encoder,
    json_line,
    topic_of,
)
from sinks.schema import PUBLISHED, json_schema, text
from tests.support.messages import count, detection, event, heartbeat, status

NOW = {"wall_ns": 1_795_000_000_041_000_000, "now_s": 90.024}
ALL = [
    detection(),
    detection(objects=0),
    status(),
    status(state="backoff"),
    heartbeat({"gate": 7}),
    event(),
    count(),
]
OPTIONAL = {"zone", "line", "direction", "reason", "error"}


def test_detection_message_reads_as_the_design_says():
    sent = json.loads(encoder("json")(stamped(detection(seq=4711), **NOW)))
    assert sent == {
        "v": 1,
        "epoch": "9f3c0a7be1d24c55",
        "node": "lodge",
        "camera": "gate",
        "seq": 4711,
        "status": "ok",
        "captured_ns": 1_795_000_000_000_000_000,
        "time_source": "wallclock",
        "pts_s": 157.06,
        "published_ns": 1_795_000_000_041_000_000,
        "size": [1920, 1080],
        "model": "efficientdet-lite0",
        "latency_ms": {"queue": 3.12, "infer": 18.46, "total": 24.0},
        "detections": [
            {"label": "person", "class_id": 0, "score": 0.9123, "box": [812.4, 301.0, 905.7, 588.2]}
        ],
    }


def test_no_answer_differs_from_no_objects():
    nothing = detection(objects=0).message
    failed = msgspec.structs.replace(nothing, status="error", error="infer_error")
    assert "error" not in json.loads(encoder("json")(nothing))
    assert json.loads(encoder("json")(failed))["error"] == "infer_error"


@pytest.mark.parametrize("encoding", ["json", "msgpack"])
@pytest.mark.parametrize("envelope", ALL, ids=lambda envelope: envelope.kind)
def test_what_is_sent_is_what_is_received(envelope, encoding):
    message = stamped(envelope, **NOW)
    assert decode(topic_of(message), encoder(encoding)(message)) == message
    assert message.published_ns == NOW["wall_ns"]


def test_latency_is_unknown_without_a_time_of_arrival():
    envelope = type(detection())(detection().message)
    assert stamped(envelope, **NOW).latency_ms.total == 0.0


def test_camera_topics_are_no_prefixes_of_each_other():
    assert detection_topic("cam1") == b"det.cam1."
    assert not detection_topic("cam10").startswith(detection_topic("cam1"))


def test_topics_of_cameras_and_nodes():
    assert [topic_of(envelope.message) for envelope in (event(), count(), heartbeat({}))] == [
        b"event.gate.",
        b"count.gate.",
        b"hb.lodge.",
    ]


def test_an_object_that_lasts_has_a_number_and_one_that_may_not_has_none():
    plain = json.loads(encoder("json")(detection().message))["detections"][0]
    assert plain.keys() == {"label", "class_id", "score", "box"}
    lasting = msgspec.structs.replace(
        detection().message.detections[0], track=42, age_s=3.2, zones=("door",), stationary=False
    )
    sent = json.loads(encoder("json")(lasting))
    assert sent == plain | {"track": 42, "age_s": 3.2, "zones": ["door"], "stationary": False}


def test_only_an_event_about_a_line_names_one():
    sent = json.loads(encoder("json")(event().message))
    assert not sent.keys() & {"zone", "line", "direction", "reason"}
    crossed = event(about="line", phase="crossed", line="door", direction="in").message
    assert json.loads(encoder("json")(crossed))["direction"] == "in"


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        (b"noise", b"{}"),
        (b"det.gate.", b"{}"),
        (b"det.gate.", b"{"),
        (b"hb.lodge.", b""),
        (b"hb.lodge.", b"\x81\xa1v\x01"),
        (b"hb.lodge.", b"\xc1\xff"),
    ],
)
def test_a_payload_that_is_not_ours_is_a_value_error(topic, payload):
    with pytest.raises(ValueError, match=r"topic|payload|field|truncated|object|malformed|byte"):
        decode(topic, payload)


def test_a_field_of_a_later_version_is_no_fault():
    message = stamped(detection(), **NOW)
    later = json.loads(encoder("json")(message)) | {"tracks": [1]}
    assert decode(b"det.gate.", json.dumps(later).encode()) == message


@pytest.mark.parametrize("envelope", ALL, ids=lambda envelope: envelope.kind)
def test_every_message_and_line_fits_the_published_schema(envelope):
    message = stamped(envelope, **NOW)
    schema = json.loads(PUBLISHED.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    sent = json.loads(encoder("json")(message))
    validator.validate(sent)
    validator.validate(json.loads(json_line(message)))
    for field in sent.keys() - OPTIONAL:
        with pytest.raises(jsonschema.ValidationError):
            validator.validate({key: value for key, value in sent.items() if key != field})


def test_published_schema_is_up_to_date():
    assert PUBLISHED.read_text() == text(), (
        "run: python -m sinks.schema > sinks/messages.schema.json"
    )


def test_schema_describes_units_of_every_number_on_the_wire():
    fields = json_schema()["$defs"]["DetectionMessage"]["properties"]
    assert "ns" in fields["captured_ns"]["description"]
    assert "ns" in fields["published_ns"]["description"]


def test_a_line_says_its_kind_first():
    assert json_line(status().message).startswith(b'{"kind":"status","v":1,')
    assert json_line(status().message).endswith(b"}\n")


def test_structs_are_frozen():
    with pytest.raises(AttributeError):
        CameraBeat("streaming", 1, None).seq = 2
    with pytest.raises(AttributeError):
        detection().message.seq = 2
    assert isinstance(detection().message, DetectionMessage)
