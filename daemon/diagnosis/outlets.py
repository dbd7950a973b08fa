"""Where results go: the HTTP address, the ZeroMQ endpoint and its keys, the folders.

Addresses are bound the way the daemon binds them, and released at once.
"""

from __future__ import annotations

import errno
import os
import shutil
import socket
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from config.camera import RecordConfig
from config.credentials import is_hidden, resolve_secret, resolve_token
from config.errors import CredentialError
from config.schema import (
    Config,
    ConnectConfig,
    CurveConfig,
    JsonlConfig,
    RecordingsConfig,
    ZeromqConfig,
)
from config.urls import host_of, split_host_port, tcp_address
from config.webhook import WebhookConfig
from daemon.diagnosis.broker import mqtt_finding
from daemon.diagnosis.finding import Finding, fail, ok, warn
from daemon.diagnosis.running import Running
from daemon.recording.folder import recordings_folder
from sinks.keys import PUBLIC_SUFFIX, KeyFileError, load_public, load_secret
from sinks.sink import SinkError
from sinks.xpub import XpubSocket

GATEWAY_S = 2.0  # in which a gateway has to take up a connection


def outlet_findings(
    config: Config, running: Running | None, directory: Path | None
) -> Iterator[Finding]:
    """`running` is the vedette that answers at `http.listen`, if one does; `directory` is
    $CREDENTIALS_DIRECTORY.
    """
    yield http_finding(config.http.listen, running)
    if config.http.token is not None:
        yield token_finding(config.http.token, directory)
    if records := [camera.record for camera in config.cameras.values() if camera.record.wanted]:
        yield recordings_finding(config.recordings, records)
    zeromq, jsonl = config.sinks.zeromq, config.sinks.jsonl
    if zeromq is not None and zeromq.connect is not None:
        yield from gateway_findings(zeromq.connect)
    elif zeromq is not None:
        if zeromq.curve is not None:
            yield curve_finding(zeromq.curve)
        yield zeromq_finding(zeromq, running)
    if jsonl is not None:
        yield jsonl_finding(jsonl)
    for name, hook in config.sinks.webhook.items():
        yield webhook_finding(name, hook, running, directory)
    if config.sinks.mqtt is not None:
        yield mqtt_finding(config.sinks.mqtt, directory)
    if zeromq is None and jsonl is None and config.sinks.mqtt is None and not config.sinks.webhook:
        todo = "give `zeromq`, `jsonl` or `mqtt` unless the live page is all you want"
        yield warn("sinks", "none: detections go nowhere", todo)


def http_finding(listen: str, running: Running | None) -> Finding:
    what = "http"
    if running is not None:
        if running.healthy:
            return ok(what, f"{listen} belongs to a running vedette, which is well")
        todo = "its log says what blocks; `systemctl restart vedette`"
        return fail(what, f"{listen} belongs to a running vedette that is stuck", todo)
    host, port = split_host_port(listen)
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        socket.create_server(address[:2], family=family).close()
    except OSError as error:
        return _unbound(listen, error)
    return ok(what, f"{listen} is free")


def _unbound(listen: str, error: OSError) -> Finding:
    if error.errno == errno.EADDRINUSE:
        detail = f"{listen} is in use by another program, or by a vedette that does not answer"
        port = listen.rpartition(":")[2]
        todo = f"`ss -ltnp 'sport = {port}'` shows which; stop it, or change http.listen"
        return fail("http", detail, todo)
    if error.errno == errno.EACCES:
        return fail("http", f"{listen} may not be used by this user", "take a port above 1023")
    if error.errno == errno.EADDRNOTAVAIL:
        detail = f"no network interface has the address of {listen}"
        return fail("http", detail, "change http.listen; `ip address` shows what there is")
    return fail("http", f"{listen} cannot be listened on: {error.strerror}", "change http.listen")


def token_finding(reference: str, directory: Path | None) -> Finding:
    what = "http token"
    if is_hidden(reference, directory):
        return warn(what, "given by systemd and not to be seen from here", "see the service's log")
    try:
        resolve_token(reference, directory=directory)
    except CredentialError as error:
        return fail(what, str(error), "see http.token")
    return ok(what, "readable, and closed to others")


def zeromq_finding(zeromq: ZeromqConfig, running: Running | None) -> Finding:
    """Keys are looked at apart from this."""
    what, details = "zeromq", running.details if running else None
    if details is not None and details.zeromq_bind == zeromq.bind:
        return ok(what, f"{zeromq.bind} belongs to the running vedette")
    try:
        plain = zeromq.model_copy(update={"curve": None})
        XpubSocket(plain, plain.high_water_mark).close()
    except SinkError as error:
        if running is not None and details is None:
            todo = "it belongs to the running vedette, unless that has another configuration"
            return warn(what, str(error), todo)
        return fail(what, str(error), "see sinks.zeromq.bind")
    return ok(what, f"{zeromq.bind} is free")


def gateway_findings(connect: ConnectConfig) -> Iterator[Finding]:
    """The keys, and whether somebody listens at each gateway."""
    if connect.curve is not None:
        try:
            load_secret(connect.curve.secret_key)
            load_public(connect.curve.server_key)
            yield ok("gateway keys", "readable")
        except KeyFileError as error:
            yield fail("gateway keys", str(error), "see sinks.zeromq.connect.curve")
    for gateway in connect.to:
        address = tcp_address(gateway)
        if address is None:
            continue
        try:
            socket.create_connection(address, timeout=GATEWAY_S).close()
        except OSError as error:
            detail = f"{gateway} does not answer: {error.strerror or error}"
            yield fail("gateway", detail, "is `vedette gateway` running there, and the port open?")
        else:
            yield ok("gateway", f"{gateway} answers")


def curve_finding(curve: CurveConfig) -> Finding:
    what, make = "curve keys", "`vedette keys new FOLDER` makes a pair"
    try:
        load_secret(curve.secret_key)
        clients = [path for path in curve.clients.iterdir() if path.suffix == PUBLIC_SUFFIX]
        for path in clients:
            load_public(path)
    except KeyFileError as error:
        return fail(what, str(error), make)
    except OSError as error:
        return fail(what, f"{curve.clients} cannot be read: {error.strerror}", "make the folder")
    if not clients:
        detail = f"no client is let in: {curve.clients} holds no *{PUBLIC_SUFFIX} file"
        return warn(what, detail, "put the subscribers' public keys there")
    return ok(what, f"{len(clients)} let in")


def webhook_finding(
    name: str, hook: WebhookConfig, running: Running | None, directory: Path | None
) -> Finding:
    """Whether its credentials can be read and its receiver's name is known; nothing is sent, which
    is what `vedette notify test` is for.
    """
    what = f"webhook {name}"
    failing = running.details.failing.get(f"webhook.{name}") if running and running.details else ""
    if failing:
        return fail(what, f"the running vedette says: {failing}", "`vedette notify test` tries it")
    for reference in (hook.credential, hook.secret):
        if reference is None:
            continue
        if is_hidden(reference, directory):
            detail = "its credential is given by systemd and not to be seen from here"
            return warn(what, detail, "see the service's log")
        try:
            resolve_secret(reference, directory=directory)
        except CredentialError as error:
            return fail(what, str(error), f"see sinks.webhook.{name}")
    host = host_of(hook.url)
    try:
        socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return fail(what, f"{host} has no address that is known here", "see its `url`, and the DNS")
    return ok(what, f"{host} is known; `vedette notify test` sends something")


def recordings_finding(
    place: RecordingsConfig,
    records: Sequence[RecordConfig],
    free_bytes: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free,
) -> Finding:
    """Of the cameras that record."""
    what = "recordings"
    try:
        folder = recordings_folder(place)
    except FileNotFoundError as error:
        return fail(what, str(error.strerror), "see recordings.folder")
    if place.folder is not None and not folder.is_dir():
        return fail(what, f"there is no folder {folder}", "make it; the daemon makes none")
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not os.access(there, os.W_OK | os.X_OK):
        return fail(what, f"{there} may not be written by this user", "see its owner and mode")
    free_gb = free_bytes(there) / 1e9
    most_gb = sum(record.max_gb for record in records)
    detail = f"{folder}: {free_gb:.1f} GB free, {most_gb:g} GB at most are kept"
    if free_gb < most_gb - _stored_gb(folder):
        return warn(what, detail, "lower record.max_gb of the cameras, or make room")
    return ok(what, detail)


def _stored_gb(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.glob("*/*") if file.is_file()) / 1e9


def jsonl_finding(
    jsonl: JsonlConfig,
    free_bytes: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free,
) -> Finding:
    what, folder = "jsonl", jsonl.path.parent
    if not folder.is_dir():
        return fail(what, f"there is no folder {folder}", "make it; the daemon makes none")
    for path, mode in ((folder, os.W_OK | os.X_OK), (jsonl.path, os.W_OK)):
        if path.exists() and not os.access(path, mode):
            return fail(what, f"{path} may not be written by this user", "see its owner and mode")
    free_mb = free_bytes(folder) // 10**6
    most_mb = jsonl.rotate_mb * (jsonl.keep + 1)
    detail = f"{jsonl.path}: {free_mb:.0f} MB free, {most_mb:.0f} MB at most are written"
    if free_mb < most_mb - _written_mb(jsonl):
        return warn(what, detail, "lower sinks.jsonl.rotate_mb or keep, or make room")
    return ok(what, detail)


def _written_mb(jsonl: JsonlConfig) -> float:
    """What is there already will be rotated away."""
    names = [jsonl.path.name, *(f"{jsonl.path.name}.{n + 1}" for n in range(jsonl.keep))]
    files = [jsonl.path.with_name(name) for name in names]
    return sum(file.stat().st_size for file in files if file.is_file()) / 1e6
