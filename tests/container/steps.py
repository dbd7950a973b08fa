"""Does by hand what Containerfile says, where no container engine is to be had; tries the image.
`python -m tests.container.steps FOLDER` does it, as root, with Debian's mmdebstrap.

Each FROM is a fresh minimal Debian, each RUN a shell in it, each COPY a copy. The image is then
started as an engine would: its user, no capabilities, a root that is read-only, processes and a
network of its own with nothing but loopback. Takes minutes and 6 GB; FOLDER is left for a look.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.support import containerfile
from tests.support.containerfile import ROOT, Stage

SUITES = {"debian:12-slim": "bookworm", "debian:13-slim": "trixie"}
WATCH_S = 60
CERTIFICATES = "/var/tmp/registry.crt"  # whom pip trusts on this machine, where it is told


class Rootfs:
    """One stage, in a folder."""

    def __init__(self, folder: Path, stage: Stage) -> None:
        self.folder, self.stage = folder, stage
        self._env = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
        self._work = "/"

    def build(self, others: dict[str, Rootfs]) -> None:
        _do("mmdebstrap", "--variant=minbase", SUITES[self.stage.base], str(self.folder))
        if "PIP_CERT" in os.environ:
            shutil.copy(os.environ["PIP_CERT"], self.folder / CERTIFICATES[1:])
        for instruction, rest in self.stage.instructions:
            began_s = time.monotonic()
            self._follow(instruction, rest, others)
            print(f"{time.monotonic() - began_s:7.1f} s  {instruction} {rest[:80]}", flush=True)

    def _follow(self, instruction: str, rest: str, others: dict[str, Rootfs]) -> None:
        if instruction == "RUN":
            self.run(rest)
        elif instruction == "COPY":
            *sources, target = rest.split()
            origin = ROOT
            if sources[0].startswith("--from="):
                origin = others[sources.pop(0).removeprefix("--from=")].folder
            for source in sources:
                self._copy(origin / source.lstrip("/"), target, several=len(sources) > 1)
        elif instruction == "WORKDIR":
            self._work = rest
            (self.folder / rest[1:]).mkdir(parents=True, exist_ok=True)
        elif instruction in ("ENV", "ARG"):
            for word in shlex.split(rest):
                name, _, value = word.partition("=")
                self._env[name] = value

    def run(self, command: str) -> None:
        trusted = {"PIP_CERT": CERTIFICATES} if "PIP_CERT" in os.environ else {}
        variables = {**trusted, "DEBIAN_FRONTEND": "noninteractive", **self._env}
        words = [f"{name}={value}" for name, value in variables.items()]
        shell = f"mount -t proc proc /proc && cd {self._work} && {command}"
        _do(
            *("unshare", "--mount", "--pid", "--fork", "chroot", str(self.folder)),
            *("env", "-i", *words, "sh", "-ec", shell),
        )

    def _copy(self, source: Path, target: str, *, several: bool) -> None:
        at = self.folder / Path(self._work, target).as_posix().lstrip("/")
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__") if source.is_relative_to(ROOT) else None
            shutil.copytree(source, at, symlinks=True, dirs_exist_ok=True, ignore=ignored)
        else:
            if several or target.endswith(("/", ".")):
                at /= source.name
            at.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, at)

    @contextmanager
    def started(self) -> Iterator[int]:
        """The image's command; the id of its process."""
        state = self.stage.environment()["STATE_DIRECTORY"]
        user, _, group = self.stage.one("USER").partition(":")
        words = self.stage.words("ENTRYPOINT") + self.stage.words("CMD")
        env = [f"{name}={value}" for name, value in self.stage.environment().items()]
        root = shlex.quote(str(self.folder))
        script = (
            f"ip link set lo up; mount --bind {root} {root}; mount -t tmpfs tmpfs {root}/tmp;"
            f" mount -t proc proc {root}/proc; mount -t tmpfs -o mode=700,uid={user},gid={group}"
            f" tmpfs {root}{state}; mount -o remount,ro,bind {root};"
            f" exec chroot {root} setpriv --reuid={user} --regid={group} --clear-groups"
            f" --no-new-privs --bounding-set=-all --inh-caps=-all env -i {shlex.join(env)}"
            f" {shlex.join(words)}"
        )
        command = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child"]
        log = (self.folder.parent / "image.log").open("w")
        engine = subprocess.Popen([*command, "sh", "-ec", script], stderr=log, stdout=log)
        try:
            time.sleep(1)
            (child,) = _children(engine.pid)
            yield child
        finally:
            engine.kill()
            engine.wait()

    def inside(self, process: int, *words: str) -> subprocess.CompletedProcess[str]:
        """A command in the running container, as its health check is."""
        enter = ["nsenter", "-t", str(process), "--mount", "--net", "--pid"]
        user, _, group = self.stage.one("USER").partition(":")
        env = [f"{name}={value}" for name, value in self.stage.environment().items()]
        become = ["chroot", str(self.folder), "setpriv", f"--reuid={user}", f"--regid={group}"]
        return subprocess.run(
            [*enter, *become, "--clear-groups", "--no-new-privs", "env", "-i", *env, *words],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


def _do(*command: str) -> None:
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode != 0:
        msg = f"{shlex.join(command)[:400]}\n{done.stdout[-4000:]}"
        raise SystemExit(msg)


def _children(process: int) -> list[int]:
    children = Path(f"/proc/{process}/task/{process}/children")
    return [int(child) for child in children.read_text().split()]


def _memory_mb(process: int) -> int:
    status = Path(f"/proc/{process}/status").read_text()
    return int(re.findall(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)[0]) // 1024


def tried(image: Rootfs) -> None:
    """Start it, ask for its health, watch it for a minute, stop it."""
    with image.started() as process:
        began_s = time.monotonic()
        health = image.stage.words("HEALTHCHECK")
        while (answer := image.inside(process, *health)).returncode and _is_young(began_s):
            time.sleep(0.2)
        assert answer.stdout == "ok\n", answer
        print(f"healthy after {time.monotonic() - began_s:.1f} s: {answer.stdout.strip()}")
        ask = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:9464/{}').read())"
        while '"ready":true' not in (
            said := image.inside(process, "python3", "-c", ask.format("readyz")).stdout
        ):
            assert _is_young(began_s), said
            time.sleep(0.2)
        print(f"ready after {time.monotonic() - began_s:.1f} s")
        time.sleep(WATCH_S)
        found = image.inside(process, "python3", "-c", ask.format("api/v1/cameras/street")).stdout
        labels = re.findall(r'"label":"(\w+)"', found)
        assert "person" in labels, found
        print(f"sees {', '.join(labels)}; {_memory_mb(process)} MB resident after {WATCH_S} s")
        status = Path(f"/proc/{process}/status").read_text()
        print(*re.findall(r"^(?:Uid|CapEff|CapBnd|NoNewPrivs):.*$", status, re.MULTILINE), sep="\n")
        places = "touch /opt/x /etc/vedette/x /x; touch ~/x /tmp/x"
        trial = image.inside(process, "sh", "-c", places)
        print(trial.stderr.strip() or "everything can be written")
        ended_s = time.monotonic()
        os.kill(process, 15)
        while Path(f"/proc/{process}").exists() and _is_young(ended_s):
            time.sleep(0.05)
        print(f"ended {time.monotonic() - ended_s:.1f} s after SIGTERM, as process 1 of its own")


def _is_young(since_s: float) -> bool:
    return time.monotonic() - since_s < 60


def main(words: Sequence[str]) -> None:
    folder = Path(words[0]).resolve()
    folder.mkdir(parents=True)
    roots: dict[str, Rootfs] = {}
    for stage in containerfile.read():
        roots[stage.name] = Rootfs(folder / (stage.name or "image"), stage)
        roots[stage.name].build(roots)
    image = roots[""]
    used = subprocess.run(["du", "-sm", str(image.folder)], capture_output=True, text=True)
    print(f"image: {used.stdout.split()[0]} MB")
    tried(image)


if __name__ == "__main__":
    main(sys.argv[1:])
