"""How an RTSP server's demand for a login is answered (RFC 2617, RFC 7616)."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field

from daemon.capture.errors import CaptureError, Cause

_PARAMETER = re.compile(r'([\w-]+)\s*=\s*(?:"([^"]*)"|([^\s,]+))')
_NEXT_CHALLENGE = re.compile(r",\s*(?=(?:Digest|Basic)\s)", re.IGNORECASE)
_HASHES = {"MD5": "md5", "SHA-256": "sha256", "SHA-512-256": "sha512_256"}
_STRENGTH = ("MD5", "SHA-256", "SHA-512-256")  # the strongest last


@dataclass(frozen=True, slots=True)
class Login:
    """User and password as they are typed. Neither is ever shown."""

    user: str = field(repr=False)
    password: str = field(repr=False)

    def accept(self, challenges: list[str]) -> Challenge:
        """The strongest of what WWW-Authenticate offers, so that nothing weaker is said aloud.

        Raises CaptureError(login_method) where none of it is known, naming what the camera wants.
        """
        parts = [part for line in challenges for part in _NEXT_CHALLENGE.split(line)]
        offers = list(_offers(parts))
        digests = [offer for offer in offers if offer.algorithm]
        if digests:
            return Challenge(self, max(digests, key=lambda d: _STRENGTH.index(_plain(d.algorithm))))
        if offers:
            return Challenge(self, offers[0])
        wanted = ", ".join(sorted({_named(part) for part in parts})) or "nothing that has a name"
        detail = (
            f"it wants a login by {wanted}, not known here: allow Digest (MD5 or SHA-256) there"
        )
        raise CaptureError(Cause.LOGIN_METHOD, detail)


@dataclass(frozen=True, slots=True)
class _Offer:
    """One scheme that is known here; `algorithm` is empty for Basic."""

    algorithm: str
    asked: dict[str, str]


class Challenge:
    """What a camera asked, and the answers to it, of which each has its number. One thread."""

    def __init__(self, login: Login, offer: _Offer) -> None:
        self._login = login
        self._asked = offer.asked
        self._algorithm = offer.algorithm
        self._count = 0
        self._client_nonce = secrets.token_hex(8)

    @property
    def nonce(self) -> str:
        """Tells a new demand from the same one again: a login that was refused."""
        return self._asked.get("nonce", "")

    @property
    def stale(self) -> bool:
        """The camera says that the login was right, and its nonce too old."""
        return self._asked.get("stale", "").lower() == "true"

    def authorization(self, method: str, uri: str) -> str:
        """The Authorization header of one request."""
        if not self._algorithm:
            pair = f"{self._login.user}:{self._login.password}".encode()
            return f"Basic {base64.b64encode(pair).decode()}"
        self._count += 1
        asked, count = self._asked, f"{self._count:08x}"
        realm, nonce = asked.get("realm", ""), self.nonce
        user = self._login.user.replace("\\", "\\\\").replace('"', '\\"')
        said = {"username": user, "realm": realm, "nonce": nonce, "uri": uri}
        secret, request = self._secret(), self._digest(method, uri)
        with_qop = "auth" in re.split(r"[\s,]+", asked.get("qop", ""))
        if with_qop or _is_session(self._algorithm):
            said["cnonce"] = self._client_nonce
        middle = (nonce, count, self._client_nonce, "auth") if with_qop else (nonce,)
        said["response"] = self._digest(secret, *middle, request)
        parts = [f'{name}="{value}"' for name, value in said.items()]
        if "algorithm" in asked:
            parts.append(f"algorithm={asked['algorithm']}")
        if with_qop:
            parts += ["qop=auth", f"nc={count}"]
        if "opaque" in asked:
            parts.append(f'opaque="{asked["opaque"]}"')
        return f"Digest {', '.join(parts)}"

    def _secret(self) -> str:
        login = self._login
        secret = self._digest(login.user, self._asked.get("realm", ""), login.password)
        if _is_session(self._algorithm):
            return self._digest(secret, self.nonce, self._client_nonce)
        return secret

    def _digest(self, *parts: str) -> str:
        name = _HASHES[_plain(self._algorithm)]
        return hashlib.new(name, ":".join(parts).encode(), usedforsecurity=False).hexdigest()


def _offers(challenges: list[str]) -> Iterator[_Offer]:
    for challenge in challenges:
        scheme, _, rest = challenge.strip().partition(" ")
        asked = {n.lower(): quoted or bare for n, quoted, bare in _PARAMETER.findall(rest)}
        if scheme.lower() == "basic":
            yield _Offer("", asked)
        elif scheme.lower() == "digest":
            algorithm = asked.get("algorithm", "MD5").upper()
            qops = re.split(r"[\s,]+", asked.get("qop", "auth"))
            known = _HASHES.get(_plain(algorithm)) in hashlib.algorithms_available
            if known and "auth" in qops:
                yield _Offer(algorithm, asked)


def _plain(algorithm: str) -> str:
    return algorithm.removesuffix("-SESS")


def _is_session(algorithm: str) -> bool:
    return algorithm.endswith("-SESS")


def _named(challenge: str) -> str:
    """Scheme and algorithm of something unknown, in characters that are safe to show."""
    scheme, _, rest = challenge.strip().partition(" ")
    found = re.search(r"algorithm\s*=\s*\"?([\w-]+)", rest, re.IGNORECASE)
    return re.sub(r"[^\w -]", "", f"{scheme} {found[1] if found else ''}").strip()[:40]
