"""The connection to a camera: what address it may lead to, and how it is secured."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

from config.urls import is_link_local, is_metadata_host
from daemon.capture.errors import CaptureError, Cause


@dataclass(frozen=True, slots=True)
class Trust:
    """Where a camera's name may lead, and whose certificates are taken.

    Without `authorities` any is taken: cameras sign their own, and many speak an old TLS.
    """

    link_local: bool = False
    authorities: Path | None = None


TRUSTING = Trust()


def leads_home(new_host: str, host: str, address: str) -> bool:
    """Whether a redirect stays on the camera, which may call itself by its name or its address."""
    return new_host.lower().removesuffix(".") in {host.lower().removesuffix("."), address.lower()}


def connect(host: str, port: int, timeout_s: float, *, scheme: str, trust: Trust) -> socket.socket:
    """A TCP connection, secured where `scheme` says so (rtsps, https); its timeout is that of the
    open. Raises CaptureError, and OSError, whose text may hold the host.
    """
    connection = socket.create_connection((host, port), timeout_s)
    try:
        address = connection.getpeername()[0].partition("%")[0]
        _check_address(address, link_local=trust.link_local)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not scheme.endswith("s"):
            return connection
        return _secured(connection, host, scheme, trust.authorities)
    except BaseException:
        connection.close()
        raise


def _check_address(address: str, *, link_local: bool) -> None:
    if is_metadata_host(address) or (is_link_local(address) and not link_local):
        raise CaptureError(Cause.REDIRECTED, "its name leads to a link-local address")


def _secured(
    connection: socket.socket, host: str, scheme: str, authorities: Path | None
) -> socket.socket:
    plain = scheme.removesuffix("s")
    try:
        return _context(authorities).wrap_socket(connection, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        wrong = {62: "it names another host", 10: "it has expired"}.get(error.verify_code)
        detail = wrong or "it is signed by none of tls_ca"
    except ssl.SSLError as error:
        if error.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"):
            detail = f"it does not speak TLS: write {plain}: in place of {scheme}:"
            raise CaptureError(Cause.PROTOCOL, detail) from None
        raise CaptureError(Cause.PROTOCOL, "the TLS handshake failed") from None
    except TimeoutError:
        detail = f"no answer to TLS: is this a port of {plain}:?"
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
