"""Prints what is heard at an endpoint, as JSON: python -m tests.fleet.witness URL"""

from __future__ import annotations

import json
import sys
import time

import zmq

from sinks.messages import DetectionMessage, decode


def main(endpoint: str) -> None:
    with zmq.Context() as context, context.socket(zmq.SUB) as socket:
        socket.setsockopt(zmq.RECONNECT_IVL, 50)
        socket.setsockopt(zmq.RECONNECT_IVL_MAX, 200)
        socket.subscribe(b"det.")
        socket.connect(endpoint)
        while True:
            message = decode(*socket.recv_multipart())
            assert isinstance(message, DetectionMessage)
            heard = {
                "camera": message.camera,
                "node": message.node,
                "grant": int(message.grant or 0),
                "captured_ns": message.captured_ns,
                "at_s": time.monotonic(),
            }
            print(json.dumps(heard), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
