"""What things are called in Ray. Imports nothing of it."""

from __future__ import annotations

NAMESPACE = "vedette"
DIRECTOR = "director"
HEAD = "node:__internal_head__"  # a resource that Ray gives to its head alone
SLIVER = 0.0001  # of a resource: it says where an actor may run, not how much it takes


def shard_actor(shard: str) -> str:
    """Name of the actor of a shard."""
    return f"shard:{shard}"


def node_resource(node: str) -> str:
    """What a server's raylet is started with, as in `--resources '{"vedette:north": 1}'`."""
    return f"vedette:{node}"
