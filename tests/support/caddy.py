"""A real Caddy on loopback, with the sites that docs/http.md shows and certificates of its own."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.daemon_process import free_port
from tests.support.documentation import blocks
from tests.support.require import program
from tests.support.waiting import until
from tests.support.web import answers

_DOCS = Path(__file__).parents[2] / "docs" / "http.md"


@dataclass(frozen=True)
class Caddy:
    """Where it listens, and who signs for it."""

    port: int
    authority: Path


def documented(port: int) -> str:
    """The example of the documentation, for a daemon on this port."""
    (block,) = blocks(_DOCS, "caddyfile")
    assert "127.0.0.1:9464" in block
    return str(block).replace("127.0.0.1:9464", f"127.0.0.1:{port}")


@contextmanager
def caddy(folder: Path, sites: str) -> Iterator[Caddy]:
    """It signs for every name itself, and asks nobody. Skips the test where it is not installed."""
    port = free_port()
    config = folder / "Caddyfile"
    config.write_text(
        "{\n admin off\n local_certs\n skip_install_trust\n"
        f" http_port {free_port()}\n https_port {port}\n default_bind 127.0.0.1\n"
        f" storage file_system {folder}/storage\n}}\n{sites}"
    )
    command = [program("caddy", package="caddy"), "run", "--adapter", "caddyfile"]
    with (folder / "caddy.log").open("w") as log:
        process = subprocess.Popen(
            [*command, "--config", str(config)],
            stdout=log,
            stderr=log,
            env=os.environ | {"HOME": str(folder)},
        )
    storage = folder / "storage"
    names = re.findall(r"^(\S+) \{$", sites, re.MULTILINE)

    def is_signed_for() -> bool:
        return all([*storage.glob(f"certificates/local/{name}/*.json")] for name in names)

    try:
        until(lambda: answers("127.0.0.1", port) and is_signed_for(), 20)
        yield Caddy(port, storage / "pki/authorities/local/root.crt")
    finally:
        process.terminate()
        process.wait(10)
