"""How descriptors are shared out."""

from __future__ import annotations

import resource

import pytest

from daemon import descriptors
from daemon.descriptors import reachable_limit, shares


@pytest.mark.parametrize(
    ("limit", "http", "zeromq"),
    [(65_536, 256, 256), (1024, 204, 256), (256, 51, 64), (16, 4, 4)],
)
def test_listeners_leave_half_of_the_descriptors(limit: int, http: int, zeromq: int) -> None:
    found = shares(limit)
    assert (found.http, found.zeromq) == (http, zeromq)
    if limit > 16:
        assert found.http * 5 // 4 + found.zeromq <= limit // 2


@pytest.mark.parametrize(
    ("soft", "hard", "reached"),
    [
        (1024, 65_536, 8192),
        (1024, resource.RLIM_INFINITY, 8192),
        (256, 300, 300),
        (65_536, 65_536, 65_536),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, resource.RLIM_INFINITY),
    ],
)
def test_the_limit_is_raised_as_far_as_is_of_use(soft: int, hard: int, reached: int) -> None:
    assert reachable_limit(soft, hard) == reached


def test_no_limit_is_as_good_as_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    monkeypatch.setattr("resource.getrlimit", lambda _: unlimited)
    assert descriptors.descriptor_limit() == descriptors.WANTED


def test_a_limit_that_may_not_be_raised_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr("resource.setrlimit", refuse)
    monkeypatch.setattr("resource.getrlimit", lambda _: (256, 4096))
    descriptors.raise_descriptor_limit()
