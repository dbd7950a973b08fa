"""What is peculiar to RTSP URLs: a place for the login, and the zone of an IPv6 address."""

from __future__ import annotations

import re
from urllib.parse import quote

USER, PASSWORD = "{user}", "{password}"

_ZONE = re.compile(r"(?<=//)\[([0-9A-Fa-f:.]+)%(?:25)?([A-Za-z0-9._~-]{1,32})\]")
_PLACES = re.compile(r"\{(?:user|password)\}")
_PLAIN = "!$*,~"  # cameras that take a login in the path seldom decode what is encoded


def takes_login(url: str) -> bool:
    """Whether the URL says where user and password belong."""
    return _PLACES.search(url) is not None


def without_places(url: str) -> str:
    """For checks of the rest: the places hold nothing."""
    return re.sub(r"[A-Za-z]+=\{(?:user|password)\}(?=$|[&;/_?])", "", url)


def with_login(url: str, user: str, password: str) -> str:
    """`url` with what belongs into its places. Only for the questions to the camera: never keep or
    log it.
    """
    said = {USER: quote(user, safe=_PLAIN), PASSWORD: quote(password, safe=_PLAIN)}
    return _PLACES.sub(lambda place: said[place[0]], url)


def split_zone(url: str) -> tuple[str, str]:
    """The URL without the zone of its address, as the other side must see it, and the zone as
    `%eth0` (RFC 6874 writes %25eth0), empty where there is none.
    """
    found = _ZONE.search(url)
    if found is None:
        return url, ""
    return f"{url[: found.start()]}[{found[1]}]{url[found.end() :]}", f"%{found[2]}"
