"""What the Director remembers."""

import json
from pathlib import Path

from daemon.fleet.store import BLOCK, Store


def test_numbers_rise_over_restarts(tmp_path: Path) -> None:
    first = Store(tmp_path, wall_s=lambda: 0.0)
    numbers = [first.next_number(0) for _ in range(3)]
    second = Store(tmp_path, wall_s=lambda: 0.0)
    assert second.next_number(0) > max(numbers)


def test_numbers_rise_even_where_the_file_is_lost(tmp_path: Path) -> None:
    before = Store(tmp_path / "one", wall_s=lambda: 1_795_000_000.0)
    number = before.next_number(0)
    after = Store(tmp_path / "two", wall_s=lambda: 1_795_000_060.0)
    assert after.next_number(0) > number


def test_a_number_is_higher_than_what_was_heard_of(tmp_path: Path) -> None:
    store = Store(tmp_path, wall_s=lambda: 0.0)
    assert store.next_number(10 * BLOCK) == 10 * BLOCK + 1
    assert Store(tmp_path, wall_s=lambda: 0.0).next_number(0) > 10 * BLOCK + 1


def test_drains_and_configuration_are_kept_for_the_owner_alone(tmp_path: Path) -> None:
    store = Store(tmp_path / "fleet")
    store.keep_drained(frozenset({"south", "east"}))
    store.keep_setup({"lease_s": 2.0})
    again = Store(tmp_path / "fleet")
    assert again.drained == {"south", "east"}
    assert again.setup == {"lease_s": 2.0}
    assert (tmp_path / "fleet").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "fleet" / "director.json").stat().st_mode & 0o777 == 0o600


def test_a_damaged_file_costs_the_drains_and_no_number(tmp_path: Path) -> None:
    (tmp_path / "director.json").write_text("{")
    store = Store(tmp_path, wall_s=lambda: 1_795_000_000.0)
    assert store.drained == frozenset()
    assert store.next_number(0) >= 1_795_000_000
    assert json.loads((tmp_path / "director.json").read_text())["next"] > 1_795_000_000
