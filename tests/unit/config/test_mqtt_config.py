import pytest
from pydantic import ValidationError

from config.errors import FieldsError
from config.mqtt import MqttConfig


def mqtt(**fields):
    return MqttConfig.model_validate({"host": "broker.lan"} | fields)


def test_ports_are_the_usual_ones():
    assert mqtt().broker_port == 1883
    assert mqtt(tls={}).broker_port == 8883
    assert mqtt(tls={}, port=1234).broker_port == 1234


def test_a_password_does_not_go_to_another_machine_in_the_clear():
    with pytest.raises(ValidationError, match="unencrypted"):
        mqtt(credential="mqtt")
    for fields in (
        {"tls": {}},
        {"allow_plaintext": True},
        {"host": "127.0.0.1"},
        {"host": "localhost"},
        {"host": "::1"},
    ):
        assert mqtt(**{"credential": "mqtt"} | fields).credential == "mqtt"


def test_a_certificate_comes_with_its_key():
    with pytest.raises(ValidationError, match="certificate and key together") as caught:
        mqtt(tls={"certificate": "client.pem"})
    assert isinstance(caught.value.errors()[0]["ctx"]["error"], FieldsError)
    assert mqtt(tls={"certificate": "client.pem", "key": "client.key"}).tls


@pytest.mark.parametrize(
    "fields",
    [
        {"topic_prefix": "a//b"},
        {"topic_prefix": "/a"},
        {"topic_prefix": "a/#"},
        {"topic_prefix": "a+"},
        {"topic_prefix": ""},
        {"host": "tcp://broker"},
        {"host": "user:pass@broker"},
        {"host": ""},
        {"protocol": 4},
        {"protocol": "5"},
        {"client_id": "with space"},
        {"keepalive_s": 1},
        {"port": 0},
        {"labels": []},
        {"events": {"update_every_s": 0}},
        {"unknown": 1},
    ],
)
def test_what_no_broker_could_take_is_refused(fields):
    with pytest.raises(ValidationError):
        mqtt(**fields)


@pytest.mark.parametrize("prefix", ["vedette", "home/cameras", "a-b_c/D9"])
def test_prefixes_may_have_levels(prefix):
    assert mqtt(topic_prefix=prefix).topic_prefix == prefix
