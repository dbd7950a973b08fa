"""`vedette fleet …`: many servers as one."""

from __future__ import annotations

import argparse
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

from config.errors import ConfigError
from daemon.console import complain, complain_of, say
from daemon.exits import EXIT_FAILED, EXIT_OK
from detector import extras

if TYPE_CHECKING:
    from collections.abc import Callable

    from config.fleet import LoadedFleet
    from daemon.fleet.keeper import Site
    from daemon.fleet.ray_cluster import Cluster
    from daemon.fleet.view import FleetView

INSTALL = f"vedette: a fleet needs Ray: {extras.add('cluster')}"


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "fleet",
        help="run many servers as one",
        description="Cameras of one file, placed on many servers. See docs/fleet.md.",
    )
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    _verb(verbs, "run", "make sure that the Director runs, with CONFIG, and tell what it does")
    _verb(verbs, "status", "print servers, cameras and alarms")
    drain = _verb(verbs, "drain", "let a server's cameras go elsewhere", node=True)
    drain.add_argument("--undo", action="store_true", help="let cameras come to it again")
    _verb(verbs, "rebalance", "even out the loads, now")
    plan = _verb(verbs, "plan", "say how many more cameras fit, and what more would need")
    plan.add_argument(
        "--cameras", type=int, metavar="N", help="what would be needed for so many more"
    )
    _verb(verbs, "check", "check CONFIG, and say which server lacks which credential or file")
    parser.set_defaults(run=run)


def _verb(verbs: Any, name: str, text: str, *, node: bool = False) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=text, description=text)
    if node:
        parser.add_argument("node", metavar="NODE", help="the server, as the file calls it")
    parser.add_argument("config", type=Path, metavar="CONFIG", help="the fleet's YAML file")
    return parser


def run(args: argparse.Namespace) -> int:
    """Returns the exit code."""
    from config.fleet import load_fleet

    try:
        loaded = load_fleet(args.config)
    except ConfigError as error:
        return complain_of(error)
    if importlib.util.find_spec("ray") is None:
        complain(INSTALL)
        return EXIT_FAILED
    if args.verb == "run":
        from daemon import signals

        signals.block()  # before Ray starts threads of its own, which would take them
    from daemon.fleet.ray_cluster import Cluster
    from daemon.fleet.shard import DirectorAwayError

    try:
        cluster = Cluster(loaded.config.fleet.address)
        return _VERBS[args.verb](cluster, loaded, args)
    except DirectorAwayError as error:
        complain(f"vedette: the Director: {error}")
        return EXIT_FAILED


def _run(cluster: Cluster, loaded: LoadedFleet, args: argparse.Namespace) -> int:
    from daemon.clock import SystemClock
    from daemon.fleet.keeper import Keeper
    from daemon.fleet.site.app import fleet_server

    def open_site(
        view: Callable[[], FleetView], of: LoadedFleet, node_token: Callable[[], str | None]
    ) -> Site:
        http = of.config.fleet.http
        return fleet_server(view, http, SystemClock(), node_token=node_token)

    return Keeper(cluster, loaded, open_site, reread=args.config).run()


def _status(cluster: Cluster, loaded: LoadedFleet, args: argparse.Namespace) -> int:
    from daemon.fleet.words import status_lines

    del loaded, args
    for line in status_lines(cluster.view()):
        say(line)
    return EXIT_OK


def _drain(cluster: Cluster, loaded: LoadedFleet, args: argparse.Namespace) -> int:
    if not cluster.drain(args.node, undo=args.undo):
        known = ", ".join(loaded.config.fleet.nodes)
        complain(f"vedette: {args.node} is no server of the fleet ({known})")
        return EXIT_FAILED
    what = "gets cameras again" if args.undo else "is drained: watch it with `vedette fleet status`"
    say(f"{args.node} {what}")
    return EXIT_OK


def _rebalance(cluster: Cluster, loaded: LoadedFleet, args: argparse.Namespace) -> int:
    del loaded, args
    moving = cluster.rebalance()
    say(f"{moving} camera{'s move' if moving != 1 else ' moves'}")
    return EXIT_OK


def _plan(cluster: Cluster, loaded: LoadedFleet, args: argparse.Namespace) -> int:
    from daemon.fleet.placement import Room
    from daemon.fleet.words import plan_lines

    del loaded
    demands, rooms, places = cluster.outlook_of()
    for line in plan_lines(demands, [Room(*room) for room in rooms], places, args.cameras):
        say(line)
    return EXIT_OK


def _check(cluster: Cluster, loaded: LoadedFleet, args: argparse.Namespace) -> int:
    from daemon.fleet.sections import setup_of
    from daemon.fleet.shard import DirectorAwayError

    del args
    setup = setup_of(loaded.config)
    good = True
    for shard in setup.shards:
        cameras = {
            camera.name: camera.section
            for camera in setup.cameras
            if camera.enabled and (camera.shards is None or shard.name in camera.shards)
        }
        try:
            lacks = cluster.lacks(shard.name, cameras)
        except DirectorAwayError as error:
            complain(f"{shard.name}: not checked: {error}")
            good = False
            continue
        for camera, lack in lacks.items():
            complain(f"{shard.name}: {camera}: {lack}")
        good = good and not lacks
        if not lacks:
            say(f"{shard.name}: has what its {len(cameras)} cameras need")
    return EXIT_OK if good else EXIT_FAILED


_VERBS = {
    "run": _run,
    "status": _status,
    "drain": _drain,
    "rebalance": _rebalance,
    "plan": _plan,
    "check": _check,
}
