"""The unit as `make install` leaves it on a server: where it lies, what systemd thinks of it."""

from __future__ import annotations

import re
import stat
import subprocess
from pathlib import Path

import pytest

from config.fleet import load_fleet
from config.gateway import GatewayConfig, load_gateway
from config.loader import load
from tests.support.daemon_process import ROOT
from tests.support.require import program

pytestmark = pytest.mark.integration

DROP_INS = ["usb.conf", "gpu.conf", "vaapi.conf", "rtsp-only.conf"]

FLEET = ("vedette-fleet.service", "vedette-fleet-head.service", "vedette-fleet-node.service")


def install_files(**places: Path | str) -> None:
    """`make install` without the virtual environment."""
    settings = [f"{name}={value}" for name, value in places.items()]
    subprocess.run(
        ["make", "--silent", "install-files", *settings], cwd=ROOT, check=True, timeout=30
    )


class Server:
    """A place where the unit is installed and may start what it names."""

    def __init__(self, folder: Path) -> None:
        self.units = folder / "units"
        self.prefix = folder / "opt"
        install_files(PREFIX=self.prefix, UNITDIR=self.units, SYSCONFDIR=folder / "etc")
        commands = self.prefix / ".venv/bin"
        commands.mkdir(parents=True)
        for name in ("vedette", "ray"):
            (commands / name).write_text("#!/bin/sh\n")
            (commands / name).chmod(0o755)

    def enable(self, drop_in: str) -> None:
        """As systemd/README.md tells an administrator to."""
        folder = self.units / "vedette.service.d"
        folder.mkdir()
        (folder / drop_in).symlink_to(self.prefix / "share/systemd" / drop_in)

    def analyze(
        self, *words: str, unit: str = "vedette.service"
    ) -> subprocess.CompletedProcess[str]:
        """`systemd-analyze` about the unit."""
        return subprocess.run(
            [
                program("systemd-analyze", package="systemd"),
                *words,
                str(self.units / unit),
            ],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    def exposure(self, at_most: float, unit: str = "vedette.service") -> float:
        """What systemd calls the exposure of the service: 0 is a wall, 10 an open door."""
        threshold = f"--threshold={at_most * 10:.0f}"
        answer = self.analyze("security", "--offline=true", "--no-pager", threshold, unit=unit)
        assert answer.returncode == 0, answer.stdout + answer.stderr
        found = re.search(rf"exposure level for {unit}: ([\d.]+)", answer.stdout)
        assert found, answer.stdout
        return float(found[1])


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path)


@pytest.mark.parametrize("drop_in", [None, *DROP_INS])
def test_systemd_understands_every_line(server: Server, drop_in: str | None) -> None:
    if drop_in:
        server.enable(drop_in)
    answer = server.analyze("verify")
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")


def test_the_gateways_unit_is_understood_and_as_tight_as_the_daemons(server: Server) -> None:
    answer = server.analyze("verify", unit="vedette-gateway.service")
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")
    assert server.exposure(at_most=1.5, unit="vedette-gateway.service") <= server.exposure(2.0)


@pytest.mark.parametrize("unit", FLEET)
def test_the_units_of_a_fleet_are_understood(server: Server, unit: str) -> None:
    answer = server.analyze("verify", unit=unit)
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")
    # Ray's processes start others, which need devices: they cannot be as tight as the daemon's.
    assert server.exposure(at_most=5.0, unit=unit) <= 5.0


def test_the_fleets_first_configuration_can_be_used() -> None:
    config = load_fleet(ROOT / "systemd/fleet.yaml").config
    assert list(config.fleet.nodes) == ["north", "south"]


def test_the_gateways_first_configuration_can_be_used() -> None:
    config = load_gateway(ROOT / "systemd/gateway.yaml").config
    assert config == GatewayConfig(version=1)


def test_a_line_that_systemd_does_not_know_is_noticed(server: Server) -> None:
    server.enable("usb.conf")
    drop_in = server.units / "vedette.service.d/usb.conf"
    text = drop_in.read_text()
    drop_in.unlink()
    drop_in.write_text(text + "PrivateDevise=yes\n")
    assert "PrivateDevise" in server.analyze("verify").stderr


@pytest.mark.parametrize(
    ("drop_in", "exposure"),
    [(None, 2.0), ("rtsp-only.conf", 1.6), ("usb.conf", 2.0), ("gpu.conf", 2.0)],
)
def test_the_sandbox_is_tight(server: Server, drop_in: str | None, exposure: float) -> None:
    if drop_in:
        server.enable(drop_in)
    assert server.exposure(at_most=exposure) <= exposure


def test_rtsp_only_is_tighter_and_devices_are_looser(tmp_path: Path) -> None:
    exposure = {}
    for drop_in in ["none", "rtsp-only.conf", "usb.conf"]:
        server = Server(tmp_path / drop_in)
        if drop_in != "none":
            server.enable(drop_in)
        exposure[drop_in] = server.exposure(at_most=2.0)
    assert exposure["rtsp-only.conf"] < exposure["none"] < exposure["usb.conf"]


def test_files_lie_where_a_server_expects_them(tmp_path: Path) -> None:
    install_files(DESTDIR=tmp_path)
    files = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert files == {
        "etc/vedette/vedette.yaml",
        "opt/vedette/share/README.md",
        "opt/vedette/share/demo/street.mp4",
        "opt/vedette/share/example.yaml",
        "opt/vedette/share/vedette.schema.json",
        "opt/vedette/share/systemd/credential.example",
        "opt/vedette/share/systemd/fleet.env",
        "opt/vedette/share/systemd/fleet.yaml",
        "opt/vedette/share/systemd/gateway.yaml",
        *(f"opt/vedette/share/systemd/{name}" for name in DROP_INS),
        "usr/local/lib/systemd/system/vedette.service",
        *(f"usr/local/lib/systemd/system/{unit}" for unit in FLEET),
        "usr/local/lib/systemd/system/vedette-gateway.service",
    }
    unit = (tmp_path / "usr/local/lib/systemd/system/vedette.service").read_text()
    assert "ExecStart=/opt/vedette/.venv/bin/vedette run /etc/vedette/vedette.yaml\n" in unit
    assert "ExecReload=/bin/kill -HUP $MAINPID\n" in unit
    assert str(tmp_path) not in unit
    credentials = tmp_path / "etc/vedette/credentials"
    assert stat.S_IMODE(credentials.stat().st_mode) == 0o700


def test_another_prefix_reaches_the_unit(tmp_path: Path) -> None:
    install_files(DESTDIR=tmp_path, PREFIX="/srv/eyes", SYSCONFDIR="/srv/etc")
    unit = (tmp_path / "usr/local/lib/systemd/system/vedette.service").read_text()
    assert "ExecStart=/srv/eyes/.venv/bin/vedette run /srv/etc/vedette/vedette.yaml\n" in unit
    assert "LoadCredential=camera:/srv/etc/vedette/credentials\n" in unit


def test_an_upgrade_keeps_the_configuration_and_replaces_the_rest(tmp_path: Path) -> None:
    install_files(DESTDIR=tmp_path)
    config = tmp_path / "etc/vedette/vedette.yaml"
    unit = tmp_path / "usr/local/lib/systemd/system/vedette.service"
    credential = tmp_path / "etc/vedette/credentials/gate"
    new = unit.read_text()
    config.write_text("mine")
    credential.write_text("user:password\n")
    unit.write_text("old")
    install_files(DESTDIR=tmp_path)
    assert config.read_text() == "mine"
    assert credential.read_text() == "user:password\n"
    assert unit.read_text() == new


def test_the_first_configuration_shows_the_clip_that_was_installed_with_it(tmp_path: Path) -> None:
    prefix = tmp_path / "opt"
    install_files(PREFIX=prefix, UNITDIR=tmp_path / "units", SYSCONFDIR=tmp_path / "etc")
    (camera,) = load(tmp_path / "etc/vedette/vedette.yaml").config.cameras.values()
    clip = prefix / "share/demo/street.mp4"
    assert camera.url == f"file://{clip}"
    assert clip.read_bytes() == (ROOT / "config/demo/street.mp4").read_bytes()


def test_the_command_is_on_the_path(tmp_path: Path) -> None:
    subprocess.run(
        ["make", "--silent", "install-command", f"DESTDIR={tmp_path}"],
        cwd=ROOT,
        check=True,
        timeout=30,
    )
    link = tmp_path / "usr/local/bin/vedette"
    assert str(link.readlink()) == "/opt/vedette/.venv/bin/vedette"


def test_an_environment_that_the_service_cannot_see_is_refused(tmp_path: Path) -> None:
    python = tmp_path / "python3"
    python.write_text("#!/bin/sh\necho /home/somebody/python\n")
    python.chmod(0o755)
    made = subprocess.run(
        ["make", "--silent", "install-venv", f"PYTHON={python}", f"DESTDIR={tmp_path}/stage"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert made.returncode != 0
    assert "cannot see home directories" in made.stdout
    assert not (tmp_path / "stage").exists()
