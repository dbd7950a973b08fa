"""Pages put together from `html/`: the frame that all share around the main part of each.

Every address on a page is relative to the page, so that it works under any path of a proxy.
"""

from __future__ import annotations

import functools
import html
from pathlib import Path
from string import Template
from typing import Literal

from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

Site = Literal["daemon", "fleet", "gateway"]

_PAGES: dict[Site, list[tuple[str, str]]] = {  # in the header
    "daemon": [("", "Live"), ("events", "Events"), ("recordings", "Recordings")],
    "fleet": [("", "Fleet")],
    "gateway": [],
}
STATIC = Path(__file__).parent / "static"
_HTML = Path(__file__).parent / "html"
_PARTS = ("film", "full", "lightbox", "seen")  # that several pages have


def page(
    name: str, /, *, path: str, title: str = "vedette", site: Site = "daemon", **texts: str
) -> str:
    """The page `html/NAME.html` for a request of `path` (without a proxy's prefix); `texts` fill
    its blanks and are escaped.
    """
    root = root_from(path)
    filled = {key: html.escape(text) for key, text in texts.items()}
    parts = {part: _template(part).template.rstrip() for part in _PARTS}
    main = _template(name).substitute(filled, root=root, **parts)
    return _template("shell").substitute(
        root=root,
        title=html.escape(title),
        script=f"{name}.js",
        main=main,
        pages="\n    ".join(f'<a href="{root}{path}">{text}</a>' for path, text in _PAGES[site]),
    )


def root_from(path: str) -> str:
    """The way from a path to the daemon's root: './' from '/', '../' from '/camera/gate'."""
    return "../" * (path.count("/") - 1) or "./"


@functools.cache
def _template(name: str) -> Template:
    return Template((_HTML / f"{name}.html").read_text(encoding="utf-8"))


def static_files() -> Mount:
    """Scripts and styles of the pages."""
    return Mount("/static", _Files(directory=STATIC))


class _Files(StaticFiles):
    """A browser keeps them, and asks each time whether they are the same."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        answer = await super().get_response(path, scope)
        answer.headers["cache-control"] = "no-cache"
        return answer
