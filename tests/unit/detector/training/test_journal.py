"""What a run writes down, and what it forgets when it goes back."""

from __future__ import annotations

from pathlib import Path

from detector.training.journal import FILE, Journal, read


def test_points_are_means_over_their_steps(tmp_path: Path) -> None:
    times = iter([0.0, 4.0])
    journal = Journal(tmp_path, done=0, every=2, clock=lambda: next(times))
    journal.learnt(1, {"total": 3.0}, images=8)
    journal.learnt(2, {"total": 1.0}, images=8)
    assert read(tmp_path) == [{"step": 2, "total": 2.0, "images_per_s": 4.0}]
    assert list((tmp_path / "tensorboard").iterdir())


def test_a_run_shorter_than_an_interval_is_noted_at_its_end(tmp_path: Path) -> None:
    journal = Journal(tmp_path, done=0, every=20, clock=iter([0.0, 2.0]).__next__)
    for step in (1, 2, 3):
        journal.learnt(step, {"total": float(step)}, images=8)
    journal.end(3, images=8)
    journal.end(3, images=8)
    assert read(tmp_path) == [{"step": 3, "total": 2.0, "images_per_s": 12.0}]


def test_a_run_that_goes_back_forgets_what_came_after(tmp_path: Path) -> None:
    first = Journal(tmp_path, done=0, every=1)
    for step in (1, 2, 3):
        first.note(step, {"total": float(step)})
    second = Journal(tmp_path, done=1, every=1)
    second.note(2, {"total": 20.0})
    assert [point["total"] for point in read(tmp_path)] == [1.0, 20.0]


def test_a_line_cut_off_by_a_crash_is_left_out(tmp_path: Path) -> None:
    Journal(tmp_path, done=0, every=1).note(1, {"total": 1.0})
    with (tmp_path / FILE).open("a") as file:
        file.write('{"step": 2, "tot')
    assert [point["step"] for point in read(tmp_path)] == [1]
