"""A real nginx on loopback, with the locations that docs/http.md shows."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.daemon_process import free_port
from tests.support.require import program
from tests.support.waiting import until
from tests.support.web import answers

_DOCS = Path(__file__).parents[2] / "docs" / "http.md"


def documented(port: int) -> str:
    """The example of the documentation, for a daemon on this port."""
    (block,) = re.findall(r"```nginx\n(.*?)```", _DOCS.read_text(encoding="utf-8"), re.DOTALL)
    assert "127.0.0.1:9464" in block
    return str(block).replace("127.0.0.1:9464", f"127.0.0.1:{port}")


@contextmanager
def nginx(folder: Path, locations: str) -> Iterator[str]:
    """Its address, without a closing stroke. Skips the test where nginx is not installed."""
    port = free_port()
    paths = "\n".join(
        f"{name}_temp_path {folder}/{name};"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config = folder / "nginx.conf"
    config.write_text(
        f"daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; events {{}}\n"
        f"http {{ access_log off; {paths}\n"
        f"server {{ listen 127.0.0.1:{port}; absolute_redirect off;\n{locations}\n}} }}\n"
    )
    command = [program("nginx", package="nginx"), "-e", f"{folder}/error.log", "-c", str(config)]
    server = subprocess.Popen(command)
    try:
        until(lambda: answers("127.0.0.1", port), 10)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(10)
