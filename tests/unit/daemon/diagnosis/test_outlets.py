"""Addresses, keys and folders: free, ours already, or in somebody's way. Real sockets and files."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

import pytest

from config.camera import RecordConfig
from config.schema import (
    Config,
    ConnectConfig,
    CurveConfig,
    GuestCurveConfig,
    JsonlConfig,
    RecordingsConfig,
    ZeromqConfig,
)
from config.webhook import WebhookConfig
from daemon.diagnosis.finding import Verdict, fail
from daemon.diagnosis.outlets import (
    curve_finding,
    gateway_findings,
    http_finding,
    jsonl_finding,
    outlet_findings,
    recordings_finding,
    token_finding,
    webhook_finding,
    zeromq_finding,
)
from daemon.diagnosis.running import Details, Running
from sinks.keys import create_pair
from tests.support.daemon_process import free_port

MB = 10**6


def running(bind: str | None = None, *, healthy: bool = True) -> Running:
    return Running(healthy, Details(zeromq_bind=bind, cameras={}))


def test_a_free_address_is_bound_and_released() -> None:
    listen = f"127.0.0.1:{free_port()}"
    assert http_finding(listen, None).detail == f"{listen} is free"
    host, _, port = listen.partition(":")
    socket.create_server((host, int(port))).close()


def test_an_address_of_another_program_fails() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        found = http_finding(f"127.0.0.1:{other.getsockname()[1]}", None)
    assert found.verdict is Verdict.FAIL
    assert "in use by another program" in found.detail


@pytest.mark.parametrize(
    ("listen", "words"),
    [
        ("192.0.2.1:9464", "no network interface has the address"),
        ("no-such-host.invalid:9464", "cannot be listened on"),
    ],
)
def test_an_address_that_is_not_here_fails(listen: str, words: str) -> None:
    found = http_finding(listen, None)
    assert found.verdict is Verdict.FAIL
    assert words in found.detail


def test_a_port_that_this_user_may_not_take_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, os.strerror(13))

    monkeypatch.setattr("socket.create_server", refused)  # root may take any
    assert "above 1023" in http_finding("127.0.0.1:80", None).todo


def test_an_address_of_a_running_vedette_is_well_unless_that_is_stuck() -> None:
    assert http_finding("127.0.0.1:9464", running()).verdict is Verdict.OK
    assert http_finding("127.0.0.1:9464", running(healthy=False)).verdict is Verdict.FAIL


def test_an_endpoint_is_free_ours_or_taken() -> None:
    zeromq = ZeromqConfig(bind=f"tcp://127.0.0.1:{free_port()}")
    assert zeromq_finding(zeromq, None).detail == f"{zeromq.bind} is free"
    with socket.create_server(("127.0.0.1", int(zeromq.bind.rpartition(":")[2]))):
        assert zeromq_finding(zeromq, running(zeromq.bind)).verdict is Verdict.OK
        for other in (None, running("tcp://127.0.0.1:1"), running(None)):
            found = zeromq_finding(zeromq, other)
            assert found.verdict is Verdict.FAIL
            assert "in use by another program" in found.detail
        closed = zeromq_finding(zeromq, Running(healthy=True, details=None))
        assert closed.verdict is Verdict.WARN


def test_keys_are_read_and_clients_counted(tmp_path: Path) -> None:
    _, secret = create_pair(tmp_path / "server", "server")
    clients = tmp_path / "clients"
    curve = CurveConfig(secret_key=secret, clients=clients)
    assert curve_finding(curve).detail == f"{clients} cannot be read: No such file or directory"
    clients.mkdir()
    assert curve_finding(curve).verdict is Verdict.WARN
    create_pair(clients, "client")
    assert curve_finding(curve).detail == "1 let in"
    (clients / "client.key").write_text("no key")
    assert curve_finding(curve).verdict is Verdict.FAIL


def test_lines_need_a_folder_that_is_there(tmp_path: Path) -> None:
    found = jsonl_finding(JsonlConfig(path=tmp_path / "none" / "d.jsonl"))
    assert (found.verdict, found.detail) == (Verdict.FAIL, f"there is no folder {tmp_path}/none")


def test_lines_need_a_folder_that_may_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("daemon.diagnosis.outlets.os.access", lambda *_: False)  # root may all
    found = jsonl_finding(JsonlConfig(path=tmp_path / "d.jsonl"))
    assert (found.verdict, found.detail) == (
        Verdict.FAIL,
        f"{tmp_path} may not be written by this user",
    )


def test_room_must_do_for_every_file_that_is_kept(tmp_path: Path) -> None:
    jsonl = JsonlConfig(path=tmp_path / "d.jsonl", rotate_mb=1, keep=2)
    enough = jsonl_finding(jsonl, lambda _: 3 * MB)
    assert (enough.verdict, enough.detail) == (
        Verdict.OK,
        f"{tmp_path}/d.jsonl: 3 MB free, 3 MB at most are written",
    )
    assert jsonl_finding(jsonl, lambda _: 2 * MB).verdict is Verdict.WARN
    (tmp_path / "d.jsonl.2").write_bytes(bytes(MB))
    assert jsonl_finding(jsonl, lambda _: 2 * MB).verdict is Verdict.OK
    assert jsonl_finding(jsonl).verdict is Verdict.OK


def test_recordings_need_a_folder_that_is_there(tmp_path: Path) -> None:
    found = recordings_finding(RecordingsConfig(folder=tmp_path / "none"), [RecordConfig()])
    assert found == fail(
        "recordings", f"there is no folder {tmp_path / 'none'}", "make it; the daemon makes none"
    )


def test_the_folder_of_the_service_is_made_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    found = recordings_finding(RecordingsConfig(), [RecordConfig(max_gb=0.001)])
    assert found.verdict is Verdict.OK
    assert found.detail.startswith(f"{tmp_path}/recordings: ")
    assert not (tmp_path / "recordings").exists()


def test_recordings_need_a_folder_that_may_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    found = recordings_finding(RecordingsConfig(folder=tmp_path), [RecordConfig()])
    assert (found.verdict, found.detail) == (
        Verdict.FAIL,
        f"{tmp_path} may not be written by this user",
    )


def test_recordings_need_room_for_all_that_cameras_may_keep(tmp_path: Path) -> None:
    place, records = RecordingsConfig(folder=tmp_path), [RecordConfig(max_gb=2)] * 2
    assert recordings_finding(place, records, lambda _: 4 * 10**9).verdict is Verdict.OK
    short = recordings_finding(place, records, lambda _: 3 * 10**9)
    assert short.verdict is Verdict.WARN
    assert short.detail == f"{tmp_path}: 3.0 GB free, 4 GB at most are kept"


def test_every_outlet_of_a_configuration_is_looked_at(tmp_path: Path) -> None:
    _, secret = create_pair(tmp_path, "server")
    config = Config.model_validate(
        {
            "version": 1,
            "cameras": {
                "a": {"url": "synthetic://a", "record": {"snapshots": True, "max_gb": 0.001}}
            },
            "recordings": {"folder": str(tmp_path)},
            "http": {"listen": f"127.0.0.1:{free_port()}", "token": "page"},
            "sinks": {
                "zeromq": {
                    "bind": f"ipc://{tmp_path}/socket",
                    "curve": {"secret_key": str(secret), "clients": str(tmp_path)},
                },
                "jsonl": {"path": str(tmp_path / "d.jsonl")},
            },
        }
    )
    (tmp_path / "page").write_text("canary" * 4)
    found = list(outlet_findings(config, None, tmp_path))
    assert [finding.what for finding in found] == [
        "http",
        "http token",
        "recordings",
        "curve keys",
        "zeromq",
        "jsonl",
    ]
    assert {finding.verdict for finding in found} == {Verdict.OK}
    assert not (tmp_path / "d.jsonl").exists()


def test_a_token_is_readable_and_closed_to_others(tmp_path: Path) -> None:
    path = tmp_path / "page"
    path.write_text("canary" * 4)
    path.chmod(0o600)
    assert token_finding(f"file:{path}", None).verdict is Verdict.OK
    path.chmod(0o644)
    found = token_finding(f"file:{path}", None)
    assert (found.verdict, "canary" in found.line(10)) == (Verdict.FAIL, False)
    assert token_finding("page", None).verdict is Verdict.WARN


def test_lines_alone_will_do(tmp_path: Path) -> None:
    config = Config.model_validate(
        {
            "version": 1,
            "cameras": {"a": {"url": "synthetic://a"}},
            "http": {"listen": f"127.0.0.1:{free_port()}"},
            "sinks": {"zeromq": None, "jsonl": {"path": str(tmp_path / "d.jsonl")}},
        }
    )
    assert [found.what for found in outlet_findings(config, None, None)] == ["http", "jsonl"]


def test_detections_that_go_nowhere_are_told() -> None:
    config = Config.model_validate(
        {
            "version": 1,
            "cameras": {"a": {"url": "synthetic://a"}},
            "http": {"listen": f"127.0.0.1:{free_port()}"},
            "sinks": {"zeromq": None},
        }
    )
    _, sinks = outlet_findings(config, None, None)
    assert (sinks.verdict, sinks.what) == (Verdict.WARN, "sinks")


def test_looking_takes_no_time() -> None:
    zeromq = ZeromqConfig(bind=f"tcp://127.0.0.1:{free_port()}")
    started_s = time.monotonic()
    zeromq_finding(zeromq, None)
    assert time.monotonic() - started_s < 1


def hook_of(**fields: object) -> WebhookConfig:
    return WebhookConfig.model_validate({"url": "https://localhost/"} | fields)


def test_a_webhook_whose_receiver_is_known_says_how_to_try_it() -> None:
    found = webhook_finding("phone", hook_of(), None, None)
    assert (found.what, found.verdict) == ("webhook phone", Verdict.OK)
    assert "vedette notify test" in found.detail


def test_a_webhook_that_fails_in_the_running_daemon_says_why() -> None:
    details = Details(None, {}, failing={"webhook.phone": "ntfy.example.org answers 403"})
    running = Running(healthy=True, details=details)
    found = webhook_finding("phone", hook_of(), running, None)
    assert found.verdict is Verdict.FAIL
    assert "answers 403" in found.detail
    assert webhook_finding("other", hook_of(), running, None).verdict is Verdict.OK


def test_what_a_webhook_needs_must_be_there(tmp_path: Path) -> None:
    missing = webhook_finding("phone", hook_of(secret=f"file:{tmp_path}/key"), None, None)
    assert missing.verdict is Verdict.FAIL
    hidden = webhook_finding("phone", hook_of(credential="phone_token"), None, None)
    assert hidden.verdict is Verdict.WARN
    nowhere = webhook_finding("phone", hook_of(url="https://nobody.invalid/"), None, None)
    assert nowhere.verdict is Verdict.FAIL
    assert "no address" in nowhere.detail


def test_gateways_are_asked_whether_they_take_up_a_connection(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        there = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        gone = f"tcp://127.0.0.1:{free_port()}"
        found = list(gateway_findings(ConnectConfig(to=[there, gone, "ipc://somewhere"])))
    assert [finding.verdict for finding in found] == [Verdict.OK, Verdict.FAIL]
    assert found[1].detail == f"{gone} does not answer: Connection refused"
    guest = GuestCurveConfig(secret_key=tmp_path / "no", server_key=tmp_path / "no")
    (keys,) = gateway_findings(ConnectConfig(to=["ipc://somewhere"], curve=guest))
    assert keys.verdict is Verdict.FAIL
    assert "cannot be read" in keys.detail
