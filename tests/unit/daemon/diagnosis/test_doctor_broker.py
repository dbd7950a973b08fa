import pytest

from config.mqtt import MqttConfig
from daemon.diagnosis.broker import mqtt_finding
from daemon.diagnosis.finding import Verdict
from sinks.mqtt.broker import LinkError, Reason


def config(**fields):
    return MqttConfig.model_validate({"host": "localhost"} | fields)


def raising(reason):
    def connect(_config, _login):
        raise LinkError(reason, "localhost:1883 does not answer")

    return connect


def test_a_broker_that_lets_us_in():
    found = mqtt_finding(config(), None, lambda _config, _login: None)
    assert (found.verdict, found.detail) == (Verdict.OK, "localhost:1883 lets us in")


@pytest.mark.parametrize("reason", [one for one in Reason if one is not Reason.TAKEN_OVER])
def test_a_broker_that_is_away_is_worth_a_look_and_one_that_refuses_a_fault(reason):
    found = mqtt_finding(config(), None, raising(reason))
    assert found.verdict == (Verdict.FAIL if reason.is_stubborn else Verdict.WARN)
    assert found.todo


def test_a_login_that_cannot_be_read(tmp_path):
    mqtt = config(credential=f"file:{tmp_path / 'missing'}")
    found = mqtt_finding(mqtt, None, lambda _config, _login: None)
    assert found.verdict is Verdict.FAIL
    assert "cannot be read" in found.detail


def test_a_login_of_the_service_is_not_to_be_seen_from_here():
    found = mqtt_finding(config(credential="mqtt"), None, lambda _config, _login: None)
    assert found.verdict is Verdict.WARN


def test_the_login_is_read_and_used(tmp_path):
    login = tmp_path / "login"
    login.write_text("vedette:secret\n")
    login.chmod(0o600)
    given = []
    mqtt_finding(config(credential=f"file:{login}"), None, lambda _config, who: given.append(who))
    assert given[0].user == "vedette"
