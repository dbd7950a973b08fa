"""Addresses of the configuration: stream URLs, the ZeroMQ endpoint, the HTTP listener.

A URL never carries a user or password; `redacted` is for text that came from elsewhere.
The validators' messages never repeat what was written.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import SplitResult, quote, unquote, urlsplit

from pydantic import AfterValidator, ValidationInfo, WithJsonSchema

from config.hints import did_you_mean
from config.paths import absolute
from config.rtsp_urls import split_zone, without_places
from config.synthetic import parse_synthetic

RTSP_SCHEMES = ("rtsp", "rtsps")
HTTP_SCHEMES = ("http", "https")
NETWORK_SCHEMES = RTSP_SCHEMES + HTTP_SCHEMES
LIVE_SCHEMES = (*NETWORK_SCHEMES, "v4l2")
SCHEMES = (*NETWORK_SCHEMES, "file", "v4l2", "synthetic")
USUAL_PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}

_SECRET_PARAMETER = re.compile(
    r"(?i)(?:^|(?<=[/?&;_]))(usr|user|username|pass|password|passwd|pwd|token)=([^&;/\s]*)"
)
_USERINFO = re.compile(r"(:/{1,2})\S*@")  # one stroke: a URL that went through a Path
_ENCODED_CONTROL = re.compile(r"(?i)%(?:[01][0-9a-f]|7f)")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?\.?")
_METADATA_HOSTS = {
    "169.254.169.254",
    "100.100.100.200",
    "fd00:ec2::254",
    "metadata.google.internal",
}
_SOCKET_PATH_BYTES = 107  # sun_path, without its closing zero
_WAY_OUT = "keep them in a credential and write `credential: NAME`"

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


def scheme_of(url: str) -> str:
    """rtsp, rtsps, http, https, file, v4l2 or synthetic, for a URL that was validated."""
    return url.partition(":")[0]


def local_path(url: str) -> Path:
    """The path that a validated `file:` or `v4l2:` URL names."""
    return Path(unquote(urlsplit(url).path))


def host_of(url: str) -> str:
    """The host that a validated URL names; empty for those that name none."""
    return urlsplit(split_zone(url)[0]).hostname or ""


def split_host_port(text: str) -> tuple[str, int]:
    """Host (without the brackets of IPv6) and port 1..65535 of `host:port`; raises ValueError."""
    host, colon, port = text.rpartition(":")
    if not colon:
        raise ValueError("needs host:port, as in 127.0.0.1:9464")
    if not re.fullmatch(r"[0-9]{1,5}", port) or not 1 <= int(port) <= 65535:
        raise ValueError("needs a port between 1 and 65535")
    return _checked_host(host), int(port)


def tcp_address(endpoint: str) -> tuple[str, int] | None:
    """Host and port of a validated `tcp:` endpoint, where the host may be `*`; None for `ipc:`."""
    if not endpoint.startswith("tcp:"):
        return None
    host, _, port = endpoint.removeprefix("tcp://").rpartition(":")
    return host.strip("[]"), int(port)


def is_inside(endpoint: str) -> bool:
    """What is said at this ZeroMQ endpoint stays on the machine."""
    address = tcp_address(endpoint)
    return address is None or is_loopback(address[0])


def is_loopback(host: str) -> bool:
    """Only this machine can reach it. A name other than localhost counts as reachable."""
    address = _address(host)
    return host.lower() == "localhost" if address is None else address.is_loopback


def is_metadata_host(host: str) -> bool:
    """Where clouds tell a machine its secrets."""
    address = _reached(host)
    return (host.lower().removesuffix(".") if address is None else str(address)) in _METADATA_HOSTS


def is_link_local(host: str) -> bool:
    """An address that a machine gives itself, good for one cable only."""
    address = _reached(host)
    return address is not None and address.is_link_local


def redacted(url: str) -> str:
    """`url`, or a text that holds one, without userinfo and without values of secret parameters."""
    return _SECRET_PARAMETER.sub(r"\1=***", _USERINFO.sub(r"\1***@", url))


def _checked_stream_url(url: str, info: ValidationInfo) -> str:
    _refuse_odd_characters(url)
    scheme, colon, _ = url.partition(":")
    check = _CHECKS.get(scheme)
    if not colon or check is None:
        hint = did_you_mean(scheme if colon else None, SCHEMES)
        msg = f"must begin with the scheme of a camera{hint}"
        raise ValueError(msg)
    try:
        parts = urlsplit(split_zone(url)[0])
    except ValueError:  # its message repeats the host
        raise ValueError("is not a valid URL") from None
    return check(url, parts, info)


def _refuse_odd_characters(text: str) -> None:
    if any(char.isspace() or not char.isprintable() for char in text):
        raise ValueError("must not hold spaces, line breaks or control characters (write %20)")
    if _ENCODED_CONTROL.search(text):
        raise ValueError("must not hold encoded control characters such as %00")


def _checked_network(url: str, parts: SplitResult, _: ValidationInfo) -> str:
    if "@" in url:
        msg = f"must not hold a user or password: {_WAY_OUT} (an @ in a path is %40)"
        raise ValueError(msg)
    if _SECRET_PARAMETER.search(unquote(without_places(url.partition("//")[2]))):
        msg = (
            f"must not hold a user, password or token parameter: {_WAY_OUT}, and {{user}} and"
            " {password} where they belong in the URL"
        )
        raise ValueError(msg)
    if not url.isascii():
        raise ValueError("must be ASCII (percent-encode other characters)")
    if not parts.netloc:
        port = "" if parts.scheme in HTTP_SCHEMES else ":554"
        msg = f"needs a host, as in {parts.scheme}://10.0.0.5{port}/stream"
        raise ValueError(msg)
    if parts.fragment:
        raise ValueError("must not hold a # (write %23)")
    with_port = ":" in parts.netloc.rpartition("]")[2]
    host = split_host_port(parts.netloc)[0] if with_port else _checked_host(parts.netloc)
    if is_metadata_host(host):
        raise ValueError("must not name a cloud metadata address")
    return url


def _checked_file(_: str, parts: SplitResult, info: ValidationInfo) -> str:
    if parts.netloc not in ("", "localhost"):
        raise ValueError("must be file:///absolute/path or file:relative/path")
    if parts.query or parts.fragment:
        raise ValueError("must not hold ? or # (write %3F or %23)")
    path = unquote(parts.path)
    if not path.strip("/"):
        raise ValueError("needs a path, as in file:///var/lib/street.mp4")
    whole = absolute(Path(path), info)
    return f"file://{quote(str(whole))}" if whole.is_absolute() else f"file:{quote(path)}"


def _checked_v4l2(url: str, parts: SplitResult, _: ValidationInfo) -> str:
    path = unquote(parts.path)
    outside = ".." in path.split("/") or not re.match(r"/dev/[^/]", path)
    if parts.netloc or parts.query or parts.fragment or outside:
        raise ValueError("must name a device below /dev, as in v4l2:///dev/video0")
    return url


def _checked_synthetic(url: str, _: SplitResult, __: ValidationInfo) -> str:
    parse_synthetic(url)
    return url


_CHECKS: dict[str, Callable[[str, SplitResult, ValidationInfo], str]] = {
    **dict.fromkeys(NETWORK_SCHEMES, _checked_network),
    "file": _checked_file,
    "v4l2": _checked_v4l2,
    "synthetic": _checked_synthetic,
}


def _checked_endpoint(endpoint: str, info: ValidationInfo) -> str:
    _refuse_odd_characters(endpoint)
    scheme, separator, rest = endpoint.partition("://")
    if scheme == "tcp" and separator:
        host, colon, port = rest.rpartition(":")
        split_host_port(f"0.0.0.0:{port}" if host == "*" and colon else rest)
        return endpoint
    if scheme == "ipc" and separator and rest.strip("/@"):
        path = str(absolute(Path(rest), info))
        if len(path.encode()) > _SOCKET_PATH_BYTES:
            msg = f"must not be longer than {_SOCKET_PATH_BYTES} bytes, folder included"
            raise ValueError(msg)
        return f"ipc://{path}"
    raise ValueError("must be tcp://host:port or ipc://path")


def _checked_host_port(text: str) -> str:
    _refuse_odd_characters(text)
    split_host_port(text)
    return text


def _checked_host(host: str) -> str:
    bare = host.removeprefix("[").removesuffix("]")
    address = _address(bare)
    if host.startswith("["):
        valid = host.endswith("]") and isinstance(address, ipaddress.IPv6Address)
    else:
        valid = _HOST.fullmatch(host) is not None
    if not valid:
        raise ValueError("needs a host name or address (IPv6 in [brackets])")
    return bare


def _address(host: str) -> IPAddress | None:
    """The address that resolvers make of a literal; they also take 0xa9fea9fe and 127.1."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host.removesuffix(".")))
    except OSError:
        return None


def _reached(host: str) -> IPAddress | None:
    """The address that packets for a literal go to: that of IPv4 where it is written as IPv6."""
    address = _address(host)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _schema(pattern: str, **more: Any) -> WithJsonSchema:
    # An editor does not expand ${NAME}, so it must let it pass.
    return WithJsonSchema({"type": "string", "pattern": rf"{pattern}|\$\{{", **more})


StreamUrl = Annotated[
    str, AfterValidator(_checked_stream_url), _schema(rf"^({'|'.join(SCHEMES)}):")
]
ZmqEndpoint = Annotated[
    str, AfterValidator(_checked_endpoint), _schema(r"^(tcp://.+:[0-9]{1,5}$|ipc://.)")
]
HostPort = Annotated[str, AfterValidator(_checked_host_port), _schema(r"^.+:[0-9]{1,5}$")]
