"""Where a camera is: its URL apart, and the connection to it."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import SupportsFloat
from urllib.parse import urlsplit

from config.rtsp_urls import split_zone
from config.urls import is_link_local, is_metadata_host
from daemon.capture.errors import CaptureError, Cause

_PORTS = {"rtsp": 554, "rtsps": 322}


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
            port=parts.port or _PORTS[parts.scheme],
            url=parts.geturl(),
        )

    def followed(self, location: str, address: str) -> Place:
        """Where a redirect leads. A camera may call itself by its name or by its address, and may
        ask for TLS; raises CaptureError(redirected) for anything else.
        """
        try:
            parts = urlsplit(location)
            new = Place.of(location) if parts.scheme in _PORTS else None
        except ValueError:
            new = None
        hosts = {self.host.lower().removesuffix("."), address.lower()}
        if new is not None and new.host.lower().removesuffix(".") not in hosts:
            raise CaptureError(Cause.REDIRECTED, "to another host")
        if new is None or (self.secured and not new.secured):
            raise CaptureError(Cause.REDIRECTED, "to an open connection, or none of RTSP")
        return new


def connect(
    place: Place, remaining_s: SupportsFloat, *, link_local: bool, authorities: Path | None
) -> socket.socket:
    """Raises CaptureError, and OSError, whose text may hold the host.

    Without `authorities` any certificate is taken: cameras sign their own, and many speak an old
    TLS.
    """
    connection = socket.create_connection((place.host, place.port), float(remaining_s))
    try:
        _check_address(connection.getpeername()[0].partition("%")[0], link_local=link_local)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return _secured(connection, place, authorities) if place.secured else connection
    except BaseException:
        connection.close()
        raise


def _check_address(address: str, *, link_local: bool) -> None:
    if is_metadata_host(address) or (is_link_local(address) and not link_local):
        raise CaptureError(Cause.REDIRECTED, "its name leads to a link-local address")


def _secured(connection: socket.socket, place: Place, authorities: Path | None) -> socket.socket:
    try:
        return _context(authorities).wrap_socket(connection, server_hostname=place.host)
    except ssl.SSLCertVerificationError as error:
        wrong = {62: "it names another host", 10: "it has expired"}.get(error.verify_code)
        detail = wrong or "it is signed by none of tls_ca"
    except ssl.SSLError as error:
        if error.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"):
            detail = "it does not speak TLS: write rtsp: in place of rtsps:"
            raise CaptureError(Cause.PROTOCOL, detail) from None
        raise CaptureError(Cause.PROTOCOL, "the TLS handshake failed") from None
    except TimeoutError:
        detail = "no answer to TLS: is this a port of rtsp:?"
        raise CaptureError(Cause.TIMEOUT, detail) from None
    raise CaptureError(Cause.CERTIFICATE, detail)


def _context(authorities: Path | None) -> ssl.SSLContext:
    if authorities is not None:
        try:
            return ssl.create_default_context(cafile=str(authorities))
        except (OSError, ssl.SSLError):
            raise CaptureError(Cause.CONFIG, "the file of tls_ca holds no certificates") from None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context
