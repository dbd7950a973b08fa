"""One file over HTTP, in as many tries as it takes, going on where the last one stopped.

Nothing is believed: not the length, not that a part still belongs to the same file, not where a
redirection leads. What arrived is only as good as its SHA-256, which is the caller's to compare.
"""

from __future__ import annotations

import http.client
import json
import re
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from detector.weights.foreign.tensors import MAX_BYTES

_CHUNK_BYTES = 64 * 1024
_PASSING_STATUS = frozenset({408, 416, 429, 500, 502, 503, 504})
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+)")


class FetchError(Exception):
    """The file cannot be had, or not now; the message is one line."""


class _PassingError(Exception):
    """This try failed; another one may not."""


class Meter(Protocol):
    """Told of bytes as they come; a tqdm bar is one."""

    def reset(self, total: float | None = None) -> None: ...

    def update(self, n: float | None = 1) -> object: ...


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, and how often."""

    timeout_s: float = 30.0  # for a connection, and for the next bytes
    slowest_bytes_per_s: float = 8192.0  # on average over `timeout_s`; slower is given up
    tries: int = 5
    first_wait_s: float = 1.0  # doubled after every try
    wait: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True)
class _Part:
    """What is known of an unfinished file: which one it is, so that it can be gone on with."""

    url: str
    etag: str
    total: int


def download(url: str, path: Path, *, meter: Meter, patience: Patience | None = None) -> None:
    """Fill `path`; what an earlier call left there is made use of. Raises FetchError, OSError."""
    patience = patience or Patience()
    wait_s = patience.first_wait_s
    for attempt in range(1, patience.tries + 1):
        try:
            _attempt(url, path, meter, patience)
        except _PassingError as error:
            if attempt == patience.tries:
                msg = f"gave up after {attempt} tries: {error}"
                raise FetchError(msg) from None
            patience.wait(wait_s)
            wait_s *= 2
        else:
            return


def discard(path: Path) -> None:
    """Forget an unfinished or unwanted file."""
    path.unlink(missing_ok=True)
    _note(path).unlink(missing_ok=True)


def _note(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")


def _attempt(url: str, path: Path, meter: Meter, patience: Patience) -> None:
    part = _unfinished(url, path)
    held = path.stat().st_size if part else 0
    if part and held == part.total:
        return
    try:
        with _ask(url, part, held, patience.timeout_s) as response:
            held, part = _answered(response, url, part, held)
            if held == 0:
                discard(path)  # or its bytes would stand under the new note for a moment
            _note(path).write_text(json.dumps(asdict(part)))
            _receive(response, path, held, part.total, meter=meter, pace=_Pace(patience))
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416:  # what we hold is not a part of what they have
            discard(path)
        failure = _PassingError if error.code in _PASSING_STATUS else FetchError
        raise failure(_answer(error.code)) from None
    except urllib.error.URLError as error:
        lasting = isinstance(error.reason, ssl.SSLCertVerificationError)
        raise (FetchError if lasting else _PassingError)(_words(error.reason)) from None
    except (http.client.HTTPException, ConnectionError, TimeoutError, ssl.SSLError) as error:
        raise _PassingError(_words(error)) from None


def _unfinished(url: str, path: Path) -> _Part | None:
    """What an earlier try left, if it can be gone on with."""
    try:
        part = _Part(**json.loads(_note(path).read_bytes()))
        usable = part.url == url and part.etag and 0 < path.stat().st_size <= part.total
    except (OSError, ValueError, TypeError):
        return None
    return part if usable else None


def _ask(url: str, part: _Part | None, held: int, timeout_s: float) -> Any:
    headers = {"User-Agent": f"vedette/{version('vedette')}", "Accept-Encoding": "identity"}
    if part:
        headers |= {"Range": f"bytes={held}-", "If-Range": part.etag}
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 (`check_url` was here)
    opener = urllib.request.OpenerDirector()  # one that knows no file:, ftp: or data:
    for handler in (
        urllib.request.ProxyHandler,
        urllib.request.HTTPHandler,
        urllib.request.HTTPSHandler,
        urllib.request.HTTPDefaultErrorHandler,
        urllib.request.HTTPErrorProcessor,
        _Redirections,
    ):
        opener.add_handler(handler())
    return opener.open(request, timeout=timeout_s)


class _Redirections(urllib.request.HTTPRedirectHandler):
    """Follows a few, and none that changes the scheme for a weaker one."""

    max_redirections = 5

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        old, new = urlsplit(req.full_url).scheme, urlsplit(newurl).scheme
        if new not in (old, "https"):
            fp.close()
            text = f"the server redirects from {old} to {new}: refused"
            raise FetchError(text)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _answered(response: Any, url: str, part: _Part | None, held: int) -> tuple[int, _Part]:
    """From which byte on the answer is, and of which file."""
    length = response.headers.get("Content-Length", "")
    if not length.isdecimal() or response.headers.get("Content-Encoding", "identity") != "identity":
        raise FetchError("the server does not say how long the file is")
    start, total = 0, int(length)
    if response.status == 206:
        stated = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
        start, total = (int(stated[1]), int(stated[2])) if stated else (-1, 0)
        if part is None or (start, total, start + int(length)) != (held, part.total, total):
            raise FetchError("the server sent another part than it was asked for")
    if total > MAX_BYTES:
        msg = f"the file has {total} bytes, more than a weights file may have ({MAX_BYTES})"
        raise FetchError(msg)
    etag = response.headers.get("ETag", "")
    return start, _Part(url, "" if etag.startswith("W/") else etag, total)


class _Pace:
    """A server that sends a byte now and then would keep us for ever."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._since_s = time.monotonic()
        self._bytes = 0

    def keep(self, count: int) -> None:
        """Raises _PassingError."""
        self._bytes += count
        took_s = time.monotonic() - self._since_s
        if took_s < self._patience.timeout_s:
            return
        if self._bytes < self._patience.slowest_bytes_per_s * took_s:
            msg = f"{self._bytes} bytes in {took_s:.0f} s are too slow"
            raise _PassingError(msg)
        self._since_s, self._bytes = time.monotonic(), 0


def _receive(
    response: Any, path: Path, held: int, total: int, *, meter: Meter, pace: _Pace
) -> None:
    meter.reset(total)
    meter.update(held)
    with path.open("r+b" if held else "wb") as file:
        file.seek(held)
        while chunk := response.read1(_CHUNK_BYTES):
            file.write(chunk)
            meter.update(len(chunk))
            held += len(chunk)
            pace.keep(len(chunk))
    if held != total:
        msg = f"the answer ended after {held} of {total} bytes"
        raise _PassingError(msg)


def _answer(status: int) -> str:
    """Never what the server says of itself: that is text from anyone."""
    if 300 <= status < 400:
        return f"the server redirects in a circle, or to where none may lead ({status})"
    return f"the server answered {status} {http.client.responses.get(status, '')}".rstrip()


def _words(error: object) -> str:
    return " ".join(str(error).split()) or type(error).__name__
