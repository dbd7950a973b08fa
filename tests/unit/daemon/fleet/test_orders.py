"""What travels between shard and Director."""

import msgspec
import pytest

from daemon.fleet.orders import (
    Assignment,
    CameraFacts,
    Orders,
    Report,
    orders_of,
    packed,
    report_of,
)

REPORT = Report(
    "north", "b1", 7, "t1", 3, {"gate": 17}, cameras={"gate": CameraFacts("streaming", 1.5, 20)}
)
ORDERS = Orders(
    "t1", 4, 2.0, {"gate": 17}, ("gate",), Assignment("r1", {"version": 1}, {"gate": {}}, "h:1")
)


def test_what_was_packed_is_what_is_read() -> None:
    assert report_of(packed(REPORT)) == REPORT
    assert orders_of(packed(ORDERS)) == ORDERS


def test_fields_of_a_later_version_are_passed_over_and_new_ones_have_defaults() -> None:
    said = msgspec.to_builtins(ORDERS) | {"colour": "red"}
    del said["hurry"]
    assert orders_of(msgspec.msgpack.encode(said)) == ORDERS


def test_what_is_no_report_is_refused() -> None:
    with pytest.raises(ValueError, match="shard"):
        report_of(msgspec.msgpack.encode({"number": 7}))
