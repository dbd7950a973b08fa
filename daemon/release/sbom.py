"""What vedette is made of, as CycloneDX 1.6: `python -m daemon.release.sbom` (`make sbom`).

Tools that read an environment list what is for development too, and miss the C libraries inside of
wheels: those that read what strangers send are named here.
"""

from __future__ import annotations

import json
import re
import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from typing import Any

from packaging.requirements import Requirement

_ROOT = "vedette"


def bom(now: datetime) -> dict[str, Any]:
    """The document; its serial number follows from its content."""
    parts = _closure(distribution(_ROOT))
    inside = {owner: _component(*library, "generic") for owner, library in _inside().items()}
    components = [_described(part) for part in parts.values()]
    root, *others = components
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "components": [*others, *inside.values()],
        "dependencies": [
            {
                "ref": component["bom-ref"],
                "dependsOn": [
                    *(_ref(parts[name]) for name in _needed(part) if name in parts),
                    *([inside[name]["bom-ref"]] if name in inside else []),
                ],
            }
            for component, (name, part) in zip(components, parts.items(), strict=True)
        ],
    }
    serial = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(document, sort_keys=True))
    made = {"timestamp": now.isoformat(timespec="seconds"), "component": root}
    return document | {"serialNumber": f"urn:uuid:{serial}", "metadata": made}


def _closure(root: Distribution) -> dict[str, Distribution]:
    """By normalised name, breadth first; what another platform needs is left out."""
    found = {_ROOT: root}
    for part in (queue := [root]):
        for name in _needed(part):
            if name not in found:
                try:
                    found[name] = distribution(name)
                except PackageNotFoundError:
                    continue  # optional on this platform
                queue.append(found[name])
    return found


def _needed(part: Distribution) -> Iterator[str]:
    for line in part.requires or []:
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield _normalised(requirement.name)


def _inside() -> dict[str, tuple[str, str]]:
    """C libraries by the distribution that brings them: name and version."""
    import av
    import cv2
    import h5py
    import zmq

    return {
        "av": ("ffmpeg", av.ffmpeg_version_info),
        "opencv-python-headless": ("opencv", cv2.__version__),
        "pyzmq": ("libzmq", zmq.zmq_version()),
        "h5py": ("hdf5", h5py.version.hdf5_version),
    }


def _described(part: Distribution) -> dict[str, Any]:
    name = _normalised(part.metadata["Name"])
    component = _component(name, part.version, "pypi")
    if name == _ROOT:
        component["type"] = "application"
    about = part.metadata.json
    licence = str(about.get("license_expression") or about.get("license") or "")
    if licence and "\n" not in licence:  # some put its whole text there
        component["licenses"] = [{"license": {"name": licence}}]
    return component


def _component(name: str, version: str, kind: str) -> dict[str, Any]:
    purl = f"pkg:{kind}/{name}@{version}"
    return {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}


def _ref(part: Distribution) -> str:
    return f"pkg:pypi/{_normalised(part.metadata['Name'])}@{part.version}"


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    json.dump(bom(datetime.now(UTC)), sys.stdout, indent=1)
    sys.stdout.write("\n")
