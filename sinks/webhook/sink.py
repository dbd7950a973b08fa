"""One webhook: events that pass its rules, posted one after another in its own thread."""

from __future__ import annotations

import base64
import random as random_module
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote, urlsplit

import msgspec
from pydantic import SecretStr

from config.credentials import credentials_directory, resolve_secret
from config.errors import CredentialError
from config.webhook import TOKEN, WebhookConfig
from sinks.backoff import HEALTHY_S, BackOff
from sinks.clock import Clock
from sinks.envelope import Envelope, Permit
from sinks.highlights import Highlights, Look, NoHighlights, Subscription
from sinks.messages import EventMessage, Kind
from sinks.sink import SinkError, TooOldError, TryAgainError
from sinks.webhook.courier import Answer, Courier, MisledError, UnreachableError
from sinks.webhook.gate import Gate
from sinks.webhook.letter import Letter, letter
from sinks.webhook.signature import key_of, signed

FIRST_RETRY_S = 1.0
LAST_RETRY_S = 300.0
PICTURE_WAIT_S = 1.0  # for the first picture of an object that just came
READ_BY_PEOPLE_S = 60.0  # cooldown where a rule says none

_WORTH_ANOTHER_TRY = frozenset({408, 425, 429})
_GONE = 410
_ADVICE = {
    400: "it does not understand what is sent: is `format` right?",
    401: "see `credential`",
    403: "see `credential`",
    404: "see the path of `url`",
    405: "see the path of `url`",
    413: "what is sent is too large for it",
    415: "it does not understand what is sent: is `format` right?",
}


class WebhookSink:
    """`sift` is called by whoever publishes, one at a time; `hurry` from any thread; `open` runs in
    the starting thread, the rest in one other.
    """

    kinds = frozenset({Kind.EVENT})

    def __init__(
        self,
        name: str,
        config: WebhookConfig,
        clock: Clock,
        *,
        highlights: Highlights | None = None,
        random: Callable[[], float] = random_module.random,
    ) -> None:
        self.name = name
        self._config = config
        self._clock = clock
        self._highlights = highlights or NoHighlights()
        self._pictures: Subscription | None = None
        self._backoff = BackOff(FIRST_RETRY_S, LAST_RETRY_S, random)
        usual_s = 0.0 if config.format == "json" else READ_BY_PEOPLE_S
        self._gate = Gate(config.rules, usual_cooldown_s=usual_s)
        self._courier = Courier(
            timeout_s=config.timeout_s,
            authorities=config.ca,
            link_local=config.allow_link_local,
        )
        self._keys = _Keys(config)
        self._permits: dict[str, Permit | None] = {}  # by camera
        self._gone = False
        self._hurried = False

    def sift(self, envelope: Envelope) -> list[Envelope]:
        """Of what is published: which events are to be posted now, in place of it. What was waited
        for goes under the newest permit of its camera.
        """
        now_s = self._clock.now_s()
        message = envelope.message
        if isinstance(message, EventMessage):
            self._permits[message.camera] = envelope.permit
            passed = self._gate.look(message, now_s)
        else:
            passed = self._gate.pass_time(now_s)
        return [Envelope(event, permit=self._permits.get(event.camera)) for event in passed]

    def open(self) -> None:
        """Read what is kept in credentials. Raises SinkError; the receiver need not be there."""
        try:
            self._keys.read()
            self._courier.open()
        except (CredentialError, ValueError) as error:
            msg = f"{self.name}: {error}"
            raise SinkError(msg) from None
        if self._config.picture:
            self._pictures = self._highlights.subscribe(Look())

    def write(self, envelope: Envelope) -> int:
        """Post one event; returns the bytes of its body. Raises TryAgainError, TooOldError, and
        SinkError where this one is lost.
        """
        event = envelope.message
        if not isinstance(event, EventMessage):
            msg = f"{self.name}: no event"
            raise SinkError(msg)
        if self._gone:
            msg = f"{self.name}: the receiver is gone for good"
            raise SinkError(msg)
        wall_ns = self._clock.wall_ns()
        if wall_ns - event.at_ns > self._config.give_up_after_s * 1e9:
            msg = f"{self.name}: older than give_up_after_s"
            raise TooOldError(msg)
        return self._post(
            msgspec.structs.replace(event, published_ns=wall_ns), self._picture(event)
        )

    def try_once(self, event: EventMessage, jpeg: bytes | None) -> Answer:
        """Post an event that is marked as a test. Raises SinkError where there is no answer."""
        return self._answer(letter(self._config, event, jpeg, is_test=True), event)

    def idle(self) -> None:
        pass

    def hurry(self, left_s: float) -> None:
        """What is being posted must be over within that time."""
        self._hurried = True
        self._courier.hurry(left_s)

    def close(self) -> None:
        pictures, self._pictures = self._pictures, None
        if pictures is not None:
            pictures.close()
        self._courier.close()

    @property
    def receiver(self) -> str:
        """Host and port, for people."""
        return urlsplit(self._config.url).netloc

    def verdict(self, answer: Answer) -> str:
        """An answer that is not good, in words, with the way out."""
        advice = _ADVICE.get(answer.status)
        said = f"{self.receiver} answers {answer.status}"
        return f"{said} ({advice})" if advice else said

    def _picture(self, event: EventMessage) -> bytes | None:
        if self._pictures is None:
            return None
        wait_s = 0.0 if self._hurried else PICTURE_WAIT_S
        found = self._pictures.of(event.id, wait_s=wait_s)
        return None if found is None else found.jpeg

    def _post(self, message: EventMessage, jpeg: bytes | None) -> int:
        what = letter(self._config, message, jpeg)
        answer = self._answer(what, message)
        if answer.is_good:
            self._backoff.worked(HEALTHY_S)
            return len(what.body)
        said = f"{self.name}: {self.verdict(answer)}"
        if answer.status == _GONE:
            self._gone = True
            msg = f"{said}: gone for good, nothing more is sent; change it and reload"
            raise SinkError(msg)
        if answer.status in _WORTH_ANOTHER_TRY or answer.status >= 500:
            raise self._again(said, answer.retry_after_s)
        raise SinkError(said)

    def _answer(self, what: Letter, event: EventMessage) -> Answer:
        wall_s = self._clock.wall_ns() / 1e9
        with suppress(CredentialError, ValueError):  # what was read before may still do
            self._keys.read()
        headers = dict(what.headers) | self._keys.headers(what.body, event, at_s=int(wall_s))
        try:
            return self._courier.deliver(
                self._keys.url, Letter(what.method, headers, what.body), wall_s=wall_s
            )
        except UnreachableError as error:
            msg = f"{self.name}: {self.receiver}: {error}"
            raise self._again(msg, None) from None
        except MisledError as error:
            msg = f"{self.name}: {self.receiver} {error} (see `url`)"
            raise SinkError(msg) from None

    def _again(self, said: str, wished_s: float | None) -> TryAgainError:
        """The receiver's wish holds, within what an event may wait."""
        after_s = self._backoff.next_s()
        if wished_s is not None:
            after_s = min(max(after_s, wished_s), self._config.give_up_after_s)
        return TryAgainError(said, after_s=after_s)


class _Keys:
    """What is kept in credentials: read again for each event, so that new ones need no restart."""

    def __init__(self, config: WebhookConfig) -> None:
        self._config = config
        self._token: SecretStr | None = None
        self._key: bytes | None = None

    def read(self) -> None:
        """Raises CredentialError and ValueError; then those that were read before stay."""
        directory: Path | None = credentials_directory()
        config = self._config
        token = (
            resolve_secret(config.credential, directory=directory) if config.credential else None
        )
        key = None
        if config.secret is not None:
            secret = resolve_secret(config.secret, directory=directory).get_secret_value()
            try:
                key = key_of(secret)
            except ValueError as error:
                msg = f"what `secret` leads to {error}"
                raise ValueError(msg) from None
        self._token, self._key = token, key

    @property
    def url(self) -> str:
        """With the token in its place: never shown."""
        token = self._token.get_secret_value() if self._token else ""
        return self._config.url.replace(TOKEN, quote(token, safe="/:"))

    def headers(self, body: bytes, event: EventMessage, *, at_s: int) -> dict[str, str]:
        """Who we are, and the signature."""
        headers = {"User-Agent": "vedette"}
        if self._token is not None and TOKEN not in self._config.url:
            headers |= _login(self._token.get_secret_value(), self._config.format)
        if self._key is not None:
            message_id = f"{event.epoch}-{event.camera}-{event.event_seq}"
            headers |= signed(self._key, body, message_id=message_id, at_s=at_s)
        return headers


def _login(token: str, form: str) -> dict[str, str]:
    """A token, or user:password, as the receiver wants it."""
    if form == "gotify":
        return {"X-Gotify-Key": token}
    if ":" in token:
        return {"Authorization": f"Basic {base64.b64encode(token.encode()).decode()}"}
    return {"Authorization": f"Bearer {token}"}
