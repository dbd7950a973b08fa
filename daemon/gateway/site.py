"""What a gateway answers over HTTP: health, metrics, and who holds which camera. HTTP thread."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.metadata import version

from prometheus_client import CollectorRegistry
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from config.schema import NODE_NAME
from daemon.clock import Clock
from daemon.gateway.fence import Holder
from daemon.gateway.islands import Islands
from daemon.gateway.relay import Relay
from daemon.http import scraping
from daemon.http.errors import ApiError
from daemon.http.shell import static_files

SETTLE_S = 3.0  # after the start: by then every node that lives has sent a heartbeat
STUCK_S = 5.0  # without a turn of the relay
MOST_ASKED = 1000  # cameras in one question


class GatewaySite:
    """The routes; `registry` is what /metrics shows."""

    def __init__(
        self, relay: Relay, islands: Islands, clock: Clock, registry: CollectorRegistry
    ) -> None:
        self._relay = relay
        self._islands = islands
        self._clock = clock
        self._scraper = scraping.Scraper(registry)
        self._started_s = clock.now_s()

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/healthz", self._healthz),
            Route("/metrics", self._metrics),
            Route("/api/v1/grants", self._grants),
            Route("/api/v1/status", self._status),
            static_files(),
        ]

    def stuck(self) -> str | None:
        """Why nothing is passed on, where that is so. Any thread."""
        idle_s = self._clock.now_s() - self._relay.turned_s
        return None if idle_s < STUCK_S else f"the relay has not turned for {idle_s:.0f} s"

    @property
    def settled(self) -> bool:
        """Whether it would know of a newer grant by now."""
        return self._clock.now_s() - self._started_s >= SETTLE_S

    async def _healthz(self, _: Request) -> Response:
        reason = self.stuck()
        if reason is None:
            return JSONResponse({"status": "ok"})
        return JSONResponse({"status": "stuck", "reason": reason}, 503)

    async def _metrics(self, _: Request) -> Response:
        return Response(await self._scraper.page(), headers={"content-type": scraping.MEDIA_TYPE})

    async def _grants(self, request: Request) -> Response:
        asked = request.query_params.getlist("camera")
        if len(asked) > MOST_ASKED:
            raise ApiError(400, "bad_query", f"at most {MOST_ASKED} cameras in one question")
        island = request.query_params.get("island")
        if island is not None:
            if not re.fullmatch(NODE_NAME, island):
                raise ApiError(400, "bad_query", "island must be the name of a node")
            self._islands.note(island, self._clock.now_s())
        holders = self._relay.holders()
        if asked:
            holders = {camera: holders[camera] for camera in asked if camera in holders}
        return JSONResponse({"settled": self.settled, "grants": self._grants_json(holders)})

    async def _status(self, _: Request) -> Response:
        report, now_s = self._relay.report(), self._clock.now_s()
        return JSONResponse(
            {
                "version": version("vedette"),
                "uptime_s": round(now_s - self._started_s, 3),
                "settled": self.settled,
                "nodes": sorted(report.nodes),
                "islands": sorted(self._islands.names(now_s)),
                "cameras": report.cameras,
                "passed": dict(report.passed),
                "refused": dict(report.refused),
                "late": dict(report.late),
                "connections": [
                    {
                        "listener": present.listener,
                        "connections": present.connections,
                        "limit": present.limit,
                        "closed": dict(present.closed),
                    }
                    for present in report.attendances
                ],
            }
        )

    def _grants_json(self, holders: Mapping[str, Holder]) -> dict[str, object]:
        now_s = self._clock.now_s()
        return {
            camera: {
                "grant": holder.grant,
                "node": holder.node,
                "age_s": None if holder.at_s is None else round(now_s - holder.at_s, 3),
            }
            for camera, holder in sorted(holders.items())
        }
