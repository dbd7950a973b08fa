"""Subscribe to vedette with pyzmq and nothing else: pip install pyzmq, then

python python_subscriber.py tcp://127.0.0.1:5556 [CAMERA]
"""

# ruff: noqa: T201 (an example prints)

import json
import sys

import zmq

endpoint = sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:5556"
only = sys.argv[2] if len(sys.argv) > 2 else None  # one camera, or all of them
socket = zmq.Context().socket(zmq.SUB)
for kind in ("det.", "event.", "status."):
    # With the closing dot: det.cam1 would also match det.cam10.
    socket.subscribe(f"{kind}{only}.".encode() if only else kind.encode())
socket.subscribe(b"hb.")
# For IPv6: socket.ipv6 = True
# For CURVE: socket.curve_serverkey, socket.curve_publickey, socket.curve_secretkey = …
socket.connect(endpoint)

# A number stands for each stream of them, here (node, camera, "messages" or "events").
Key = tuple[str, str, str]
epochs: dict[str, str] = {}  # of each node
last: dict[Key, int] = {}
announced: dict[str, dict[Key, int]] = {}  # by the last heartbeat of each node, after its first


def account(key: Key, number: int, received: int) -> None:
    """Say how many are missing, now that all up to `number` should have come."""
    lost = number - received - last.get(key, number - received)
    if lost > 0:
        node, camera, what = key
        print(f"lost {lost} {what} of {camera} of {node}", flush=True)
    last[key] = max(number, last.get(key, number))


while True:
    if not socket.poll(3000):
        print("no heartbeat for 3 s", file=sys.stderr)
        continue
    topic, payload = socket.recv_multipart()
    message = json.loads(payload)
    node = message["node"]
    if message["epoch"] != epochs.get(node):  # the daemon was started anew: this is no loss
        epochs[node] = message["epoch"]
        announced.pop(node, None)
        last = {key: number for key, number in last.items() if key[0] != node}
    if topic.startswith(b"hb."):
        for key, number in announced.get(node, {}).items():
            account(key, number, received=0)
        # The first one may be an old one that greets us; what it names proves nothing.
        named = message["cameras"] if node in announced else {}
        # It names every camera: what was not subscribed to cannot be lost.
        beats = {name: beat for name, beat in named.items() if only in (None, name)}
        announced[node] = {(node, name, "messages"): beat["seq"] for name, beat in beats.items()}
        for name, beat in beats.items():
            announced[node][node, name, "events"] = beat["event_seq"]
        continue
    camera = message["camera"]
    if topic.startswith(b"status."):
        print(camera, "is", message["state"], message["reason"], flush=True)
    elif topic.startswith(b"event."):
        account((node, camera, "events"), message["event_seq"], received=1)
        where = message.get("zone") or message.get("line") or ""
        print(camera, message["label"], message["track"], message["phase"], where, flush=True)
    else:
        account((node, camera, "messages"), message["seq"], received=1)
        if message["status"] == "ok":
            found = [f"{d['label']} {d['score']:.2f}" for d in message["detections"]]
            print(camera, message["seq"], ", ".join(found) or "nothing", flush=True)
        else:
            print(camera, message["seq"], "no answer:", message["error"], flush=True)
