"""What the main thread tells a person at the start."""

from __future__ import annotations

import pytest

from config.schema import HttpConfig
from daemon.service import live_page


@pytest.mark.parametrize(
    ("listen", "page"),
    [
        ("127.0.0.1:9464", "http://127.0.0.1:9464/"),
        ("0.0.0.0:80", "http://127.0.0.1:80/"),
        ("[::1]:9464", "http://[::1]:9464/"),
        ("localhost:9464", "http://localhost:9464/"),
    ],
)
def test_live_page_is_an_address_that_this_machine_can_open(listen: str, page: str) -> None:
    assert live_page(HttpConfig.model_construct(listen=listen)) == page
