"""How a camera's demand for a login is answered, over RTSP and HTTP alike (RFC 2617, RFC 7616)."""

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
_MOST_REFUSALS = 2  # in a row, for one question
_STRENGTH = ("MD5", "SHA-256", "SHA-512-256")  # the strongest last


@dataclass(frozen=True, slots=True)
class Login:
    """User and password as they are typed. Neither is ever shown."""

    user: str = field(repr=False)
    password: str = field(repr=False)
    digest_only: bool = False  # to strangers the password is not said in the clear

    def accept(self, challenges: list[str]) -> Challenge:
        """The strongest of what WWW-Authenticate offers, so that nothing weaker is said aloud.

        Raises CaptureError(login_method) where none of it is known, naming what the camera wants.
        """
        parts = [part for line in challenges for part in _NEXT_CHALLENGE.split(line)]
        offers = list(_offers(parts))
        digests = [offer for offer in offers if offer.algorithm]
        if digests:
            return Challenge(self, max(digests, key=lambda d: _STRENGTH.index(_plain(d.algorithm))))
        if offers and self.digest_only:
            raise CaptureError(Cause.LOGIN_METHOD, "it wants the password in the clear (Basic)")
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


class Entrance:
    """What was said at a camera's door, and whether it is of use to say it again: cameras lock
    accounts after a few refused logins. One connection after another, one thread.
    """

    def __init__(self, login: Login | None, challenge: Challenge | None = None) -> None:
        self._login = login
        self._welcome = False  # a login was accepted
        self._refusals = 0  # of the question that is being asked
        self.challenge = challenge

    def refused(self, challenges: list[str]) -> None:
        """A question was answered by 401 and these WWW-Authenticate headers: returns where it may
        be asked again with `challenge`. Raises CaptureError(auth, login_method).
        """
        if self._login is None:
            raise CaptureError(Cause.AUTH, "it wants a login")
        if not challenges:
            raise CaptureError(Cause.LOGIN_METHOD, "it wants a login and does not say how")
        known, self.challenge = self.challenge, self._login.accept(challenges)
        self._refusals += 1
        # Some take a nonce for too old at once.
        again = known is None or self.challenge.stale
        if self._welcome and self._refusals == 1 and known is not None:
            again = again or self.challenge.nonce != known.nonce
        if not again or self._refusals > _MOST_REFUSALS:
            raise CaptureError(Cause.AUTH, "it refuses this user or password")

    def admitted(self) -> None:
        """A question was answered otherwise."""
        self._refusals = 0
        self._welcome = self._welcome or self.challenge is not None

    def later(self, challenges: list[str]) -> bool:
        """A 401 between the media: whether it brought a new nonce, with which to ask again."""
        if self._login is None or self.challenge is None:
            return False
        known = self.challenge.nonce
        self.challenge = self._login.accept(challenges)
        return self.challenge.nonce != known


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
