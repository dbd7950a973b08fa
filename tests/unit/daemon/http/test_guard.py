"""Who is let in, and what the others are told."""

from __future__ import annotations

import asyncio
import logging
import time
from base64 import b64encode
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from config.errors import CredentialError
from config.schema import HttpConfig
from daemon.http.guard import (
    MAX_WAITING,
    MAX_WAITING_EACH,
    MOST_KNOWN,
    Guard,
    Guesses,
    KnownHosts,
    TokenCheck,
)
from tests.support.fakes import FakeClock
from tests.support.web import Browser

TOKEN = "5f2c9e61d8b07a34"


def basic(user: str, password: str) -> str:
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


async def _inside(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("inside")(scope, receive, send)


class Door:
    """A guard that answers wrong tokens after a blink."""

    def __init__(self, folder: Path, delay_s: float = 0.001) -> None:
        file = folder / "token"
        file.write_text(TOKEN + "\n")
        file.chmod(0o600)
        self.clock = FakeClock()
        config = HttpConfig(token=f"file:{file}")
        self.guard = Guard(_inside, config, self.clock, delay_s=delay_s)
        self.http = Browser(self.guard)

    def ask(self, path: str = "/", authorization: str | None = None) -> httpx.Response:
        headers = {} if authorization is None else {"authorization": authorization}
        return self.http.get(path, headers=headers)


@pytest.fixture
def door(tmp_path: Path) -> Door:
    door = Door(tmp_path)
    door.guard.read_token(None)
    return door


@pytest.mark.parametrize("path", ["/", "/metrics", "/readyz", "/static", "/nope"])
def test_without_token_every_path_answers_401_and_browsers_ask_for_a_login(
    door: Door, path: str
) -> None:
    answer = door.ask(path)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Basic realm="vedette", charset="UTF-8"'
    assert answer.json()["error"]["reason"] == "token_needed"


@pytest.mark.parametrize(
    "path",
    [
        *("/healthz/", "/healthz/../metrics", "//healthz", "/Healthz"),
        *("/static/../metrics", "/static/%2e%2e/metrics", "//static/base.css", "/staticmetrics"),
    ],
)
def test_only_healthz_and_what_pages_are_made_of_are_open(door: Door, path: str) -> None:
    assert door.ask("/healthz").text == "inside"
    assert door.ask("/static/base.css").text == "inside"
    assert door.ask(path).status_code == 401


@pytest.mark.parametrize(
    "authorization",
    [
        *(f"Bearer {TOKEN}", f"bearer   {TOKEN} "),
        *(basic("", TOKEN), basic("anyone", TOKEN), basic("anyone", TOKEN).replace("B", "b", 1)),
    ],
)
def test_the_token_opens_as_bearer_and_as_password_of_any_user(
    door: Door, authorization: str
) -> None:
    assert door.ask("/metrics", authorization).text == "inside"


@pytest.mark.parametrize(
    "authorization",
    [
        *("", "Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Token {TOKEN}"),
        *(TOKEN, basic(TOKEN, ""), basic("x", TOKEN + ":"), "Basic !!!", "Basic äöü"),
        *(f"Basic {TOKEN}", "Digest username=x", "Bearer \xe4"),
    ],
)
def test_anything_else_is_refused(door: Door, authorization: str) -> None:
    answer = door.http.get("/", headers={"authorization": authorization.encode("latin-1")})
    assert answer.status_code == 401
    assert answer.json()["error"]["reason"] == "wrong_token"
    assert TOKEN not in answer.text


def test_a_password_with_colons_and_letters_beyond_ascii_is_compared_whole() -> None:
    check = TokenCheck(SecretStr("pä:ss:wört-1234567"))
    assert check.holds(basic("u", "pä:ss:wört-1234567"))
    assert not check.holds(basic("u:pä", "ss:wört-1234567x"))
    assert "1234567" not in str(vars(check))


def test_a_token_that_was_never_read_lets_nobody_in(tmp_path: Path) -> None:
    assert Door(tmp_path).ask("/", f"Bearer {TOKEN}").status_code == 401


def test_a_token_that_cannot_be_read_is_said_at_once() -> None:
    guard = Guard(_inside, HttpConfig(token="http_token"), FakeClock())
    with pytest.raises(CredentialError, match="CREDENTIALS_DIRECTORY is not set"):
        guard.read_token(None)


def test_a_wrong_token_waits_a_right_one_does_not(tmp_path: Path) -> None:
    door = Door(tmp_path, delay_s=0.05)
    door.guard.read_token(None)
    started_s = time.monotonic()
    assert door.ask("/", f"Bearer {TOKEN}").status_code == 200
    assert door.ask("/").status_code == 401
    assert time.monotonic() - started_s < 0.05
    assert door.ask("/", "Bearer wrong").status_code == 401
    assert time.monotonic() - started_s >= 0.05


class TestGuessing:
    """Many tokens at once, by address."""

    @pytest.fixture
    def door(self, tmp_path: Path) -> Door:
        door = Door(tmp_path, delay_s=0.05)
        door.guard.read_token(None)
        return door

    async def ask(self, door: Door, peer: str, token: str) -> int:
        transport = httpx.ASGITransport(door.guard, client=(peer, 4711))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            answer = await client.get("/", headers={"authorization": f"Bearer {token}"})
            return answer.status_code

    def flood(self, door: Door, peers: list[str], then: list[tuple[str, str]]) -> list[int]:
        """Statuses of wrong tokens from `peers` at once, and of those that follow meanwhile."""

        async def story() -> list[int]:
            guesses = [asyncio.create_task(self.ask(door, peer, "wrong")) for peer in peers]
            await asyncio.sleep(0.02)
            later = [await self.ask(door, *one) for one in then]
            return [await one for one in guesses] + later

        return asyncio.run(story())

    def test_one_address_has_few_places_and_another_is_let_in(self, door: Door) -> None:
        statuses = self.flood(door, ["10.0.0.9"] * 20, [("10.0.0.8", TOKEN)])
        assert statuses.count(401) == MAX_WAITING_EACH
        assert statuses.count(429) == 20 - MAX_WAITING_EACH
        assert statuses[-1] == 200

    def test_a_right_guess_beyond_the_places_opens_nothing(self, door: Door) -> None:
        assert self.flood(door, ["10.0.0.9"] * 9, [("10.0.0.9", TOKEN)])[-1] == 429

    def test_all_addresses_together_have_few_places(self, door: Door) -> None:
        statuses = self.flood(door, [f"10.0.0.{n}" for n in range(40)], [])
        assert statuses.count(401) == MAX_WAITING

    def test_an_address_that_gave_the_right_one_never_waits_until_it_gives_a_wrong_one(
        self, door: Door
    ) -> None:
        assert asyncio.run(self.ask(door, "10.0.0.8", TOKEN)) == 200
        strangers = [f"10.0.1.{n}" for n in range(20)]
        assert self.flood(door, strangers, [("10.0.0.8", TOKEN)])[-1] == 200
        assert self.flood(door, ["10.0.0.8"] * 9, [("10.0.0.8", TOKEN)])[-1] == 429

    def test_addresses_are_remembered_within_a_bound(self) -> None:
        guesses = Guesses()
        for number in range(MOST_KNOWN + 10):
            guesses.was_right(str(number))
        assert len(guesses._known) == MOST_KNOWN


def test_guesses_are_logged_once_a_minute_with_their_number_and_without_the_token(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        for _ in range(4):
            door.ask("/", "Bearer hunter2")
        door.clock.advance(61)
        door.ask("/", "Bearer hunter2")
    lines = [record.getMessage() for record in caplog.records]
    assert lines == [
        "wrong access token from=127.0.0.1 times=1",
        "wrong access token from=127.0.0.1 times=4",
    ]


@pytest.mark.parametrize(
    ("listen", "allowed", "ours", "foreign"),
    [
        (
            "127.0.0.1",
            [],
            ["localhost", "LOCALHOST:9464", "127.0.0.1:8080", "127.3.2.1", "[::1]:9464", "[::1]"],
            ["evil.example", "localhost.evil.example", "10.0.0.5", "[fe80::1]:9464", ""],
        ),
        (
            "localhost",
            ["Cameras.example.org"],
            ["cameras.example.org", "cameras.example.org.:443", "localhost"],
            ["example.org", "10.0.0.5:9464"],
        ),
        ("0.0.0.0", [], ["anything", "10.0.0.5:9464", "localhost"], []),
        (
            "10.0.0.5",
            ["cameras"],
            ["cameras:9464", "10.0.0.5:9464", "[fd00::5]:9464", "localhost"],
            ["evil.example", "cameras.evil.example"],
        ),
    ],
)
def test_names_that_are_answered(
    listen: str, allowed: list[str], ours: list[str], foreign: list[str]
) -> None:
    hosts = KnownHosts(listen, allowed)
    assert [host for host in ours if not hosts.know(host)] == []
    assert [host for host in foreign if hosts.know(host)] == []


def test_a_page_that_rebound_its_name_gets_nothing() -> None:
    http = Browser(Guard(_inside, HttpConfig(), FakeClock()))
    answer = http.get("/healthz", headers={"host": "evil.example:9464"})
    assert answer.status_code == 421
    assert answer.json()["error"]["reason"] == "unknown_host"
    assert http.get("/healthz", headers={"host": "127.0.0.1:9464"}).text == "inside"


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_what_other_sites_embed_is_refused_and_their_links_work(site: str) -> None:
    http = Browser(Guard(_inside, HttpConfig(), FakeClock()))
    image = {"sec-fetch-site": site, "sec-fetch-mode": "no-cors"}
    link = {"sec-fetch-site": site, "sec-fetch-mode": "navigate"}
    assert http.get("/live/gate.mjpg", headers=image).json()["error"]["reason"] == "other_site"
    assert http.get("/", headers=link).text == "inside"
    for own in ("same-origin", "none"):
        assert http.get("/", headers={**image, "sec-fetch-site": own}).text == "inside"
