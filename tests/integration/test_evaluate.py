"""`vedette evaluate` with the bundled weights on frames of the demo clip."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from daemon.cli import main
from detector.build import build_detector
from detector.datasets.samples import open_dataset
from detector.evaluation.running import answers
from detector.spec import DetectorSpec
from tests.support.data_sets import write_coco

pytestmark = pytest.mark.integration
CLIP = Path(__file__).parents[2] / "config/demo/street.mp4"
LABELS = ("person", "bicycle", "car", "motorcycle", "bus", "truck")


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A COCO file that takes for true what the detector itself finds above 0.4."""
    folder = tmp_path_factory.mktemp("street")
    with av.open(str(CLIP)) as clip:
        for number, frame in enumerate(islice(clip.decode(video=0), 0, 90, 30)):
            bgr = np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)
            assert cv2.imwrite(str(folder / f"{number}.png"), bgr)
    images = [{"id": number, "file_name": f"{number}.png"} for number in range(3)]
    categories = [{"id": number, "name": label} for number, label in enumerate(LABELS)]
    document = {"images": images, "annotations": [], "categories": categories}
    data = open_dataset(write_coco(folder / "street.json", document))
    detector = build_detector(
        DetectorSpec(
            name="efficientdet-lite0", weights="bundled", precision="float32", score_threshold=0.4,
            iou_threshold=0.5, max_detections=100, max_batch=8,
        )
    )  # fmt: skip
    document["annotations"] = [
        {
            "image_id": sample.image_id,
            "category_id": int(class_id),
            "bbox": [float(x1), float(y1), float(x2) - float(x1), float(y2) - float(y1)],
        }
        for sample, found in answers(detector, data.samples, lost=pytest.fail)
        for (x1, y1, x2, y2), class_id in zip(found.xyxy_px, found.class_id, strict=True)
    ]
    return write_coco(folder / "street.json", document)


def test_the_detector_finds_what_it_found_before(
    truth: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {name: tmp_path / name for name in ("f.json", "curves.png", "worst.png")}
    options = ("--precision", "float32", "--group", "vehicle=car,bus,truck", "--json")
    more = ("--plot", str(files["curves.png"]), "--worst", str(files["worst.png"]))
    assert main(["evaluate", "--data", str(truth), *options, str(files["f.json"]), *more]) == 0
    figures = json.loads(files["f.json"].read_text())
    person = figures["classes"]["person"]
    assert person["boxes"] >= 5
    assert person["ap"] == pytest.approx(1)
    assert person["best_f1"] == pytest.approx(1)
    assert person["threshold"] >= 0.4
    assert figures["images"] == 3
    assert figures["input_size"] % 32 == 0
    assert all(ms > 0 for ms in figures["latency_ms"].values())
    assert all(path.stat().st_size > 1000 for path in files.values())
    assert "efficientdet-lite0" in capsys.readouterr().out
