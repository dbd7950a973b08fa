"""XML of strangers becomes a small tree, or nothing."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.discovery.xml import MOST_BYTES, XmlError, parse

SMALL = b"""<?xml version="1.0"?><a:Top xmlns:a="urn:a" xmlns="urn:b"><Mid a:token="t">
 <Leaf> one &amp; <![CDATA[<two>]]> </Leaf></Mid><Mid><Leaf>three</Leaf></Mid><a:Empty/></a:Top>"""


def test_names_are_without_their_namespace() -> None:
    top = parse(SMALL)
    assert top.name == "Top"
    assert top.said("Mid", "Leaf") == "one & <two>"
    assert [leaf.text for leaf in top.all("Mid", "Leaf")][1] == "three"
    found = top.find("Mid")
    assert found is not None
    assert found.attributes == {"token": "t"}
    assert top.said("Nothing", "Leaf") == ""
    assert top.find("Nothing") is None
    leaf = top.below("Leaf")
    assert leaf is not None
    assert "one" in leaf.text
    assert top.below("Nothing") is None


BOMB = b'<!DOCTYPE a [<!ENTITY x "y"><!ENTITY z "&x;&x;">]><a>&z;</a>'


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (BOMB, "document type"),
        (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "document type"),
        (b"<a>&x;</a>", "no XML"),
        (b"<a>" * 100, "XML without end"),
        (b"<a>" + b"<b/>" * 30_000 + b"</a>", "XML without end"),
        (b"x" * (MOST_BYTES + 1), "too much XML"),
        (b"", "no XML"),
        (b"<a", "no XML"),
        (b"<a></b>", "no XML"),
        (b"<html><br></html>", "no XML"),
        (b'<?xml version="1.0" encoding="x-none"?><a/>', "no XML"),
    ],
)
def test_what_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(XmlError, match=words):
        parse(data)


def test_texts_are_bounded() -> None:
    assert len(parse(b"<a>" + b"x" * 100_000 + b"</a>").text) == 8192


@given(st.binary(max_size=300))
def test_noise_fails_in_one_way_only(data: bytes) -> None:
    with contextlib.suppress(XmlError):
        parse(b"<a>" + data)
