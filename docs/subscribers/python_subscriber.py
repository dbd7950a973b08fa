"""Subscribe to vedette with pyzmq and nothing else: pip install pyzmq, then

python python_subscriber.py tcp://127.0.0.1:5556 [CAMERA]

Give two endpoints with a comma between them for the two gateways of a fleet: everything comes
twice then, is told once, and one of them is enough.
"""

# ruff: noqa: T201 (an example prints)

import json
import sys

import zmq

endpoints = sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:5556"
only = sys.argv[2] if len(sys.argv) > 2 else None  # one camera, or all of them
socket = zmq.Context().socket(zmq.SUB)
for kind in ("det.", "event.", "status."):
    # With the closing dot: det.cam1 would also match det.cam10.
    socket.subscribe(f"{kind}{only}.".encode() if only else kind.encode())
socket.subscribe(b"hb.")
# For IPv6: socket.ipv6 = True
# For CURVE: socket.curve_serverkey, socket.curve_publickey, socket.curve_secretkey = …
for endpoint in endpoints.split(","):
    socket.connect(endpoint)

# A number stands for each stream of them, here (node, camera, "messages" or "events").
Key = tuple[str, str, str]
epochs: dict[str, str] = {}  # of each node
ended: set[str] = set()  # epochs of earlier starts
beats: dict[str, int] = {}  # when the newest heartbeat of each node was sent
announced: dict[str, dict[Key, int]] = {}  # by the last heartbeat of each node, after its first
done: dict[Key, int] = {}  # up to here it is known what became of each
came: dict[Key, set[int]] = {}  # those beyond that came
grants: dict[str, int] = {}  # the newest of each camera; only a fleet has any


def is_current(camera: str, node: str, grant: int) -> bool:
    """Whether this node still speaks for the camera."""
    if grant < grants.get(camera, 0):
        return False
    if grant > grants.get(camera, 0):  # it has moved: what was due of its old node is moot
        grants[camera] = grant
        for key in [key for key in came if key[1] == camera and key[0] != node]:
            del came[key], done[key]
    return True


def is_news(key: Key, number: int) -> bool:
    """Whether it comes for the first time."""
    known = came.setdefault(key, set())
    done.setdefault(key, number - 1)  # what was before us is no loss
    if number in known or number <= done[key]:
        return False
    known.add(number)
    return True


def account(key: Key, number: int) -> None:
    """Say how many are missing, now that all up to `number` should have come."""
    known = came.get(key, set())
    lost = number - done.get(key, number) - sum(one <= number for one in known)
    if lost > 0:
        node, camera, what = key
        print(f"lost {lost} {what} of {camera} of {node}", flush=True)
    done[key] = max(number, done.get(key, number))
    came[key] = {one for one in known if one > number}


while True:
    if not socket.poll(3000):
        print("no heartbeat for 3 s", file=sys.stderr)
        continue
    topic, payload = socket.recv_multipart()
    message = json.loads(payload)
    node, epoch = message["node"], message["epoch"]
    if epoch in ended:
        continue
    if epoch != epochs.get(node):  # the daemon was started anew: this is no loss
        ended |= {epochs[node]} if node in epochs else set()
        epochs[node] = epoch
        announced.pop(node, None)
        beats.pop(node, None)
        for key in [key for key in came if key[0] == node]:
            del came[key], done[key]
    if topic.startswith(b"hb."):
        if message["published_ns"] <= beats.get(node, 0):
            continue
        beats[node] = message["published_ns"]
        for key, number in announced.get(node, {}).items():
            account(key, number)
        # The first one may be an old one that greets us; what it names proves nothing.
        named = message["cameras"] if node in announced else {}
        # It names every camera: what was not subscribed to cannot be lost.
        named = {name: beat for name, beat in named.items() if only in (None, name)}
        announced[node] = {(node, name, "messages"): beat["seq"] for name, beat in named.items()}
        for name, beat in named.items():
            announced[node][node, name, "events"] = beat["event_seq"]
        continue
    camera = message["camera"]
    if not is_current(camera, node, message.get("grant", 0)):
        continue
    if topic.startswith(b"status."):
        print(camera, "is", message["state"], message["reason"], flush=True)
    elif topic.startswith(b"event."):
        if is_news((node, camera, "events"), message["event_seq"]):
            where = message.get("zone") or message.get("line") or ""
            print(camera, message["label"], message["track"], message["phase"], where, flush=True)
    elif is_news((node, camera, "messages"), message["seq"]):
        if message["status"] == "ok":
            found = [f"{d['label']} {d['score']:.2f}" for d in message["detections"]]
            print(camera, message["seq"], ", ".join(found) or "nothing", flush=True)
        else:
            print(camera, message["seq"], "no answer:", message["error"], flush=True)
