"""From the command line to the exit code of a gateway: what is opened, the tick, the end."""

from __future__ import annotations

import faulthandler
import logging
import os

from config.gateway import LoadedGateway
from config.urls import split_host_port
from daemon import signals
from daemon.clock import Clock
from daemon.descriptors import descriptor_limit, shares
from daemon.errors import ListenError
from daemon.exits import EXIT_FAILED, EXIT_OK
from daemon.gateway.fence import Fence
from daemon.gateway.islands import Islands
from daemon.gateway.metrics import GatewayCollector
from daemon.gateway.relay import Relay
from daemon.gateway.site import GatewaySite
from daemon.gateway.store import GrantStore, grants_file
from daemon.http.guarded import GuardedApp
from daemon.http.server import HttpServer
from daemon.metrics.families import registry_of
from daemon.notify import ServiceManager, ping_interval_s
from sinks.sink import SinkError

TICK_S = 1.0
STOP_S = 2.0

log = logging.getLogger(__name__)


def serve(loaded: LoadedGateway, clock: Clock) -> int:
    """Run until a signal; returns the exit code. Main thread only; signals are blocked already."""
    faulthandler.enable()
    gateway = Gateway(loaded, clock)
    try:
        gateway.open()
        gateway.work()
    except (SinkError, ListenError) as error:
        log.error("%s", error)  # noqa: TRY400 - expected: the line says it all
        return EXIT_FAILED
    finally:
        signals.let_stop_through()
        clean = gateway.close()
    if not clean:
        logging.shutdown()
        os._exit(EXIT_FAILED)
    return EXIT_OK


class Gateway:
    """`open`, `work` until a signal, `close`."""

    def __init__(self, loaded: LoadedGateway, clock: Clock) -> None:
        config = loaded.config
        share = shares(descriptor_limit())
        self._store = GrantStore(grants_file(config.grants))
        self._fence = Fence(self._store.load())
        self._relay = Relay(config, clock, self._fence, most_connections=share.zeromq)
        islands = Islands()
        collector = GatewayCollector(self._relay.report, lambda: len(islands.names(clock.now_s())))
        self._site = GatewaySite(self._relay, islands, clock, registry_of(collector))
        self._http = HttpServer(
            GuardedApp(self._site.routes(), config.http, clock, site="gateway"),
            *split_host_port(config.http.listen),
            most_connections=share.http,
        )
        self._manager = ServiceManager()
        self._config = config

    def open(self) -> None:
        """Bind everything. Raises SinkError and ListenError."""
        self._http.bind()
        self._relay.open()
        self._http.start()
        log.info(
            "listening publishers=%s subscribers=%s http=%s known_cameras=%d",
            self._relay.publishers_at,
            self._relay.subscribers_at,
            self._config.http.listen,
            len(self._fence),
        )

    def work(self) -> None:
        """Tick once a second until a signal to stop."""
        self._manager.tell("READY=1")
        ping = ping_interval_s(os.environ, os.getpid()) is not None
        while True:
            taken = signals.take(TICK_S)
            if taken == signals.RELOAD:
                self._read_token()
            elif taken is not None:
                log.info("stopping signal=%s", taken.name)
                return
            self._store.save(self._fence)
            if ping and self._site.stuck() is None:
                self._manager.tell("WATCHDOG=1")

    def close(self) -> bool:
        """False where a thread is still blocked."""
        self._manager.tell("STOPPING=1")
        relayed = self._relay.stop(STOP_S)
        self._store.save(self._fence)
        report = self._relay.report()
        log.info(
            "stopped passed=%d refused=%d",
            sum(report.passed.values()),
            sum(report.refused.values()),
        )
        return self._http.stop() and relayed

    def _read_token(self) -> None:
        """All that SIGHUP changes; keys of clients are taken up by themselves."""
        try:
            self._http.read_token()
            log.info("token read again")
        except ListenError as error:
            log.warning("token not read, the old one holds error=%s", error)
