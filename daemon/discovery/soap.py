"""Questions to an ONVIF device: SOAP 1.2 over our HTTP client, with WS-Security's digest login.

WS-Security UsernameToken Profile 1.0: what is sent is SHA-1 of nonce, time and password, never the
password. Its time must be the device's own, or it takes the message for an old one.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from xml.sax.saxutils import escape

from daemon.capture.errors import CaptureError, Cause
from daemon.capture.http import Client, Place, Question
from daemon.capture.login import Login
from daemon.discovery.xml import MOST_BYTES, Node, XmlError, parse

_ENVELOPE = "http://www.w3.org/2003/05/soap-envelope"
_SECURITY = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
_UTILITY = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
_USERNAME_PROFILE = (
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0"
)
_ENCODING = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0"
_LOGIN_FAULTS = ("NotAuthorized", "FailedAuthentication", "InvalidSecurity", "Sender not Auth")
_MISSING = ("ActionNotSupported", "NotImplemented", "UnknownAction", "NoSuchService")


class NotThere(Exception):  # noqa: N818
    """The device does not know this question."""


class Desk:
    """Where one device is asked. One thread. Raises CaptureError, NotThere, and OSError."""

    def __init__(self, client: Client, login: Login | None) -> None:
        self._client = client
        self._login = login
        self.heard = False  # it has answered a question, if only to refuse it
        self.ahead = timedelta()  # the device's clock, before ours

    @property
    def address(self) -> str:
        return self._client.address

    def ask(self, place: Place, body: str, *, namespace: str, open_to_all: bool = False) -> Node:
        """`body` is one element of `namespace`; what stands in the body of the answer."""
        action = body.lstrip("<").split(">")[0].split(" ")[0].rstrip("/")
        header = "" if open_to_all or self._login is None else self._security(self._login)
        text = (
            f'<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="{_ENVELOPE}">{header}'
            f'<s:Body xmlns="{namespace}">{body}</s:Body></s:Envelope>'
        )
        said = f'application/soap+xml; charset=utf-8; action="{namespace}/{action}"'
        question = Question(
            accept="application/soap+xml, */*",
            method="POST",
            body=text.encode(),
            headers={"Content-Type": said},
            takes_refusals=True,
        )
        answer = self._client.ask(place, question)
        return self._read(answer.status, answer.whole(MOST_BYTES))

    def _read(self, status: int, data: bytes) -> Node:
        try:
            body = parse(data).find("Body")
        except XmlError as error:
            body, words = None, str(error)
        else:
            words = "no SOAP"
        if status == HTTPStatus.UNAUTHORIZED:
            self.heard = True
            raise self._refused_login()
        if body is None:
            if status == 404:
                raise NotThere
            if status == 403:
                raise CaptureError(Cause.FORBIDDEN, "it does not let this user ask")
            detail = f"its answer is not one of ONVIF ({words}, HTTP {status})"
            raise CaptureError(Cause.PROTOCOL, detail)
        self.heard = True
        fault = body.find("Fault")
        if fault is not None:
            raise self._fault(fault)
        return body

    def _fault(self, fault: Node) -> Exception:
        """By its codes; the text is the device's own and is not shown."""
        codes = " ".join(_texts(fault))
        if any(word in codes for word in _LOGIN_FAULTS):
            return self._refused_login()
        if any(word in codes for word in _MISSING):
            return NotThere()
        return CaptureError(Cause.REJECTED, "it refuses the question")

    def _refused_login(self) -> CaptureError:
        known = self._login is not None
        words = "it refuses this user or password" if known else "it wants a login"
        return CaptureError(Cause.AUTH, words)

    def _security(self, login: Login) -> str:
        nonce = secrets.token_bytes(16)
        created = (datetime.now(UTC) + self.ahead).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        digest = hashlib.sha1(
            nonce + created.encode() + login.password.encode(), usedforsecurity=False
        ).digest()
        return (
            f'<s:Header><Security s:mustUnderstand="1" xmlns="{_SECURITY}"><UsernameToken>'
            f"<Username>{escape(login.user)}</Username>"
            f'<Password Type="{_USERNAME_PROFILE}#PasswordDigest">{_base64(digest)}</Password>'
            f'<Nonce EncodingType="{_ENCODING}#Base64Binary">{_base64(nonce)}</Nonce>'
            f'<Created xmlns="{_UTILITY}">{created}</Created>'
            "</UsernameToken></Security></s:Header>"
        )


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _texts(node: Node) -> list[str]:
    found = [node.text] if node.text.strip() else []
    return found + [text for child in node.children for text in _texts(child)]
