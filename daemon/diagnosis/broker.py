"""Whether the MQTT broker of the configuration lets us in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from config.credentials import Credential, is_hidden, resolve
from config.errors import CredentialError
from config.mqtt import MqttConfig
from daemon.diagnosis.finding import Finding, fail, ok, warn
from sinks.mqtt.broker import LinkError, PahoConnection, Reason

_NEXT_STEP = {
    Reason.NAME: "see sinks.mqtt.host",
    Reason.UNREACHABLE: "is the broker running, and its port open? See sinks.mqtt.host and port",
    Reason.TIMEOUT: "is there a firewall, or another program at that port?",
    Reason.TLS: "see sinks.mqtt.tls: the authority, the name in the certificate, the port",
    Reason.LOGIN: "see sinks.mqtt.credential, and what the broker knows",
    Reason.REFUSED: "the broker's log says why",
    Reason.LOST: "the broker's log says why",
}

Connect = Callable[[MqttConfig, Credential | None], None]


def _connect(mqtt: MqttConfig, login: Credential | None) -> None:
    """Come and go under another name than the daemon's, which would be thrown out; say nothing."""
    PahoConnection(mqtt, client_id="vedette-doctor", will=None, login=login).close()


def mqtt_finding(mqtt: MqttConfig, directory: Path | None, connect: Connect = _connect) -> Finding:
    """A broker that is away is no fault of the configuration: the daemon starts without it."""
    what, place = "mqtt", f"{mqtt.host}:{mqtt.broker_port}"
    if is_hidden(mqtt.credential, directory):
        detail = f"{place}: its login is given by systemd and not to be seen from here"
        return warn(what, detail, "see the service's log")
    try:
        reference = mqtt.credential
        connect(mqtt, None if reference is None else resolve(reference, directory=directory))
    except CredentialError as error:
        return fail(what, str(error), "see sinks.mqtt.credential")
    except LinkError as error:
        level = fail if error.reason.is_stubborn else warn
        return level(what, str(error), _NEXT_STEP.get(error.reason, "see sinks.mqtt"))
    return ok(what, f"{place} lets us in")
