"""Rules that look across sections, or at who wrote a value: a camera itself or `defaults`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from urllib.parse import urlsplit

from config.camera import CameraConfig
from config.errors import KeyPath, path_text
from config.hints import did_you_mean
from config.looking import LEAST_CROP
from config.provenance import Provenance
from config.rtsp_urls import split_zone
from config.schema import BatchingConfig, HttpConfig, ModelConfig, ZeromqConfig
from config.urls import (
    LIVE_SCHEMES,
    NETWORK_SCHEMES,
    RTSP_SCHEMES,
    USUAL_PORTS,
    scheme_of,
    split_host_port,
    tcp_address,
)
from config.webhook import WebhookConfig
from config.zones import LineConfig, ZoneConfig

Breach = tuple[KeyPath, str]

ONLY_FOR = {
    "credential": NETWORK_SCHEMES,
    "transport": RTSP_SCHEMES,
    "tls_ca": ("rtsps", "https"),
    "file": ("file",),
    "v4l2": ("v4l2",),
}


def named(schemes: Sequence[str]) -> str:
    """As in `rtsp:, http: and https:`."""
    *others, last = (f"{scheme}:" for scheme in schemes)
    return f"{', '.join(others)} and {last}" if others else last


def camera_breaches(cameras: Mapping[str, CameraConfig], source: Provenance) -> Iterator[Breach]:
    """Rules of one camera and between cameras."""
    yield from _shared_streams(cameras, source)
    for name, camera in cameras.items():
        yield from _misplaced_options(name, camera, source)
        yield from _idle_filters(name, camera, source)
        yield from _idle_recording(name, camera, source)
        yield from _idle_places(name, camera, source)
        yield from _impossible_crop(name, camera)


def tile_breaches(
    cameras: Mapping[str, CameraConfig], model: ModelConfig, batching: BatchingConfig
) -> Iterator[Breach]:
    """Tiles for a model that cannot use them."""
    for name, camera in cameras.items():
        tiles, base = camera.detect.tiles, ("cameras", name, "detect", "tiles")
        if tiles is None:
            continue
        side = model.input_size
        if side is not None and tiles.size is not None and tiles.size < side:
            yield (
                (*base, "size"),
                f"is smaller than model.input_size ({side}): such a tile would only be blown up",
            )
        least = 2 + tiles.full
        if batching.max_batch < least:
            yield base, f"needs batching.max_batch of {least} or more: tiles run in one batch"


def port_breaches(
    zeromq: ZeromqConfig | None, http: HttpConfig, source: Provenance
) -> Iterator[Breach]:
    """ZeroMQ and HTTP cannot listen on one port."""
    address = tcp_address(zeromq.listens) if zeromq and zeromq.listens else None
    if not address or address[1] != split_host_port(http.listen)[1]:
        return
    if source.written_by(("http", "listen")):
        yield ("http", "listen"), "is the port that sinks.zeromq.bind takes"
    else:
        yield ("sinks", "zeromq", "bind"), "is the port that http.listen takes"


def webhook_breaches(
    hooks: Mapping[str, WebhookConfig], cameras: Mapping[str, CameraConfig]
) -> Iterator[Breach]:
    """Rules of webhooks that nothing can ever pass."""
    for hook, config in hooks.items():
        for n, rule in enumerate(config.rules):
            base: KeyPath = ("sinks", "webhook", hook, "rules", n)
            for m, name in enumerate(rule.cameras or ()):
                if name not in cameras:
                    yield (*base, "cameras", m), f"no camera has this name{_near(name, cameras)}"
            of = {name: cameras[name] for name in rule.cameras or cameras if name in cameras}
            zones = {zone for camera in of.values() for zone in camera.zones}
            for m, zone in enumerate(rule.zones or ()):
                if zone not in zones:
                    yield (*base, "zones", m), f"no camera of the rule has it{_near(zone, zones)}"
            if of and not any(camera.tracking.enabled for camera in of.values()):
                yield base, "needs tracking: say tracking: {enabled: true} for its cameras"


def _near(name: str, known: Iterable[str]) -> str:
    return did_you_mean(name, sorted(known))


def _shared_streams(cameras: Mapping[str, CameraConfig], source: Provenance) -> Iterator[Breach]:
    first: dict[str, str] = {}
    for name, camera in cameras.items():
        if not camera.enabled or scheme_of(camera.url) not in LIVE_SCHEMES:
            continue
        owner = first.setdefault(_stream(camera.url), name)
        if owner != name:
            line, _column = source.document.locate(("cameras", owner, "url"))
            shown = path_text(("cameras", owner))
            yield ("cameras", name, "url"), f"is the stream of {shown} too (line {line})"


def _stream(url: str) -> str:
    """What two URLs of one stream have in common."""
    plain, zone = split_zone(url)
    parts = urlsplit(plain)
    port = USUAL_PORTS.get(parts.scheme)
    host = parts.netloc.lower()
    return parts._replace(netloc=host.removesuffix(f":{port}") if port else host).geturl() + zone


def _misplaced_options(name: str, camera: CameraConfig, source: Provenance) -> Iterator[Breach]:
    scheme = scheme_of(camera.url)
    for field, schemes in ONLY_FOR.items():
        path: KeyPath = ("cameras", name, field)
        written = source.written_by(path) and getattr(camera, field) is not None
        if written and scheme not in schemes:
            yield path, f"is for {named(schemes)} URLs; this camera has a {scheme}: URL"


def _idle_filters(name: str, camera: CameraConfig, source: Provenance) -> Iterator[Breach]:
    reported = camera.objects.labels
    for label in camera.objects.filters:
        path: KeyPath = ("cameras", name, "objects", "filters", label)
        if reported is not None and label not in reported and source.written_by(path):
            yield path, "filters a label that objects.labels leaves out"


def _idle_recording(name: str, camera: CameraConfig, source: Provenance) -> Iterator[Breach]:
    base: KeyPath = ("cameras", name, "record")
    switches = [(*base, switch) for switch in ("snapshots", "clips")]
    told = any(
        source.written_by(path) or source.written_by(source.origin(path)) for path in switches
    )
    if source.written_by(base) and not told:
        yield base, "records nothing: say snapshots: true, or clips: true"
    reported = camera.objects.labels
    for n, label in enumerate(camera.record.on or ()):
        if reported is not None and label not in reported and source.written_by((*base, "on")):
            yield (*base, "on", n), "is a label that objects.labels leaves out"


def _impossible_crop(name: str, camera: CameraConfig) -> Iterator[Breach]:
    """A crop to a region that is none, or is smaller than a crop may be."""
    if camera.detect.crop != "roi":
        return
    roi, place = camera.detect.roi, ("cameras", name, "detect", "crop")
    if roi is None:
        yield place, "needs detect.roi: draw one, or give the rectangle as [x1, y1, x2, y2]"
        return
    if any(max(along) - min(along) < LEAST_CROP for along in zip(*roi, strict=True)):
        yield place, f"needs a detect.roi of at least {LEAST_CROP:g} of each side of the picture"


def _idle_places(name: str, camera: CameraConfig, source: Provenance) -> Iterator[Breach]:
    """Zones and lines that nothing can ever enter or cross."""
    reported = camera.objects.labels
    kinds: tuple[tuple[str, Mapping[str, ZoneConfig | LineConfig]], ...] = (
        ("zones", camera.zones),
        ("lines", camera.lines),
    )
    for kind, places in kinds:
        if places and not camera.tracking.enabled:
            yield ("cameras", name, kind), "need tracking: say tracking: {enabled: true}"
        for place, given in places.items():
            base: KeyPath = ("cameras", name, kind, place)
            for n, label in enumerate(given.labels or ()):
                if reported is not None and label not in reported:
                    yield (*base, "labels", n), "is a label that objects.labels leaves out"
            counted = given.labels or reported
            for label in given.filters:
                if counted is not None and label not in counted:
                    yield (
                        (*base, "filters", label),
                        f"filters a label that the {kind[:-1]} leaves out",
                    )
