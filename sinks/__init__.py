"""Where detections go: wire messages, ZeroMQ, JSON lines. Imports nothing of ours but `config`."""
