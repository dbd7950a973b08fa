"""Where a camera is: its URL apart, and where a redirect may lead."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from config.rtsp_urls import split_zone
from config.urls import RTSP_SCHEMES, USUAL_PORTS
from daemon.capture.errors import CaptureError, Cause
from daemon.capture.peer import leads_home


@dataclass(frozen=True, slots=True)
class Place:
    """One RTSP URL without userinfo. What is asked for may hold a password: it is never shown."""

    secured: bool
    host: str
    port: int
    url: str = field(repr=False)  # as the camera is asked, without the zone of an address

    @classmethod
    def of(cls, url: str) -> Place:
        """Raises ValueError, whose text may hold the URL."""
        plain, zone = split_zone(url)
        parts = urlsplit(plain)
        parts = parts._replace(netloc=parts.netloc.rpartition("@")[2])
        return cls(
            secured=parts.scheme == "rtsps",
            host=f"{parts.hostname or ''}{zone}",
            port=parts.port or USUAL_PORTS[parts.scheme],
            url=parts.geturl(),
        )

    def followed(self, location: str, address: str) -> Place:
        """Where a redirect leads. A camera may call itself by its name or by its address, and may
        ask for TLS; raises CaptureError(redirected) for anything else.
        """
        try:
            parts = urlsplit(location)
            new = Place.of(location) if parts.scheme in RTSP_SCHEMES else None
        except ValueError:
            new = None
        if new is not None and not leads_home(new.host, self.host, address):
            raise CaptureError(Cause.REDIRECTED, "to another host")
        if new is None or (self.secured and not new.secured):
            raise CaptureError(Cause.REDIRECTED, "to an open connection, or none of RTSP")
        return new
