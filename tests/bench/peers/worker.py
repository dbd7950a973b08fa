"""One contender in a process of its own: says how long each answer took, a line for a line.

    worker.py CONTENDER MODEL FOLDER BATCH

`FOLDER` holds the network as `networks.py` wrote it. Only the network is timed, from numbers to raw
outputs; a worker that waits for its turn uses no processor.
"""

from __future__ import annotations

import itertools
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Answer = Callable[[], object]
THREADS = int(os.environ.get("THREADS", "2"))


def ours(precision: str, *, throughout: bool = False) -> Callable[[str, Path, Any], Answer]:
    """`throughout`: also the first stage and the box net, which the detector keeps in float32."""

    def prepare(model: str, folder: Path, x: Any) -> Answer:
        from detector.build import start_tensorflow

        start_tensorflow()
        import tensorflow as tf

        from detector.graph.lanes import Lanes
        from detector.graph.runtime import lane_count
        from tests.bench.peers.networks import AlwaysNarrow, stages_of

        stages = stages_of(
            model, folder, precision, AlwaysNarrow if throughout else None, side=x.shape[1]
        )
        first = tf.as_dtype(precision) if throughout else tf.float32

        def forward(x: Any) -> Any:
            return stages.forward(tf.cast(x, first))

        shape = tf.TensorSpec([None, *x.shape[1:]], tf.float32)
        network = tf.function(forward, autograph=False).get_concrete_function(shape)
        lanes = Lanes(lane_count())
        parts = [tf.constant(part) for part in np.array_split(x, min(lane_count(), len(x)))]
        return lambda: lanes.run(lambda number: network(parts[number[0]]), np.arange(len(parts)))

    return prepare


def plain_keras(model: str, folder: Path, x: Any) -> Answer:
    from detector.build import start_tensorflow

    start_tensorflow(THREADS)
    import tensorflow as tf

    from detector.graph.plain_keras import KerasOps
    from tests.bench.peers.networks import stages_of

    forward = tf.function(
        stages_of(model, folder, "float32", KerasOps, side=x.shape[1]).forward, autograph=False
    )
    return lambda: forward(x)


def effdet(model: str, folder: Path, x: Any) -> Answer:
    import effdet as package
    import torch

    torch.set_num_threads(THREADS)
    name = f"tf_{model.replace('-', '_')}"
    network = package.create_model(name, pretrained=False, pretrained_backbone=False).eval()
    nchw = torch.from_numpy(np.ascontiguousarray(x.transpose(0, 3, 1, 2)))

    def answer() -> object:
        with torch.inference_mode():
            return network(nchw)

    return answer


def openvino(precision: str) -> Callable[[str, Path, Any], Answer]:
    def prepare(model: str, folder: Path, x: Any) -> Answer:
        import openvino as package

        network = package.convert_model(str(folder / "saved_model"), input=list(x.shape))
        hints = {
            "INFERENCE_PRECISION_HINT": precision,
            "INFERENCE_NUM_THREADS": THREADS,
            "PERFORMANCE_HINT": "LATENCY",
        }
        compiled = package.compile_model(network, "CPU", hints)
        request = compiled.create_infer_request()
        return lambda: request.infer([x], share_inputs=True, share_outputs=True)

    return prepare


def litert(model: str, folder: Path, x: Any) -> Answer:
    from ai_edge_litert.interpreter import Interpreter

    network = Interpreter(str(folder / f"batch{len(x)}.tflite"), num_threads=THREADS)
    network.allocate_tensors()
    network.set_tensor(network.get_input_details()[0]["index"], x)
    return lambda: network.invoke()


def side_by_side(answers: list[Answer], count: int) -> Answer:
    """`count` answers in all, each by a thread of `answers` that is free."""

    def answer() -> None:
        coming = itertools.count()

        def work(one: Answer) -> None:
            while next(coming) < count:
                one()

        threads = [threading.Thread(target=work, args=(each,)) for each in answers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    return answer


def vedette_int8(model: str, folder: Path, x: Any) -> Answer:
    """Our own model, one interpreter for each core, or one with all for a picture alone."""
    from detector.build import open_weights
    from detector.int8.assembly import assemble
    from detector.int8.contender import quick_form

    architecture, weights = open_weights(folder / "weights.safetensors", name=model)
    side = x.shape[1]
    pixels = np.random.default_rng(1).integers(0, 256, (4, side, side, 3), np.uint8)
    form = quick_form(architecture.spec, weights, side, pixels)
    assembly = assemble(
        architecture.spec, weights.arrays, num_classes=len(weights.description.labels),
        input_size=side, form=form,
    )  # fmt: skip

    def run(threads: int) -> Answer:
        network = assembly.run(threads=threads)
        return lambda: network(lambda out: None)

    return _spread(run, len(x))


def litert_int8(model: str, folder: Path, x: Any) -> Answer:
    """What LiteRT's own converter makes."""
    from ai_edge_litert.interpreter import Interpreter

    def run(threads: int) -> Answer:
        network = Interpreter(str(folder / "int8.tflite"), num_threads=threads)
        network.allocate_tensors()
        network.set_tensor(network.get_input_details()[0]["index"], x[:1])
        return network.invoke

    return _spread(run, len(x))


def _spread(run: Callable[[int], Answer], count: int) -> Answer:
    if count == 1:
        return run(THREADS)
    return side_by_side([run(1) for _ in range(THREADS)], count)


def openvino_int8(hint: str) -> Callable[[str, Path, Any], Answer]:
    """Quantised by OpenVINO's own NNCF; with the hint for throughput, all pictures at once."""

    def prepare(model: str, folder: Path, x: Any) -> Answer:
        import nncf
        import openvino as package

        rng = np.random.default_rng(1)
        shape = [1, *x.shape[1:]]
        data = nncf.Dataset([rng.normal(0, 0.5, shape).astype(np.float32) for _ in range(4)])
        network = package.convert_model(str(folder / "saved_model"), input=shape)
        quantised = nncf.quantize(network, data, subset_size=4)
        hints = {"INFERENCE_NUM_THREADS": THREADS, "PERFORMANCE_HINT": hint}
        compiled = package.compile_model(quantised, "CPU", hints)
        if hint == "LATENCY":
            request = compiled.create_infer_request()
            return lambda: [
                request.infer([one[None]], share_inputs=True, share_outputs=True) for one in x
            ]
        queue = package.AsyncInferQueue(compiled)

        def answer() -> None:
            for one in x:
                queue.start_async([one[None]], share_inputs=True)
            queue.wait_all()

        return answer

    return prepare


def opencv(model: str, folder: Path, x: Any) -> Answer:
    import cv2

    cv2.setNumThreads(THREADS)
    network = cv2.dnn.readNetFromTFLite(str(folder / f"batch{len(x)}.tflite"))
    network.setInput(np.ascontiguousarray(x.transpose(0, 3, 1, 2)))
    names = network.getUnconnectedOutLayersNames()
    return lambda: network.forward(names)


CONTENDERS: dict[str, Callable[[str, Path, Any], Answer]] = {
    "vedette bfloat16": ours("bfloat16"),
    "vedette bfloat16 throughout": ours("bfloat16", throughout=True),
    "vedette float32": ours("float32"),
    "plain Keras float32": plain_keras,
    "effdet float32": effdet,
    "OpenVINO bfloat16": openvino("bf16"),
    "OpenVINO float32": openvino("f32"),
    "LiteRT float32": litert,
    "OpenCV float32": opencv,
    "vedette int8": vedette_int8,
    "LiteRT int8": litert_int8,
    "OpenVINO int8 latency": openvino_int8("LATENCY"),
    "OpenVINO int8 throughput": openvino_int8("THROUGHPUT"),
}


def main() -> None:
    contender, model, folder, batch, side = sys.argv[1:]
    rng = np.random.default_rng(0)
    x = rng.normal(0, 1, (int(batch), int(side), int(side), 3)).astype(np.float32)
    answer = CONTENDERS[contender](model, Path(folder), x)
    answer()
    print("ready", flush=True)
    for _ in sys.stdin:
        started_s, started_cpu_s = time.perf_counter(), time.process_time()
        answer()
        cpu_s = time.process_time() - started_cpu_s
        print((time.perf_counter() - started_s) * 1e3, cpu_s * 1e3, flush=True)


if __name__ == "__main__":
    main()
