"""Who may subscribe: CURVE on a listening socket, with a folder of the public keys let in."""

from __future__ import annotations

import logging

import zmq
from zmq.auth.thread import ThreadAuthenticator

from config.schema import CurveConfig
from sinks.keys import PUBLIC_SUFFIX, KeyFileError, load_public, load_secret

DOMAIN = "vedette"

log = logging.getLogger(__name__)

_Listing = frozenset[tuple[str, int, int]]


class ClientList:
    """Answers ZeroMQ's question whether a key may come in, in a thread of its own.

    `start` before the socket binds; `refresh` now and then takes up keys that were added to or
    removed from the folder. A client that is connected stays so until it reconnects.
    """

    def __init__(self, config: CurveConfig, context: zmq.Context[zmq.Socket[bytes]]) -> None:
        self._folder = config.clients
        self._secret_key = config.secret_key
        self._authenticator = ThreadAuthenticator(context)
        self._listing: _Listing = frozenset()

    def start(self, socket: zmq.Socket[bytes]) -> None:
        """Make `socket` a CURVE server. Raises KeyFileError."""
        public, secret = load_secret(self._secret_key)
        self._load(self._list())
        self._authenticator.start()
        socket.curve_server = True
        socket.curve_publickey = public
        socket.curve_secretkey = secret
        socket.zap_domain = DOMAIN.encode()
        # Without this, libzmq lets every key in whenever nobody answers its question.
        socket.setsockopt(zmq.ZAP_ENFORCE_DOMAIN, 1)

    def refresh(self) -> None:
        """Read the folder again where it changed; keeps the old list where it cannot be read."""
        try:
            listing = self._list()
            if listing != self._listing:
                self._load(listing)
                log.info("client keys loaded clients=%d", len(listing))
        except KeyFileError as error:
            log.warning("client keys not loaded error=%s", error)

    def stop(self) -> None:
        if self._authenticator.is_alive():
            self._authenticator.stop()

    def _list(self) -> _Listing:
        try:
            found = [
                (path.name, path.stat())
                for path in self._folder.iterdir()
                if path.suffix == PUBLIC_SUFFIX
            ]
        except OSError as error:
            msg = f"{self._folder} cannot be read: {error.strerror}"
            raise KeyFileError(msg) from error
        return frozenset((name, status.st_mtime_ns, status.st_size) for name, status in found)

    def _load(self, listing: _Listing) -> None:
        self._listing = listing  # first: a bad file is complained about once, not every time
        for name, _, _ in listing:
            load_public(self._folder / name)
        self._authenticator.configure_curve(domain=DOMAIN, location=self._folder)
