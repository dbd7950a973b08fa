"""The HTTP application of a daemon, put together. It knows the daemon only by its `View`."""

from __future__ import annotations

import re

from daemon.http import editing, switching
from daemon.http.api import Api
from daemon.http.editing import Editing
from daemon.http.guarded import GuardedApp
from daemon.http.lives import ObjectLives
from daemon.http.pages import Pages
from daemon.http.recordings import Recordings
from daemon.http.switching import Switching
from daemon.http.view import View


class HttpApp(GuardedApp):
    """The ASGI application. `close` may be called from any thread; the rest is the server's."""

    def __init__(self, view: View) -> None:
        self._events = view.events
        self._pages = Pages(view)
        api = Api(view)
        super().__init__(
            [
                *api.routes(),
                *Recordings(view).routes(),
                *Editing(view).routes(),
                *Switching(view).routes(),
                *ObjectLives(view).routes(),
                *self._pages.routes(),
            ],
            view.http,
            view.clock,
            beside=api.sample,
            end=self._end_streams,
            writable=_writable(view),
        )

    def _end_streams(self) -> None:
        self._pages.close()
        self._events.close()


def _writable(view: View) -> dict[str, re.Pattern[str]]:
    """Which paths may be written, and by which method."""
    put = {"PUT": editing.WRITABLE} if view.editor is not None else {}
    post = {"POST": switching.WRITABLE} if view.switch is not None else {}
    return put | post
