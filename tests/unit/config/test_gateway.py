"""The gateway's file, and the daemon's way to it."""

import pytest

from config.errors import ConfigError
from config.gateway import load_gateway
from config.loader import load


def gateway(tmp_path, text):
    file = tmp_path / "gateway.yaml"
    file.write_text(f"version: 1\n{text}")
    return load_gateway(file, {})


def faults(tmp_path, text):
    with pytest.raises(ConfigError) as caught:
        gateway(tmp_path, text)
    return str(caught.value).replace(f"{tmp_path}/", "")


def test_an_empty_gateway_listens_on_loopback_only(tmp_path):
    config = gateway(tmp_path, "").config
    assert config.publishers.bind == "tcp://127.0.0.1:5557"
    assert config.subscribers.bind == "tcp://127.0.0.1:5556"
    assert config.http.listen == "127.0.0.1:9465"
    assert config.grants is None


def test_paths_begin_at_the_folder_of_the_file(tmp_path):
    config = gateway(tmp_path, "grants: kept.json").config
    assert config.grants == tmp_path / "kept.json"


@pytest.mark.parametrize("side", ["publishers", "subscribers"])
def test_a_side_that_others_can_reach_needs_curve(tmp_path, side):
    assert faults(tmp_path, f"{side}: {{bind: 'tcp://0.0.0.0:7000'}}") == (
        f"gateway.yaml:2:{len(side) + 10}: {side}.bind: others can reach this address:"
        " give `curve`, or say allow_plaintext: true"
    )
    curve = "curve: {secret_key: k, clients: c}"
    gateway(tmp_path, f"{side}: {{bind: 'tcp://0.0.0.0:7000', {curve}}}")


def test_faults_of_the_file_are_told_in_its_own_words(tmp_path):
    assert faults(tmp_path, "subscriber: {}") == (
        "gateway.yaml:2:1: subscriber: is not known here (did you mean `subscribers`?)"
    )
    assert "must be between 1 and 1000000" in faults(tmp_path, "subscribers: {high_water_mark: 0}")
    assert "cameras: is not known here" in faults(tmp_path, "cameras: {}")


def test_each_listener_has_a_port_of_its_own(tmp_path):
    assert faults(tmp_path, "publishers: {bind: 'tcp://127.0.0.1:5556'}") == (
        "gateway.yaml:2:20: publishers.bind: is the port that subscribers.bind takes"
    )
    assert faults(tmp_path, "http: {listen: '127.0.0.1:5557'}") == (
        "gateway.yaml:2:16: http.listen: is the port that publishers.bind takes"
    )
    same = "publishers: {bind: 'ipc://s'}\nsubscribers: {bind: 'ipc://s'}"
    assert "publishers.bind: is where subscribers.bind is" in faults(tmp_path, same)


def daemon(tmp_path, zeromq):
    file = tmp_path / "vedette.yaml"
    file.write_text(
        f"version: 1\ncameras: {{a: {{url: 'synthetic://a'}}}}\nsinks: {{zeromq: {zeromq}}}"
    )
    return load(file, {}).config.sinks.zeromq


def test_a_daemon_that_connects_binds_nothing(tmp_path):
    zeromq = daemon(tmp_path, "{connect: {to: ['tcp://127.0.0.1:5557']}}")
    assert zeromq.listens is None
    assert daemon(tmp_path, "{}").listens == "tcp://127.0.0.1:5556"


@pytest.mark.parametrize(
    ("zeromq", "fault"),
    [
        ("{connect: {to: []}}", "connect.to: must have at least 1 entry"),
        ("{connect: {to: ['tcp://10.0.0.1:5557']}}", "goes over a network: give `curve`"),
        ("{connect: {to: ['http://a']}}", "must be tcp://host:port or ipc://path"),
        (
            "{bind: 'tcp://127.0.0.1:1', connect: {to: ['ipc://a']}}",
            "bind: subscribers find the gateways alone: leave it out",
        ),
        (
            "{connect: {to: ['ipc://a']}, curve: {secret_key: k, clients: c}}",
            "curve: is for `bind`: give connect.curve",
        ),
    ],
)
def test_what_contradicts_connecting_is_a_fault(tmp_path, zeromq, fault):
    with pytest.raises(ConfigError) as caught:
        daemon(tmp_path, zeromq)
    assert fault in str(caught.value)
