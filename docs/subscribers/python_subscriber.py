"""Subscribe to vedette with pyzmq and nothing else: pip install pyzmq, then

python python_subscriber.py tcp://127.0.0.1:5556
"""

# ruff: noqa: T201 (an example prints)

import json
import sys

import zmq

endpoint = sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:5556"
socket = zmq.Context().socket(zmq.SUB)
for topic in (b"det.", b"status.", b"hb."):  # one camera only: b"det.gate." with the closing dot
    socket.subscribe(topic)
# For CURVE: socket.curve_serverkey, socket.curve_publickey, socket.curve_secretkey = …
socket.connect(endpoint)

epoch = None
last_seq: dict[str, int] = {}  # of each camera
announced = None  # the `seq` of each camera by the last heartbeat; None before the first


def account(camera: str, seq: int, received: int) -> None:
    """Say how many messages are missing, now that all up to `seq` should have come."""
    lost = seq - received - last_seq.get(camera, seq - received)
    if lost > 0:
        print(f"lost {lost} of {camera}", flush=True)
    last_seq[camera] = max(seq, last_seq.get(camera, seq))


while True:
    if not socket.poll(3000):
        print("no heartbeat for 3 s", file=sys.stderr)
        continue
    topic, payload = socket.recv_multipart()
    message = json.loads(payload)
    if message["epoch"] != epoch:  # the daemon was started anew: this is no loss
        epoch, announced = message["epoch"], None
        last_seq.clear()
    if topic == b"hb.":
        for camera, seq in (announced or {}).items():
            account(camera, seq, received=0)
        # The first one may be an old one that greets us; what it names proves nothing.
        beats = message["cameras"] if announced is not None else {}
        announced = {camera: beat["seq"] for camera, beat in beats.items()}
    elif topic.startswith(b"status."):
        print(message["camera"], "is", message["state"], message["reason"], flush=True)
    else:
        account(message["camera"], message["seq"], received=1)
        if message["status"] == "ok":
            found = [f"{d['label']} {d['score']:.2f}" for d in message["detections"]]
            print(message["camera"], message["seq"], ", ".join(found) or "nothing", flush=True)
        else:
            print(message["camera"], message["seq"], "no answer:", message["error"], flush=True)
