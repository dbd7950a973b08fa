"""Snapshots and clips of detections, on disk; written by one thread that nothing waits for."""
