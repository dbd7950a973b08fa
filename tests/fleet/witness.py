"""Prints what is heard at an endpoint, as JSON: python -m tests.fleet.witness URL"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

import zmq

from sinks.messages import DetectionMessage, decode
from tests.fleet.listener import heard_of


def main(endpoint: str) -> None:
    with zmq.Context() as context, context.socket(zmq.SUB) as socket:
        socket.setsockopt(zmq.RECONNECT_IVL, 50)
        socket.setsockopt(zmq.RECONNECT_IVL_MAX, 200)
        socket.subscribe(b"det.")
        socket.connect(endpoint)
        while True:
            message = decode(*socket.recv_multipart())
            assert isinstance(message, DetectionMessage)
            print(json.dumps(asdict(heard_of(message))), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
