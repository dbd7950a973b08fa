from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from daemon.bench.worlds import LABELS as STREET
from daemon.bench.worlds import SIZE, Habits, street, watched
from daemon.tracking.tracker import Tracker
from daemon.tracking.tuning import Tuning
from detector.detections import Detections
from tests.support.tracking import Followed, found, numbers_of, standing


def walk(follow, times_s, *, x=200.0, speed=60.0, **box):
    """Numbers of one walker, picture by picture."""
    return [follow.see(found(standing(x + speed * at_s), **box), at_s)[0] for at_s in times_s]


@pytest.mark.parametrize("fps", [30, 10, 5, 2])
def test_one_walker_is_one_object_at_any_rate(fps):
    numbers = walk(Followed(), np.arange(0, 8, 1 / fps))
    assert set(numbers) == {0, 1}
    assert numbers[-1] == 1


@pytest.mark.parametrize("fps", [30, 10, 5, 2])
def test_an_object_is_one_once_it_was_seen_twice_and_for_a_fifth_of_a_second(fps):
    times_s = np.arange(0, 2, 1 / fps)
    numbers = walk(Followed(), times_s)
    first = numbers.index(1)
    assert first >= 1
    assert 0.2 - 1e-9 <= times_s[first] < 0.2 + 1 / fps


def test_what_was_seen_once_is_nothing():
    follow = Followed()
    assert follow.see(found(standing(300)), 0.0) == [0]
    for at_s in (0.1, 0.2, 0.3, 0.4):
        step = follow.step(found(), at_s)
        assert not len(step.confirmed)
    assert not follow.tracker.tracks
    assert follow.tracker.last_number == 0


def test_misses_do_not_change_the_number():
    follow = Followed()
    rng = np.random.default_rng(1)
    numbers = []
    for at_s in np.arange(0, 10, 0.1):
        boxes = [standing(100 + 50 * at_s)] if rng.random() > 0.3 else []
        numbers += follow.see(found(*boxes), at_s)
    assert set(numbers[5:]) == {1}


def test_an_object_that_was_hidden_for_a_second_keeps_its_number():
    follow = Followed()
    walk(follow, np.arange(0, 2, 0.1))
    assert walk(follow, np.arange(3, 4, 0.1)) == [1] * 10


def test_an_object_unseen_for_too_long_is_gone_and_the_next_one_is_another():
    follow = Followed()
    walk(follow, np.arange(0, 2, 0.1), speed=0)
    gone = follow.step(found(), 4.1)
    assert [track.number for track in gone.ended] == [1]
    assert walk(follow, np.arange(5, 6, 0.1), speed=0)[-1] == 2


def test_a_weak_box_keeps_an_object_and_begins_none():
    follow = Followed()
    walk(follow, np.arange(0, 1, 0.1))
    assert walk(follow, np.arange(1, 5, 0.1), score=0.2) == [1] * 40
    other = found(standing(900), score=0.2)
    for at_s in np.arange(5, 7, 0.1):
        assert follow.see(other, at_s) == [0]


def test_a_car_that_is_called_a_truck_now_and_then_stays_one_car():
    follow = Followed()
    numbers, labels = [], []
    for n, at_s in enumerate(np.arange(0, 5, 0.1)):
        box = (100 + 30 * at_s, 300, 300 + 30 * at_s, 400)
        numbers += follow.see(found(box, label="truck" if n % 3 == 2 else "car"), at_s)
        labels += [track.label for track in follow.tracker.tracks]
    assert set(numbers[3:]) == {1}
    assert set(labels[3:]) == {1}


def test_a_label_that_was_wrong_at_first_is_corrected():
    follow = Followed()
    for n, at_s in enumerate(np.arange(0, 5, 0.1)):
        follow.see(found((100, 300, 300, 400), label="truck" if n < 4 else "car"), at_s)
    (car,) = follow.tracker.tracks
    assert (car.label, car.number) == (1, 1)


def test_a_dog_never_takes_over_a_person():
    follow = Followed()
    walk(follow, np.arange(0, 1, 0.1))
    (last,) = follow.see(found(standing(262), label="dog"), 1.05)
    assert last == 0


def test_two_labels_of_one_object_are_one_object():
    follow = Followed()
    box = (100.0, 300.0, 300.0, 400.0)
    both = Detections(
        np.array([box, box], np.float32),
        np.array([0.8, 0.7], np.float32),
        np.array([1, 2], np.int32),
    )
    for at_s in np.arange(0, 5, 0.1):
        numbers = follow.see(both, at_s)
    assert sorted(numbers) == [0, 1]


def test_a_second_box_of_one_person_is_no_second_person_at_once_but_two_abreast_become_two():
    follow = Followed()
    two = found(standing(300), standing(308), score=[0.8, 0.6])
    for at_s in np.arange(0, 0.95, 0.1):
        assert follow.see(two, at_s)[1] == 0
    for at_s in np.arange(1, 2, 0.1):
        numbers = follow.see(two, at_s)
    assert sorted(numbers) == [1, 2]


def test_a_parked_car_neither_drifts_nor_is_forgotten_behind_a_lorry():
    follow = Followed()
    rng = np.random.default_rng(2)
    car = np.array([500.0, 300.0, 700.0, 400.0])
    for at_s in np.arange(0, 60, 0.2):
        follow.see(found(tuple(car + rng.normal(0, 4, 4)), label="car"), at_s)
    (parked,) = follow.tracker.tracks
    assert parked.still
    assert (parked.x, parked.y) == pytest.approx((600, 350), abs=8)
    for at_s in np.arange(60, 75, 0.2):
        follow.step(found(), at_s)
    assert follow.see(found(tuple(car), label="car"), 75.2) == [1]


def test_a_car_that_drives_off_is_no_longer_still():
    follow = Followed()
    for at_s in np.arange(0, 10, 0.1):
        follow.see(found((500, 300, 700, 400), label="car"), at_s)
    for at_s in np.arange(10, 13, 0.1):
        left = 500 + 100 * (at_s - 10)
        numbers = follow.see(found((left, 300, left + 200, 400), label="car"), at_s)
    assert numbers == [1]
    assert not any(track.still for track in follow.tracker.tracks)


def test_who_left_at_the_edge_is_not_who_comes_in_there_a_second_later():
    follow = Followed()
    for at_s in np.arange(0, 2, 0.1):
        follow.see(found((max(0.0, 100 - 60 * at_s), 300, 140 - 60 * at_s, 400)), at_s)
    for at_s in np.arange(2, 3.5, 0.1):
        follow.step(found(), at_s)
    assert walk(follow, np.arange(3.5, 5, 0.1), x=-190)[-1] == 2


def test_a_picture_that_is_not_newer_changes_nothing():
    follow = Followed()
    walk(follow, np.arange(0, 1, 0.1))
    before = [asdict(track) for track in follow.tracker.tracks]
    step = follow.step(found(standing(900)), 0.9)
    assert step.tracks == [None]
    assert [asdict(track) for track in follow.tracker.tracks] == before


def test_end_all_ends_those_that_were_confirmed_and_time_may_begin_again():
    follow = Followed()
    walk(follow, np.arange(50, 51, 0.1))
    follow.see(found(standing(900)), 51.0)
    ended = follow.tracker.end_all()
    assert [track.number for track in ended] == [1]
    assert walk(follow, np.arange(0, 1, 0.1))[-1] == 2


def test_boxes_without_area_do_no_harm():
    follow = Followed()
    for at_s in np.arange(0, 1, 0.1):
        follow.see(found((0, 0, 0, 0), (5, 5, 5, 80), standing(300)), at_s)
    tracks = follow.tracker.tracks
    assert np.isfinite([(one.x, one.y, one.width, one.height) for one in tracks]).all()


def test_objects_come_and_go_for_minutes_and_none_is_kept():
    follow = Followed()
    for at_s in np.arange(0, 300, 0.1):
        follow.step(found(*(standing(200 + 300 * n + 20 * (at_s % 3)) for n in range(3))), at_s)
    assert len(follow.tracker.tracks) == 3


USUAL = Tuning()


def looks(seed, **habits):
    habits = {"fps": 10, "misses": 0.1} | habits
    return list(watched(street(seed, seconds=12), Habits(**habits), seed, seconds=12))


def numbered(pictures, *, tuning=USUAL, times=1.0, order=None):
    """The number of each box, picture by picture."""
    tracker = Tracker(STREET, tuning)
    numbers = []
    for look in pictures:
        shuffled = (
            np.arange(len(look.found)) if order is None else order.permutation(len(look.found))
        )
        boxes = Detections(
            look.found.xyxy_px[shuffled], look.found.score[shuffled], look.found.class_id[shuffled]
        )
        step = tracker.update(boxes, boxes.score >= 0.4, look.at_s * times, size_wh=SIZE)
        mine = np.array(numbers_of(step), np.int64)
        numbers.append(mine[np.argsort(shuffled)].tolist())
    return numbers


def same_objects(one, other):
    """The same boxes belong together, whatever the numbers."""
    pairs = {(a, b) for x, y in zip(one, other, strict=True) for a, b in zip(x, y, strict=True)}
    return len({a for a, _ in pairs}) == len({b for _, b in pairs}) == len(pairs)


@given(st.integers(0, 50), st.sampled_from([0.25, 2.0, 8.0]))
@settings(max_examples=8, deadline=None)
def test_a_world_that_is_so_many_times_slower_has_the_same_objects(seed, times):
    pictures = looks(seed)
    assert numbered(pictures) == numbered(pictures, tuning=Tuning().scaled(times), times=times)


@given(st.integers(0, 50))
@example(20)  # two boxes of one object come in the same picture
@settings(max_examples=8, deadline=None)
def test_the_order_of_boxes_means_nothing(seed):
    pictures = looks(seed)
    shuffled = numbered(pictures, order=np.random.default_rng(seed))
    assert same_objects(numbered(pictures), shuffled)


@given(st.integers(0, 50))
@settings(max_examples=5, deadline=None)
def test_larger_pictures_have_the_same_objects(seed):
    pictures = looks(seed)
    tracker = Tracker(STREET, Tuning())
    numbers = []
    for look in pictures:
        boxes = replace(look.found, xyxy_px=look.found.xyxy_px * 3)
        size = (SIZE[0] * 3, SIZE[1] * 3)
        step = tracker.update(boxes, boxes.score >= 0.4, look.at_s, size_wh=size)
        numbers.append(numbers_of(step))
    assert same_objects(numbers, numbered(pictures))
