"""The fleet as its operator's commands reach it: from any of its servers, by Ray."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import Any

import msgspec
import ray
from ray.exceptions import GetTimeoutError, RayError

from daemon.fleet.ray_director import DirectorActor
from daemon.fleet.ray_names import DIRECTOR, HEAD, NAMESPACE, SLIVER, shard_actor
from daemon.fleet.sections import FleetSetup
from daemon.fleet.shard import DirectorAwayError
from daemon.fleet.view import FleetView

ANSWER_S = 5.0
START_S = 60.0  # for the Director's process, which imports Ray
# Ray's own book of each call is kept for its dashboard, which is not started here.
QUIET: dict[str, Any] = {"enable_task_events": False}

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # tell nobody


class Cluster:
    """Connected when constructed. Every method raises DirectorAwayError where nobody answers."""

    def __init__(self, address: str) -> None:
        try:
            ray.init(
                address=address,
                namespace=NAMESPACE,
                log_to_driver=False,
                configure_logging=False,
                logging_level=logging.ERROR,
            )
        except (ConnectionError, RuntimeError, ValueError, RayError) as error:
            msg = f"no Ray at {address}, or none on this machine: {str(error).splitlines()[0]}"
            raise DirectorAwayError(msg) from None

    def direct(
        self, setup: FleetSetup, folder: str, program: tuple[str, ...] | None = None
    ) -> None:
        """Make sure that there is a Director, and that it knows this configuration."""
        plain = msgspec.to_builtins(setup)
        actor = ray.remote(DirectorActor).options(
            name=DIRECTOR,
            namespace=NAMESPACE,
            lifetime="detached",
            get_if_exists=True,
            max_restarts=-1,
            num_cpus=0,
            resources={HEAD: SLIVER},
            **QUIET,
        )
        director: Any = actor.remote(folder, plain, *([program] if program else []))
        _answer(director.configure.remote(plain), START_S)

    def view(self) -> FleetView:
        """How the fleet is now."""
        return msgspec.msgpack.decode(self._ask("view"), type=FleetView)

    def drain(self, node: str, *, undo: bool = False) -> bool:
        """False for a server that is none of the fleet."""
        return bool(self._ask("drain", node, undo=undo))

    def rebalance(self) -> int:
        """How many cameras move."""
        return int(self._ask("rebalance"))

    def outlook_of(self) -> Any:
        """See `daemon.fleet.director.Director.outlook_of`."""
        return self._ask("outlook_of")

    def lacks(self, shard: str, cameras: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
        """What that shard's server has not that these cameras need, by camera."""
        try:
            actor = ray.get_actor(shard_actor(shard), namespace=NAMESPACE)
        except (ValueError, RayError):
            raise DirectorAwayError("its shard has not been made yet") from None
        found: dict[str, str] = _answer(actor.lacks.remote(dict(cameras)), ANSWER_S)
        return found

    def close(self) -> None:
        ray.shutdown()

    def _ask(self, method: str, *values: Any, **named: Any) -> Any:
        try:
            director = ray.get_actor(DIRECTOR, namespace=NAMESPACE)
        except (ValueError, RayError):
            raise DirectorAwayError("there is none: start it with `vedette fleet run`") from None
        return _answer(getattr(director, method).remote(*values, **named), ANSWER_S)


def _answer(reference: Any, timeout_s: float) -> Any:
    try:
        return ray.get(reference, timeout=timeout_s)
    except GetTimeoutError:
        msg = f"no answer within {timeout_s:g} s"
        raise DirectorAwayError(msg) from None
    except RayError as error:
        raise DirectorAwayError(type(error).__name__) from None
