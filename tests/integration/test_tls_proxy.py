"""TLS in front of the daemon as the documentation shows it: nginx of the tutorial, Caddy."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.schema import HttpConfig
from tests.support import caddy, nginx
from tests.support.browsing import Tape
from tests.support.daemon_process import free_port
from tests.support.documentation import typed
from tests.support.require import program
from tests.support.site import Site, running_site

pytestmark = pytest.mark.integration

TOKEN = "t0p-secret-t0p-secret"
LOGIN = ("-u", f"me:{TOKEN}")
TUTORIAL = "docs/tutorials/phone.md"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """As the page says for Caddy: a token, and the names that it passes on."""
    file = tmp_path / "http.token"
    file.write_text(TOKEN)
    file.chmod(0o600)
    hosts = ["cameras.example.org", "example.org"]
    with running_site("gate", http=HttpConfig(token=f"file:{file}", allowed_hosts=hosts)) as site:
        yield site


def curl(*words: str, code: int = 0) -> str:
    command = [program("curl", package="curl"), "-sS", "--max-time", "10", "--noproxy", "*", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    return done.stdout


def status(*words: str) -> str:
    return curl("-o", "/dev/null", "-w", "%{http_code}", *words)


def test_nginx_of_the_tutorial_has_the_certificate_that_the_tutorial_makes(
    site: Site, tmp_path: Path
) -> None:
    program("openssl", package="openssl")
    lines = [one.line for one in typed() if one.page == TUTORIAL]
    (make,) = (line for line in lines if line.startswith("openssl req"))
    subprocess.run(["bash", "-c", make], cwd=tmp_path, check=True, capture_output=True, timeout=20)
    port = free_port()
    server = nginx.documented_server(site.port, listen=port, certificates=tmp_path)
    with nginx.nginx_server(tmp_path, server, port):
        here = ("--connect-to", f"10.0.0.2:443:127.0.0.1:{port}")
        (check,) = (line for line in lines if line.startswith("curl") and "10.0.0.2" in line)
        words = check.replace("vedette.crt", f"{tmp_path}/vedette.crt").split()[1:]
        assert json.loads(curl(*here, *words)) == {"status": "ok"}
        trusted = (*here, "--cacert", f"{tmp_path}/vedette.crt")
        assert status(*trusted, "https://10.0.0.2/") == "401"
        assert status(*trusted, *LOGIN, "https://10.0.0.2/") == "200"
        curl(*here, "https://10.0.0.2/", code=60)  # who was not told to trust it does not


def test_caddy_of_the_documentation_serves_a_name_of_its_own_and_a_path(
    site: Site, tmp_path: Path
) -> None:
    Tape(site, "gate", tmp_path).record(0)
    with caddy.caddy(tmp_path, caddy.documented(site.port)) as server:
        trusted = [
            *("--cacert", str(server.authority)),
            *("--connect-to", f"::127.0.0.1:{server.port}"),
        ]
        name, path = "https://cameras.example.org", "https://example.org/vedette"
        assert json.loads(curl(*trusted, f"{name}/healthz")) == {"status": "ok"}
        assert status(*trusted, f"{name}/") == "401"
        assert status(*trusted, *LOGIN, f"{name}/") == "200"
        leads = curl(*trusted, "-o", "/dev/null", "-w", "%{redirect_url}", path)
        assert leads.endswith("/vedette/")
        assert "<title>vedette</title>" in curl(*trusted, *LOGIN, f"{path}/")
        recordings = json.loads(curl(*trusted, *LOGIN, f"{path}/api/v1/cameras/gate/recordings"))[
            "recordings"
        ]
        picture = recordings[0]["files"]["picture"]
        assert picture.startswith("/vedette/api/v1/cameras/gate/recordings/")
        assert status(*trusted, *LOGIN, f"https://example.org{picture}") == "200"


def test_caddy_passes_a_stream_on_as_it_comes(site: Site, tmp_path: Path) -> None:
    with caddy.caddy(tmp_path, caddy.documented(site.port)) as server:
        stream = subprocess.Popen(
            [
                *(program("curl", package="curl"), "-sSN", "--max-time", "20", *LOGIN),
                *("--cacert", str(server.authority), "--noproxy", "*"),
                *("--connect-to", f"::127.0.0.1:{server.port}"),
                "https://cameras.example.org/live/gate.mjpg",
            ],
            stdout=subprocess.PIPE,
        )
        try:
            assert stream.stdout is not None
            assert b"image/jpeg" in stream.stdout.read(200), "of one picture, and no second comes"
        finally:
            stream.kill()
            stream.communicate()
