"""Where a web address is: its URL apart, and where a redirect may lead. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from urllib.parse import urljoin, urlsplit

from config.rtsp_urls import split_zone
from config.urls import HTTP_SCHEMES, USUAL_PORTS
from daemon.capture.errors import CaptureError, Cause
from daemon.capture.peer import leads_home

_LONGEST = 8192
_PRINTABLE = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True)
class Place:
    """One web address. What is asked for may hold a password: it is never shown."""

    scheme: str
    host: str
    port: int
    authority: str  # as the Host header says it
    target: str = field(repr=False)

    @classmethod
    def of(cls, url: str) -> Place:
        """Raises ValueError, whose text may hold the URL."""
        if len(url) > _LONGEST or not _PRINTABLE.fullmatch(url):
            raise ValueError("no web address")
        plain, zone = split_zone(url)
        parts = urlsplit(plain)
        if parts.scheme not in HTTP_SCHEMES or not parts.hostname:
            raise ValueError("no web address")
        return cls(
            scheme=parts.scheme,
            host=f"{parts.hostname}{zone}",
            port=parts.port or USUAL_PORTS[parts.scheme],
            authority=parts.netloc.rpartition("@")[2],
            target=(parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
        )

    @property
    def url(self) -> str:
        """Never to be shown."""
        return f"{self.scheme}://{self.authority}{self.target}"

    @property
    def is_playlist(self) -> bool:
        """By its name."""
        return self.target.partition("?")[0].lower().endswith((".m3u8", ".m3u"))

    def followed(self, location: str, address: str) -> Place:
        """Where a redirect or a playlist leads, written from here on. A camera may call itself by
        its name or by its `address`, and may ask for TLS; raises CaptureError(redirected) for
        anything else.
        """
        try:
            new = Place.of(urljoin(self.url, location))
        except ValueError:
            new = None
        if new is None or (self.scheme == "https" and new.scheme != "https"):
            raise CaptureError(Cause.REDIRECTED, "to an open connection, or none of HTTP")
        if new.authority.lower() == self.authority.lower():
            return replace(new, host=self.host)  # with the zone of its address
        if not leads_home(new.host, self.host, address):
            raise CaptureError(Cause.REDIRECTED, "to another host")
        return new
