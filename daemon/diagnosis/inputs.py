"""What cameras need of this machine before a stream can be opened: logins, devices, files."""

from __future__ import annotations

import grp
import os
import stat
from collections.abc import Mapping
from pathlib import Path

from config.camera import CameraConfig
from config.credentials import is_hidden, resolve
from config.errors import CredentialError
from config.urls import local_path, scheme_of
from daemon.diagnosis.files import file_fault
from daemon.diagnosis.finding import Finding, fail, ok, warn


def camera_title(name: str) -> str:
    """How a camera is called in the table."""
    return f"camera {name}"


def input_findings(
    cameras: Mapping[str, CameraConfig], directory: Path | None
) -> tuple[list[Finding], frozenset[str]]:
    """Findings, and the names of the cameras that need not be tried because of one.

    `directory` is $CREDENTIALS_DIRECTORY.
    """
    hidden = {name for name, camera in cameras.items() if is_hidden(camera.credential, directory)}
    found = {
        name: finding
        for name, camera in cameras.items()
        if name not in hidden and (finding := _missing(name, camera, directory)) is not None
    }
    findings = list(found.values())
    if hidden:
        findings.append(
            warn(
                "credentials",
                f"{len(hidden)} are given by systemd and not to be seen from here",
                "see the service's log, or run this by systemd-run with the LoadCredential= lines"
                " of the unit",
            )
        )
    there = [camera for name, camera in cameras.items() if name not in hidden | found.keys()]
    findings += _present(there)
    return findings, frozenset(hidden | found.keys())


def _missing(name: str, camera: CameraConfig, directory: Path | None) -> Finding | None:
    what, scheme = camera_title(name), scheme_of(camera.url)
    if scheme == "file":
        fault = file_fault(local_path(camera.url))
        todo = "see its path and mode"
        return fail(what, f"{local_path(camera.url)} {fault}", todo) if fault else None
    if scheme == "v4l2":
        return _device(what, local_path(camera.url))
    if camera.credential is not None:
        try:
            resolve(camera.credential, directory=directory)
        except CredentialError as error:
            return fail(
                what, str(error), "one line user:password, mode 0600, readable by the daemon"
            )
    return None


def _device(what: str, path: Path) -> Finding | None:
    try:
        status = path.stat()
    except OSError as error:
        return fail(
            what,
            f"{path}: {error.strerror}",
            "is it plugged in? `v4l2-ctl --list-devices`; in the service, see usb.conf",
        )
    if not stat.S_ISCHR(status.st_mode):
        return fail(what, f"{path} is no device", "`v4l2-ctl --list-devices` shows them")
    if not os.access(path, os.R_OK | os.W_OK):
        group = _group(status.st_gid)
        detail = f"{path} is for the group {group}, mode {stat.S_IMODE(status.st_mode):04o}"
        return fail(what, detail, f"add the daemon's user to it: `usermod -aG {group} USER`")
    return None


def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def _present(cameras: list[CameraConfig]) -> list[Finding]:
    logins = sum(camera.credential is not None for camera in cameras)
    devices = [local_path(c.url) for c in cameras if scheme_of(c.url) == "v4l2"]
    findings = []
    if logins:
        findings.append(ok("credentials", f"{logins} readable, and closed to others"))
    if devices:
        findings.append(ok("devices", f"{', '.join(map(str, devices))} may be opened"))
    return findings
