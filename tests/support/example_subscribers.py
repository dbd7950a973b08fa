"""The example subscribers of docs/subscribers as processes of their own.

Node's runs with a stand-in for its package `zeromq`, which tests cannot fetch: the messages come
from a real socket of pyzmq, through a pipe.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from tests.support.daemon_process import ROOT
from tests.support.require import program

FOLDER = ROOT / "docs/subscribers"
BRIDGE = """
import sys, zmq
endpoints, topics = (words.split(",") for words in sys.argv[1:3])
socket = zmq.Context().socket(zmq.SUB)
for topic in topics:
    socket.subscribe(topic.encode())
for endpoint in endpoints:
    socket.connect(endpoint)
while True:
    topic, payload = socket.recv_multipart()
    sys.stdout.buffer.write(topic + b"\\n" + payload + b"\\n")
    sys.stdout.buffer.flush()
"""
STAND_IN = """
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

export class Subscriber {
  endpoints = [];
  connect(endpoint) { this.endpoints.push(endpoint); }
  subscribe(...topics) {
    const child = spawn(PYTHON, ["-c", BRIDGE, this.endpoints.join(","), topics.join(",")]);
    process.on("SIGTERM", () => { child.kill(); process.exit(0); });
    this.lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }
  async receive() {
    return [(await this.lines.next()).value, (await this.lines.next()).value];
  }
}
"""


@contextlib.contextmanager
def reading(language: str, *words: str) -> Iterator[list[str]]:
    """The lines that the example prints, as they come."""
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [*_command(language, Path(folder)), *words], stdout=subprocess.PIPE, text=True
        )
        lines: list[str] = []
        assert process.stdout is not None
        output = process.stdout
        reader = threading.Thread(target=_read, args=[output, lines])
        reader.start()
        try:
            yield lines
        finally:
            process.terminate()
            process.wait(10)
            reader.join(5)
            output.close()


def _read(output: IO[str], lines: list[str]) -> None:
    for line in output:
        lines.append(line.rstrip("\n"))


def _command(language: str, folder: Path) -> list[str]:
    if language == "python":
        return [sys.executable, str(FOLDER / "python_subscriber.py")]
    node = program("node", package="nodejs")
    script = folder / "node_subscriber.mjs"
    shutil.copy(FOLDER / script.name, script)
    package = folder / "node_modules/zeromq"
    package.mkdir(parents=True)
    (package / "package.json").write_text('{"name": "zeromq", "main": "index.mjs"}')
    constants = f"const PYTHON = {sys.executable!r}; const BRIDGE = `{BRIDGE}`;"
    stand_in = constants.replace("\\n", "\\\\n") + STAND_IN
    (package / "index.mjs").write_text(stand_in)
    return [node, str(script)]
