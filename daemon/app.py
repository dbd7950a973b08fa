"""The daemon at work: made of open doors and a warm model, so that there is nothing to wait for."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping

from config.camera import CameraConfig
from daemon.books.reports import ModelReport
from daemon.cameras.crew import Crew
from daemon.cameras.tiling import TileBudget
from daemon.capture.sample import OpenSource
from daemon.capture.source import open_source as open_by_url
from daemon.capture.worker import CameraWorker
from daemon.clock import Clock
from daemon.doors import Doors
from daemon.memory import MemoryBound
from daemon.pipeline.policy import BatchPolicy
from daemon.pipeline.slot import Slot, SlotBoard
from daemon.pipeline.threads import Pipeline, PipelineSetup
from daemon.reload.model import BuildDetector
from daemon.reload.reloader import Equipment, Prepared, Reloader
from daemon.reporter import Stage
from daemon.seats.seat import Seat, Worker
from detector.letterbox import InputSpec

log = logging.getLogger(__name__)

CAMERAS_STOP_S = 0.8
PIPELINE_STOP_S = 1.0
STUCK_S = 20.0  # a batch that runs longer than this is a hang, not a slow machine


class App:
    """`start`, `check` once a second, `stop`; `prepare_reload` may have a thread of its own, the
    rest is the main thread's, except what the reporter asks (any thread).
    """

    def __init__(
        self,
        doors: Doors,
        equipment: Equipment,
        clock: Clock,
        *,
        open_source: OpenSource = open_by_url,
    ) -> None:
        self._doors = doors
        self._equipment = equipment
        self._clock = clock
        self._open_source = open_source
        setup = _setup(equipment)
        self._slots = SlotBoard()
        policy = BatchPolicy(
            max_batch=equipment.loaded.config.batching.max_batch, max_delay_s=setup.max_delay_s
        )
        self._crew = Crew(
            doors.roster,
            self._slots,
            policy,
            input_spec=setup.detector.input_spec,
            open_worker=self._open_worker,
            clock=clock,
        )
        self._pipeline = Pipeline(
            setup,
            self._slots,
            policy,
            publish=doors.publisher.result,
            observer=doors.metrics,
            clock=clock,
        )
        self._reloader = Reloader(equipment, self, doors.history, clock)
        self._budget = TileBudget(clock)
        self._draining = False
        self._granted: frozenset[str] = frozenset()  # cameras that run; all of them in no fleet
        self._bound = MemoryBound()

    def start(self) -> None:
        """Start the pipeline and every camera."""
        self._doors.reporter.begin(self)
        self._pipeline.start()
        self._doors.highlights.start()
        self._doors.recorder.start()
        self._doors.diary.start()
        self.use_model(self._equipment)
        self.use_cameras(self._equipment)
        self._doors.reporter.stage = Stage.CAPTURING
        self._tighten()

    def check(self) -> None:
        """Once a second. Raises InferenceError once the detector has failed so long that only a new
        process may help.
        """
        if failure := self._pipeline.failure():
            raise failure
        self.obey()
        self._budget.tick(
            self._doors.roster.seats(),
            rows_per_s=self._pipeline.occupancy.pace(),
            max_share=self._doors.config.tiles.max_share,
            most_rows=self._pipeline.max_batch(),
        )

    def obey(self) -> None:
        """Do what other threads have asked for: cameras that were paused or resumed."""
        seats = self._doors.roster.seats()
        self._doors.publisher.end_lives(seat for seat in seats if seat.paused)
        self._crew.follow_pauses()

    def stop(self) -> bool:
        """Drain: cameras, then what they delivered. False if a thread is still blocked, in FFmpeg
        or in the detector; then only `os._exit` ends the process.
        """
        self._draining = True
        ended = self._crew.stop(CAMERAS_STOP_S)
        drained = self._pipeline.stop(PIPELINE_STOP_S)
        if not drained:
            log.warning("the detector did not come back; its batch is lost")
        self._doors.publisher.end_lives(self._doors.roster.seats())
        return ended and drained

    def prepare_reload(
        self, build: BuildDetector, *, advanced: Callable[[], None] = lambda: None
    ) -> Prepared:
        """Read the configuration file again. Raises ConfigError; see `Reloader.prepare`."""
        self._bound.lift()
        return self._reloader.prepare(build, advanced=advanced)

    def conclude_reload(self, prepared: Callable[[], Prepared]) -> None:
        """Become what the file says, or stay what it was; see `Reloader.conclude`."""
        self._reloader.conclude(prepared)
        self._tighten()
        if paused := [seat.name for seat in self._doors.roster.seats() if seat.paused]:
            log.info("detection stays paused cameras=%s", ",".join(paused))

    def grants_changed(self) -> bool:
        """Whether other cameras shall run than do."""
        cameras = self._doors.config.cameras
        return self._doors.fence.granted(cameras, self._clock.now_s()) != self._granted

    def obey_grants(self) -> None:
        """Open the streams that were granted, close those that are no more. What ends says so as
        long as it may.
        """
        before = self._granted
        self.use_cameras(self._equipment)
        stopped = before - self._granted
        seats = self._doors.roster.seats()
        self._doors.publisher.end_lives(seat for seat in seats if seat.name in stopped)
        self._doors.fence.obeyed(self._granted)

    def given_up(self) -> frozenset[str]:
        return self._crew.given_up()

    def use_http(self, wanted: Equipment) -> None:
        self._doors.use_http(wanted.loaded.config.http)

    def use_sinks(self, wanted: Equipment) -> None:
        self._doors.use_sinks(wanted.loaded.config)

    def use_log(self, wanted: Equipment) -> None:
        self._doors.use_log(wanted.loaded.config.log)

    def use_model(self, wanted: Equipment) -> None:
        detector = wanted.model.detector
        self._equipment = wanted
        self._doors.metrics.use_model(detector.name, detector.buckets)
        self._crew.use_input(detector.input_spec)
        self._pipeline.use(_setup(wanted))
        self._doors.memory.note()

    def use_cameras(self, wanted: Equipment) -> None:
        config = self._doors.config = wanted.loaded.config
        self._doors.use_cameras(config)
        before = self._doors.roster.seats()
        self._granted = self._doors.fence.granted(config.cameras, self._clock.now_s())
        self._crew.use(
            _granted_alone(config.cameras, self._granted),
            score_threshold=config.model.score_threshold,
            again=self._crew.given_up(),
            seated=self._share_tiles,
        )
        seats = self._doors.roster.seats()
        self._doors.publisher.end_lives(set(before) - set(seats))
        full = [seat for seat in seats if seat.config.record.of_lives]
        self._doors.highlights.use(seats, full=full)
        self._doors.recorder.use(config.recordings, seats)
        self._doors.diary.use(config.recordings, config.cameras)

    def _share_tiles(self, seats: Collection[Seat]) -> None:
        self._budget.use(seats, self._equipment.model.detector.buckets[-1])

    def model(self) -> ModelReport:
        """The detector that runs. Any thread, like the two below."""
        model = self._equipment.model
        detector = model.detector
        return ModelReport(
            detector.name,
            detector.precision,
            detector.labels,
            detector.weights_sha256,
            model.loaded_ns,
            model.warmup_s,
            self._pipeline.max_batch(),
            detector.trace_count - model.traces,
            self._pipeline.occupancy.pace(),
        )

    def waiting(self) -> int:
        """Frames in their slots."""
        return len(self._slots)

    def stuck(self) -> str | None:
        """Why no progress is made, None while it is."""
        busy_s = self._pipeline.occupancy.busy_for_s(self._clock.now_s())
        if busy_s > STUCK_S:
            return f"the detector has been busy with one batch for {busy_s:.0f} s"
        dead = [] if self._draining else self._pipeline.dead_threads()
        return f"thread {dead[0]} has died" if dead else None

    def _tighten(self) -> None:
        self._bound.tighten(len(self._doors.config.cameras))

    def _open_worker(self, seat: Seat, slot: Slot, input_spec: InputSpec) -> Worker:
        return CameraWorker(
            seat,
            input_spec=input_spec,
            slot=slot,
            clock=self._clock,
            open_source=self._open_source,
        )


def _granted_alone(
    cameras: Mapping[str, CameraConfig], granted: frozenset[str]
) -> Mapping[str, CameraConfig]:
    """The cameras, those without a grant switched off."""
    return {
        name: camera if name in granted else camera.model_copy(update={"enabled": False})
        for name, camera in cameras.items()
    }


def _setup(equipment: Equipment) -> PipelineSetup:
    batching = equipment.loaded.config.batching
    return PipelineSetup(
        equipment.model.detector,
        max_delay_s=batching.max_delay_ms / 1e3,
        max_age_s=batching.max_age_ms / 1e3,
        max_detections=equipment.loaded.config.model.max_detections,
    )
