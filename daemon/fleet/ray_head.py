"""Which cluster this process is part of, and which one the head that answers has. Ray has no public
name for either; both are of the version that is pinned.
"""

from __future__ import annotations

import ray
from ray._private.worker import global_worker
from ray._raylet import GcsClient  # type: ignore[attr-defined]  # compiled
from ray.exceptions import RayError


def joined_cluster() -> str:
    """Of this process, in hexadecimal."""
    cluster, _ = global_worker.current_cluster_and_job
    return str(cluster.hex())


def answering_cluster() -> str | None:
    """Of the head, which is asked as by a stranger; None where it does not answer."""
    try:
        stranger = GcsClient(address=ray.get_runtime_context().gcs_address)
        return str(stranger.cluster_id.hex())
    except (RayError, OSError, RuntimeError):
        return None
