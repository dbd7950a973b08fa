"""The built wheel alone, unpacked into a folder that is read-only, far from the repository."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import urllib.request
import zipfile
from pathlib import Path

import pytest

from tests.support import require
from tests.support.daemon_process import ROOT, free_port

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]

SOURCES = ("config", "daemon", "detector", "sinks")
FILES = ("pyproject.toml", "README.md", "LICENSE", "NOTICE")


class Unpacked:
    """What `pip wheel` made of the sources; commands run in an empty folder."""

    def __init__(self, folder: Path) -> None:
        source, self.package, self.elsewhere = (
            folder / name for name in ("source", "site-packages", "elsewhere")
        )
        for name in SOURCES:
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, source / name, ignore=ignored)
        for name in FILES:
            shutil.copy(ROOT / name, source)
        self.elsewhere.mkdir()
        options = ("--no-deps", "--no-build-isolation", "--no-index", "--quiet")
        subprocess.run(
            [sys.executable, "-m", "pip", "wheel", *options, "-w", str(folder), str(source)],
            check=True,
            timeout=60,
        )
        (wheel,) = folder.glob("vedette-*.whl")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(self.package)
        for path in self.package.rglob("*"):
            path.chmod(0o555 if path.is_dir() else 0o444)

    def start(
        self, *words: str, program: str = "from daemon.cli import main; exit(main())"
    ) -> subprocess.Popen[str]:
        """A command of the package, with both outputs in one."""
        return subprocess.Popen(
            [sys.executable, "-c", program, *words],
            cwd=self.elsewhere,
            env=os.environ | {"PYTHONPATH": str(self.package), "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def files(self) -> set[Path]:
        return {*self.package.rglob("*"), *self.elsewhere.rglob("*")}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Unpacked:
    require.python_package("setuptools", least=77)  # earlier ones do not know the licence's form
    return Unpacked(tmp_path_factory.mktemp("wheel"))


def test_its_version_is_that_of_the_project(wheel: Unpacked) -> None:
    program = "import daemon; print(daemon.__file__); import daemon.cli as c; c.main()"
    out, _ = wheel.start("--version", program=program).communicate(timeout=20)
    where, answer = out.splitlines()
    assert Path(where).is_relative_to(wheel.package)
    version = next(
        line for line in (ROOT / "pyproject.toml").read_text().splitlines() if "version = " in line
    )
    assert answer == f"vedette {version.split(chr(34))[1]}"


def test_what_only_a_developer_runs_is_not_in_it(wheel: Unpacked) -> None:
    top = {path.name for path in wheel.package.iterdir() if path.suffix != ".dist-info"}
    assert top == set(SOURCES)
    assert not (wheel.package / "daemon/release").exists()
    assert not (wheel.package / "daemon/dashboards").exists()


def test_the_demo_sees_people_serves_its_page_and_writes_nothing(wheel: Unpacked) -> None:
    before = wheel.files()
    port = free_port()
    demo = wheel.start("demo", "--port", str(port), "--zeromq-port", str(free_port()))
    try:
        assert demo.stdout is not None
        lines = []
        for line in demo.stdout:  # until it ends, or the time of the test does
            lines.append(line)
            if "in_view=" in line and "person" in line:
                break
        said = "".join(lines)
        assert "person" in lines[-1], said
        assert f"Live page: http://127.0.0.1:{port}/" in said
        for path in ("/", "/api/v1/cameras/street"):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
                assert answer.status == 200
        demo.send_signal(signal.SIGINT)
        rest, _ = demo.communicate(timeout=10)
        assert demo.returncode == 0, said + rest
    finally:
        demo.kill()
        demo.communicate()
    assert wheel.files() == before
