"""What vedette publishes over ZeroMQ, into Kafka: a topic for each kind, keyed by node and camera,
so that the messages of one camera stay in order.

    pip install pyzmq confluent-kafka
    python kafka_bridge.py tcp://127.0.0.1:5556 kafka.example.org:9092 [PREFIX]
"""

# ruff: noqa: T201 (an example prints)

import json
import sys

import zmq
from confluent_kafka import Producer

TOPICS = {"event": "events", "count": "counts", "status": "states", "det": "detections"}


def main(endpoint, brokers, prefix="vedette"):
    socket = zmq.Context().socket(zmq.SUB)
    for kind in TOPICS:
        socket.subscribe(f"{kind}.")
    socket.connect(endpoint)
    # Tried again by the client, without doubles; after two minutes a message counts as lost.
    producer = Producer(
        {"bootstrap.servers": brokers, "enable.idempotence": True, "delivery.timeout.ms": 120_000}
    )

    def delivered(error, message):
        if error is not None:
            print(f"lost key={message.key().decode()} reason={error}", file=sys.stderr)

    try:
        while True:
            producer.poll(0)  # what became of those that were sent
            if not socket.poll(1000):
                continue
            topic, payload = socket.recv_multipart()
            kind = topic.partition(b".")[0].decode()
            sender = json.loads(payload)
            key = f"{sender['node']}/{sender['camera']}"
            try:
                producer.produce(f"{prefix}.{TOPICS[kind]}", payload, key, callback=delivered)
            except BufferError:  # 100 000 wait for a broker that is away
                print(f"lost key={key} reason=queue full", file=sys.stderr)
    except KeyboardInterrupt:
        socket.close(linger=0)
        producer.flush(10)


if __name__ == "__main__":
    main(*sys.argv[1:])
