"""Pages, pictures and facts of a node's daemon, under the fleet's address. Event loop.

Only daemons of the fleet's nodes are asked, and only to read: the way to a node is its name or
that of a camera which it has, and what it is called in the network comes from the Director.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from daemon.fleet.site.courier import Answer, UnreachableError, fetch
from daemon.fleet.view import FleetView, NodeState, NodeView
from daemon.http.errors import ApiError
from daemon.http.streaming import PeerLeftError, peer_leaves

MOST = 128  # answers at a time
MOST_OF_NODE = 48  # so that one that hangs leaves room for the others

_ASKED = ("accept", "accept-language", "range", "if-range", "if-none-match", "if-modified-since")
_ANSWERED = (
    b"content-type",
    b"content-length",
    b"content-range",
    b"content-disposition",
    b"accept-ranges",
    b"cache-control",
    b"etag",
    b"last-modified",
    b"retry-after",
    b"x-accel-buffering",
    b"x-picture-age-seconds",
)
_PLAIN = "/:@!$&'()*+,;=~-._"  # of a path, what is not written as %XX


class Proxy:
    """`view` gives the newest view, at once; `token` the access token of the nodes' daemons."""

    def __init__(
        self, view: Callable[[], FleetView], token: Callable[[], str | None] = lambda: None
    ) -> None:
        self._view = view
        self._token = token
        self._running: Counter[str] = Counter()

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/fleet/at/{camera}/{rest:path}", self._at_camera),
            Route("/fleet/node/{node}/{rest:path}", self._at_node),
        ]

    async def _at_camera(self, request: Request) -> Response:
        """What the daemon says that has this camera now, wherever it was before."""
        name = request.path_params["camera"]
        view = self._view()
        camera = next((camera for camera in view.cameras if camera.name == name), None)
        if camera is None:
            raise ApiError(404, "unknown_camera", "the fleet has no camera of this name")
        node = next((node for node in view.nodes if node.name == camera.node), None)
        if node is None:
            why = camera.reason or f"it is {camera.placement}"
            raise ApiError(503, "no_node", f"no server has this camera now: {why}", headers=_SOON)
        return self._forwarded(request, node, f"/fleet/at/{name}")

    async def _at_node(self, request: Request) -> Response:
        name = request.path_params["node"]
        node = next((node for node in self._view().nodes if node.name == name), None)
        if node is None:
            raise ApiError(404, "unknown_node", "the fleet has no server of this name")
        return self._forwarded(request, node, f"/fleet/node/{name}")

    def _forwarded(self, request: Request, node: NodeView, place: str) -> Response:
        if node.state is NodeState.LOST:
            detail = f"server {node.name} is lost: {node.reason or 'it does not answer'}"
            raise ApiError(503, "node_lost", detail, headers=_SOON)
        target = "/" + quote(request.path_params["rest"], safe=_PLAIN)
        if query := request.scope["query_string"].decode("ascii", "ignore"):
            target += f"?{query}"
        prefix = request.scope.get("root_path", "") + place
        headers = [(b"x-forwarded-prefix", prefix.encode())]
        if token := self._token():
            headers.append((b"authorization", f"Bearer {token}".encode()))
        given = Headers(scope=request.scope)
        headers += [(key.encode(), given[key].encode()) for key in _ASKED if key in given]
        return _Forwarded(self, node, target.encode(), headers)

    @contextmanager
    def place(self, node: str) -> Iterator[None]:
        """Hold one of the bounded places. Raises ApiError where none is left."""
        if self._running.total() >= MOST or self._running[node] >= MOST_OF_NODE:
            detail = "too many answers are under way"
            raise ApiError(503, "too_many_answers", detail, headers=_SOON)
        self._running[node] += 1
        try:
            yield
        finally:
            self._running[node] -= 1
            if not self._running[node]:
                del self._running[node]


_SOON = {"retry-after": "2"}


class _Forwarded(Response):
    """The node's answer, sent on as it comes; ends with whoever leaves first."""

    def __init__(
        self, proxy: Proxy, node: NodeView, target: bytes, headers: list[tuple[bytes, bytes]]
    ) -> None:
        super().__init__()
        self._proxy = proxy
        self._node = node
        self._target = target
        self._asked = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal: ApiError | None = None
        with self._proxy.place(self._node.name):
            try:
                async with asyncio.TaskGroup() as group:
                    leaving = group.create_task(peer_leaves(receive))
                    try:
                        await self._pass_on(scope, send)
                    except ApiError as error:  # a group would wrap it up
                        refusal = error
                    leaving.cancel()
            except* PeerLeftError:
                pass
        if refusal is not None:
            raise refusal

    async def _pass_on(self, scope: Scope, send: Send) -> None:
        begun = False
        method = scope["method"]
        try:
            async with fetch(self._node.http, method, self._target, self._asked) as answer:
                head = {
                    "type": "http.response.start",
                    "status": answer.status,
                    "headers": _passed(answer, self._node),
                }
                begun = True
                await send(head)
                async for piece in answer.pieces:
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        except UnreachableError as error:
            if begun:
                return  # uvicorn ends the connection, so that nobody takes a part for the whole
            detail = f"server {self._node.name} does not answer: {error}"
            raise ApiError(502, "node_unreachable", detail, headers=_SOON) from None


def _passed(answer: Answer, node: NodeView) -> list[tuple[bytes, bytes]]:
    """Raises ApiError where the node does not know the fleet."""
    if answer.status == 401:
        detail = f"server {node.name} does not take the fleet's token; see fleet's documentation"
        raise ApiError(502, "node_refuses", detail)
    return [(key, value) for key, value in answer.headers if key in _ANSWERED]
