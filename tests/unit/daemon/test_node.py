import re

import pytest

from daemon.node import host_name


@pytest.mark.parametrize(
    ("full", "node"),
    [
        ("lodge", "lodge"),
        ("lodge.example.org", "lodge"),
        ("Büro 2", "B-ro-2"),
        ("x" * 80, "x" * 63),
        ("", "localhost"),
        (".org", "localhost"),
    ],
)
def test_a_host_is_called_what_may_stand_in_a_topic(full, node):
    assert host_name(full) == node


def test_this_host_has_a_name():
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,63}", host_name())
