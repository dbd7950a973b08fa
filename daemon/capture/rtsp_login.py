"""How an RTSP server's demand for a login is answered (RFC 2617, RFC 7616). Pure functions."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass, field

_PARAMETER = re.compile(r'(\w+)=(?:"([^"]*)"|([^\s,]+))')
_HASHES = {"MD5": "md5", "SHA-256": "sha256"}


@dataclass(frozen=True, slots=True)
class Login:
    """User and password as they are typed. Neither is ever shown."""

    user: str = field(repr=False)
    password: str = field(repr=False)

    def answer(
        self, challenges: list[str], method: str, uri: str, *, number: int = 1
    ) -> str | None:
        """The Authorization header for what WWW-Authenticate asks; None where nothing is known.

        `number` must rise from one answer to a challenge to the next.
        """
        schemes = {
            scheme.lower(): rest for scheme, _, rest in (c.partition(" ") for c in challenges)
        }
        if "digest" in schemes:
            return self._digest(_parameters(schemes["digest"]), method, uri, f"{number:08x}")
        if "basic" in schemes:
            pair = f"{self.user}:{self.password}".encode()
            return f"Basic {base64.b64encode(pair).decode()}"
        return None

    def _digest(self, asked: dict[str, str], method: str, uri: str, count: str) -> str | None:
        algorithm = asked.get("algorithm", "MD5").upper()
        if algorithm not in _HASHES:
            return None

        def digest(*parts: str) -> str:
            return hashlib.new(_HASHES[algorithm], ":".join(parts).encode()).hexdigest()

        realm, nonce = asked.get("realm", ""), asked.get("nonce", "")
        secret = digest(self.user, realm, self.password)
        request = digest(method, uri)
        said = {"username": self.user, "realm": realm, "nonce": nonce, "uri": uri}
        if "auth" in re.split(r"[\s,]+", asked.get("qop", "")):
            client_nonce = secrets.token_hex(8)
            said["cnonce"] = client_nonce
            said["response"] = digest(secret, nonce, count, client_nonce, "auth", request)
        else:
            said["response"] = digest(secret, nonce, request)
        return _header(said, asked, count)


def _header(said: dict[str, str], asked: dict[str, str], count: str) -> str:
    parts = [f'{name}="{value}"' for name, value in said.items()]
    if "algorithm" in asked:
        parts.append(f"algorithm={asked['algorithm']}")
    if "cnonce" in said:
        parts += ["qop=auth", f"nc={count}"]
    if "opaque" in asked:
        parts.append(f'opaque="{asked["opaque"]}"')
    return f"Digest {', '.join(parts)}"


def _parameters(text: str) -> dict[str, str]:
    found = _PARAMETER.findall(text)
    return {name.lower(): quoted or bare for name, quoted, bare in found}
