"""Roboflow's trackers on given boxes, in an environment of their own: reads worlds as JSON lines
from standard input and writes the number of each box, 0 for none. Imports nothing of vedette.
"""

import json
import sys
import time

import numpy as np
import supervision as sv
from trackers import ByteTrackTracker, CBIoUTracker

TRACKERS = {"C-BIoU": CBIoUTracker, "ByteTrack": ByteTrackTracker}


def numbers(tracker, looks):
    """Of each box of each picture."""
    for look in looks:
        count = len(look["score"])
        found = sv.Detections(
            xyxy=np.array(look["xyxy"], float).reshape(-1, 4),
            confidence=np.array(look["score"], float),
            class_id=np.array(look["class_id"], int),
            data={"index": np.arange(count)},
        )
        answer = tracker.update(found)
        said = np.zeros(count, int)
        if len(answer):
            said[answer.data["index"]] = np.maximum(answer.tracker_id + 1, 0)
        yield said.tolist()


for line in sys.stdin:
    world = json.loads(line)
    for name, kind in TRACKERS.items():
        # As ours: boxes from 0.4 begin an object, and one unseen for two seconds is gone.
        tracker = kind(
            frame_rate=world["fps"],
            lost_track_buffer=60,
            track_activation_threshold=0.4,
            high_conf_det_threshold=0.4,
        )
        started_s = time.process_time()
        said = list(numbers(tracker, world["looks"]))
        took_ms = (time.process_time() - started_s) * 1e3 / len(said)
        print(json.dumps({"contender": name, "said": said, "ms": took_ms}), flush=True)
