"""A real nginx on loopback, with the locations that docs/http.md shows."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.daemon_process import free_port
from tests.support.documentation import blocks
from tests.support.require import program
from tests.support.waiting import until
from tests.support.web import answers

_DOCS = Path(__file__).parents[2] / "docs" / "http.md"
_TUTORIAL = _DOCS.parent / "tutorials" / "phone.md"


def documented(port: int) -> str:
    """The example of the documentation, for a daemon on this port."""
    (block,) = blocks(_DOCS, "nginx")
    assert "127.0.0.1:9464" in block
    return str(block).replace("127.0.0.1:9464", f"127.0.0.1:{port}")


def documented_server(port: int, *, listen: int, certificates: Path) -> str:
    """The server with TLS of the tutorial, with the certificate of a folder."""
    (block,) = blocks(_TUTORIAL, "nginx")
    for documented, here in (
        ("listen 443 ssl", f"listen 127.0.0.1:{listen} ssl"),
        ("127.0.0.1:9464", f"127.0.0.1:{port}"),
        ("/etc/ssl/certs/", f"{certificates}/"),
        ("/etc/ssl/private/", f"{certificates}/"),
    ):
        assert documented in block
        block = block.replace(documented, here)
    return str(block)


@contextmanager
def nginx(folder: Path, locations: str) -> Iterator[str]:
    """Its address, without a closing stroke. Skips the test where nginx is not installed."""
    port = free_port()
    server = f"server {{ listen 127.0.0.1:{port}; absolute_redirect off;\n{locations}\n}}"
    with nginx_server(folder, server, port):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def nginx_server(folder: Path, server: str, port: int) -> Iterator[None]:
    """With a whole `server` block, which listens on the port."""
    paths = "\n".join(
        f"{name}_temp_path {folder}/{name};"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config = folder / "nginx.conf"
    config.write_text(
        f"daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; events {{}}\n"
        f"http {{ access_log off; {paths}\n{server}\n}}\n"
    )
    command = [program("nginx", package="nginx"), "-e", f"{folder}/error.log", "-c", str(config)]
    process = subprocess.Popen(command)
    try:
        until(lambda: answers("127.0.0.1", port), 10)
        yield
    finally:
        process.terminate()
        process.wait(10)
