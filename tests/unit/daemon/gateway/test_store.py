"""Grants outlive a gateway."""

from pathlib import Path

from daemon.gateway.fence import Fence, Holder, Refusal
from daemon.gateway.heads import Head
from daemon.gateway.store import GrantStore, grants_file


def heard(fence, grant, node="a"):
    return fence.judge(Head("det", node, "gate", grant), 0.0)


def test_a_new_start_lets_no_older_grant_through(tmp_path):
    path = tmp_path / "grants.json"
    fence = Fence(GrantStore(path).load())
    heard(fence, 7, "b")
    GrantStore(path).save(fence)
    again = Fence(GrantStore(path).load())
    assert again.holders() == {"gate": Holder(7, "b", None)}
    assert heard(again, 6) is Refusal.GRANT


def test_the_file_is_written_only_where_a_grant_rose(tmp_path):
    path = tmp_path / "grants.json"
    fence, store = Fence(), GrantStore(path)
    heard(fence, 0)
    store.save(fence)
    assert not path.exists()
    heard(fence, 1)
    store.save(fence)
    path.unlink()
    heard(fence, 1)
    store.save(fence)
    assert not path.exists()


def test_a_spoilt_file_and_a_full_disk_cost_the_memory_and_nothing_else(tmp_path, caplog):
    path = tmp_path / "grants.json"
    path.write_text('{"gate": {"grant": "seven"}}')
    assert GrantStore(path).load() == {}
    assert "grants not read" in caplog.text
    fence, store = Fence(), GrantStore(tmp_path / "missing" / "grants.json")
    heard(fence, 1)
    store.save(fence)
    heard(fence, 2)
    store.save(fence)
    assert caplog.text.count("grants not kept") == 1
    (tmp_path / "missing").mkdir()
    store.save(fence)
    assert (tmp_path / "missing" / "grants.json").exists()


def test_it_is_kept_where_the_service_may_write_unless_the_file_says_otherwise():
    assert grants_file(None, {}) is None
    assert grants_file(None, {"STATE_DIRECTORY": "/var/lib/a:/b"}) == Path("/var/lib/a/grants.json")
    assert grants_file(Path("/x"), {"STATE_DIRECTORY": "/var/lib/a"}) == Path("/x")
    assert GrantStore(None).load() == {}
    GrantStore(None).save(Fence())
