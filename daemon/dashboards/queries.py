"""PromQL in the words of docs/metrics.md."""

from __future__ import annotations

from dataclasses import dataclass

from daemon.books.accounting import ON_PURPOSE
from daemon.books.states import CameraState

WINDOW = "$__rate_interval"  # Grafana's: at least four scrapes
BY_CAMERA = "instance, camera"
CAP = f'reason=~"{"|".join(ON_PURPOSE)}"'  # left out on purpose: not a loss
LOST = f'reason!~"{"|".join(ON_PURPOSE)}"'
IDLE = f'state=~"{"|".join(state for state in CameraState if not state.is_wanted)}"'
STATE_CODES = {state: code for code, state in enumerate(CameraState, 1)}


@dataclass(frozen=True, slots=True)
class Query:
    """One query of a panel; `legend` may hold {{label}}."""

    expr: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Scope:
    """The matchers that every series of a dashboard carries, and the expressions over them."""

    matchers: str

    def of(self, name: str, *more: str) -> str:
        return f"{name}{{{', '.join((self.matchers, *more))}}}"

    def rate(self, name: str, *more: str) -> str:
        return f"rate({self.of(name, *more)}[{WINDOW}])"

    def increase(self, name: str, *more: str) -> str:
        return f"increase({self.of(name, *more)}[{WINDOW}])"

    def quantile(self, q: float, histogram: str, by: str = "") -> str:
        labels = ", ".join(filter(None, ("le", by)))
        return f"histogram_quantile({q}, sum by ({labels}) ({self.rate(f'{histogram}_bucket')}))"

    def mean(self, histogram: str) -> str:
        return f"sum({self.rate(f'{histogram}_sum')}) / sum({self.rate(f'{histogram}_count')})"

    def offered(self, by: str = "") -> str:
        """Frames per second that detect.fps let through."""
        captured = total(self.rate("vedette_capture_frames_total"), by)
        return f"{captured} - {total(self.rate('vedette_frames_dropped_total', CAP), by)}"

    def target_fps(self) -> str:
        """Per camera that is wanted: detect.fps, or what the stream announces if less."""
        target = self.of("vedette_camera_target_fps")
        idle = self.of("vedette_camera_state", IDLE)
        least = f"({self.of('vedette_camera_nominal_fps')} < {target} or {target})"
        return f"({least} unless ignoring (state) {idle} == 1)"

    def unaccounted(self, by: str = BY_CAMERA) -> str:
        """Captured − processed − dropped − in flight: frames without a fate, always 0."""
        names = (
            "vedette_capture_frames_total",
            "vedette_frames_processed_total",
            "vedette_frames_dropped_total",
            "vedette_frames_in_flight",
        )
        return " - ".join(total(self.of(name), by) for name in names)

    def state_code(self) -> str:
        """Per camera the number that STATE_CODES gives its state."""
        one_hot = "vedette_camera_state"
        coded = [
            f"{code} * " + self.of(one_hot, f'state="{state}"')
            for state, code in STATE_CODES.items()
        ]
        return total(" or ".join(coded), BY_CAMERA)


def total(expr: str, by: str = "") -> str:
    return f"sum by ({by}) ({expr})" if by else f"sum({expr})"
