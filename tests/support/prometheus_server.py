"""A real Prometheus on loopback, with the rules that are shipped, hurrying."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.daemon_process import free_port
from tests.support.require import program

RULES = Path(__file__).parents[2] / "config" / "prometheus" / "rules.yml"


class PrometheusServer:
    """Its HTTP API."""

    def __init__(self, address: str) -> None:
        self._address = address

    def query(self, expr: str) -> list[dict[str, Any]]:
        """Labels and value of each series that `expr` gives now; fails where it does not parse."""
        answer = self._get("query", {"query": expr})
        assert answer["status"] == "success", f"{answer.get('error')} in {expr}"
        data = answer["data"]
        return list(data["result"]) if data["resultType"] == "vector" else [data["result"]]

    def value(self, expr: str) -> float | None:
        """Of the one series that `expr` gives; None where there is none yet."""
        result = self.query(expr)
        return float(result[0]["value"][1]) if result else None

    def rules(self) -> list[dict[str, Any]]:
        """Every alert with its state and the health of its last evaluation."""
        groups = self._get("rules")["data"]["groups"]
        return [rule for group in groups for rule in group["rules"]]

    def answers(self) -> bool:
        try:
            return bool(self._get("status/runtimeinfo")["status"] == "success")
        except (urllib.error.URLError, json.JSONDecodeError):  # plain text until it is ready
            return False

    def _get(self, what: str, parameters: dict[str, str] | None = None) -> dict[str, Any]:
        url = f"http://{self._address}/api/v1/{what}?{urllib.parse.urlencode(parameters or {})}"
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return dict(json.load(answer))
        except urllib.error.HTTPError as error:
            return dict(json.load(error))


@contextmanager
def prometheus_server(
    folder: Path, *targets: str, every_s: int = 1, discovery: str | None = None
) -> Iterator[PrometheusServer]:
    """Scrape `targets`, and those that the URL `discovery` names, and evaluate the rules every
    `every_s`; data is kept in `folder`.
    """
    shutil.copy(RULES, folder)
    job: dict[str, Any] = {"job_name": "vedette", "static_configs": [{"targets": targets}]}
    if discovery is not None:
        job["http_sd_configs"] = [{"url": discovery, "refresh_interval": f"{every_s}s"}]
    config = {
        "global": {"scrape_interval": f"{every_s}s", "evaluation_interval": f"{every_s}s"},
        "rule_files": [RULES.name],
        "scrape_configs": [job],
    }
    (folder / "prometheus.yml").write_text(json.dumps(config))
    address = f"127.0.0.1:{free_port()}"
    log = folder / "prometheus.log"
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            [
                program("prometheus", package="prometheus"),
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address={address}",
            ],
            stderr=stderr,
            stdout=subprocess.DEVNULL,
        )
        try:
            server = PrometheusServer(address)
            deadline_s = time.monotonic() + 20
            while not server.answers():
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline_s, log.read_text()
                time.sleep(0.05)
            yield server
        finally:
            process.terminate()
            process.wait(10)
