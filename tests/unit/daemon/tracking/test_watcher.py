import gc
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.zones import LineConfig, TrackingConfig, ZoneConfig
from daemon.tracking.tracks import Track
from tests.support.tracking import SIZE, Watching, found, standing

YARD = {"area": [[0.25, 0.0], [0.75, 0.0], [0.75, 1.0], [0.25, 1.0]]}  # x from 320 to 960
DOOR = {"from": [0.5, 0.1], "to": [0.5, 0.9], "left": "in", "right": "out"}  # x = 640, downwards


def stroll(watching, xs, *, fps=10, start_s=0.0, y=400.0, **box):
    """Somebody is at these places, one picture each."""
    for n, x in enumerate(xs):
        boxes = [] if x is None else [standing(x, y)]
        watching.see(found(*boxes, **box), start_s + n / fps)
    return start_s + len(xs) / fps


def wait(watching, start_s, seconds, fps=10):
    for n in range(int(seconds * fps)):
        watching.see(found(), start_s + n / fps)


def test_a_life_is_new_then_end_and_nothing_else_where_nothing_changes():
    watching = Watching()
    end_s = stroll(watching, np.linspace(100, 400, 40))
    wait(watching, end_s, 3)
    assert watching.story() == ["1 new", "1 end"]
    new, end = watching.happened
    assert new.since_ns == end.since_ns == 1000 * 10**9
    assert end.at_ns == pytest.approx((1000 + 3.9) * 1e9, abs=1e6)
    assert end.reason == "gone"
    assert end.duration_s == pytest.approx(3.9)
    assert end.of.first.box[0] == pytest.approx(80, abs=1)
    assert end.of.label == "person"


def test_boxes_say_which_object_they_are_once_it_is_known():
    watching = Watching(zones={"yard": YARD})
    first = watching.see(found(standing(600)), 0.0)
    assert first.objects == (None,)
    for n in range(1, 20):
        account = watching.see(found(standing(600), standing(100)), n / 10)
    yard, beside = account.objects
    assert (yard.track, yard.zones, yard.stationary) == (1, ("yard",), False)
    assert yard.age_s == pytest.approx(1.9)
    assert (beside.track, beside.zones) == (2, ())


def test_best_is_the_most_certain_picture_and_an_update_tells_a_better_one():
    watching = Watching()
    scores = [0.5] * 15 + [0.9] + [0.5] * 20
    for n, score in enumerate(scores):
        watching.see(found(standing(300 + n), score=score), n / 10)
    assert watching.story() == ["1 new", "1 update"]
    assert watching.happened[1].of.best.score == pytest.approx(0.9)
    assert watching.happened[1].of.best.captured_ns == pytest.approx(1001.5e9, abs=1e6)


def test_updates_are_one_a_second_at_most():
    watching = Watching()
    for n in range(100):
        watching.see(found(standing(300 + n), score=0.4 + n * 0.005), n / 10)
    updates = [one.at_ns for one in watching.happened if one.phase == "update"]
    assert 2 <= len(updates) <= 10
    assert min(np.diff(updates)) >= 1e9 - 1e6


def test_a_parked_car_is_stationary_after_a_while_and_says_so_once():
    watching = Watching()
    rng = np.random.default_rng(3)
    for n in range(600):
        box = tuple(np.array([500, 300, 700, 400]) + rng.normal(0, 3, 4))
        score = 0.8 if n % 150 < 130 else 0.2  # the light changes
        account = watching.see(found(box, label="car", score=score), n / 10)
    assert account.objects[0].stationary
    assert watching.story()[0] == "1 new"
    assert {one.of.track for one in watching.happened} == {1}
    assert sum(one.of.stationary for one in watching.happened if one.phase == "update") >= 1
    assert len(watching.happened) <= 4


def test_who_crosses_a_zone_enters_and_leaves_it_at_its_borders():
    watching = Watching(zones={"yard": YARD})
    end_s = stroll(watching, np.linspace(100, 1180, 109))  # 100 px/s: in at 2.2 s, out at 8.6 s
    wait(watching, end_s, 3)
    assert watching.story("zone") == ["1 entered yard", "1 left yard"]
    entered, left = [one for one in watching.happened if one.event == "zone"]
    assert entered.at_ns / 1e9 - 1000 == pytest.approx(2.2, abs=0.25)
    assert left.at_ns / 1e9 - 1000 == pytest.approx(8.6, abs=0.25)
    assert left.since_ns == entered.at_ns
    assert left.duration_s == pytest.approx(6.4, abs=0.3)
    assert not left.uncertain
    assert entered.of.zones == ("yard",)
    assert left.of.zones == ()


def test_a_foot_on_the_border_enters_at_most_once():
    watching = Watching(zones={"yard": YARD})
    rng = np.random.default_rng(4)
    stroll(watching, 320 + rng.normal(0, 6, 300))
    assert watching.story("zone") in ([], ["1 entered yard"])


def test_who_stays_loiters_once():
    watching = Watching(zones={"yard": YARD | {"loiter_after_s": 5}})
    stroll(watching, [600] * 100)
    assert watching.story("zone") == ["1 entered yard", "1 loitering yard"]
    loitering = watching.happened[-1]
    assert loitering.duration_s == pytest.approx(5, abs=0.15)


def test_who_is_lost_in_a_zone_leaves_it_before_its_life_ends():
    watching = Watching(zones={"yard": YARD})
    wait(watching, stroll(watching, [600] * 20), 6)
    assert watching.story() == ["1 new", "1 entered yard", "1 left yard", "1 end"]
    left, end = watching.happened[-2:]
    assert left.uncertain
    assert left.at_ns == end.at_ns


@pytest.mark.parametrize(
    ("limits", "counts"),
    [
        ({"labels": ["car"]}, False),
        ({"labels": ["person", "car"]}, True),
        ({"min_area": 0.01}, False),
        ({"min_area": 0.004}, True),
        ({"filters": {"person": {"min_score": 0.9}}}, False),
        ({"filters": {"person": {"max_ratio": 0.3}}}, False),
        ({"filters": {"car": {"min_score": 0.9}}}, True),
    ],
)
def test_zones_and_lines_count_whom_they_are_for(limits, counts):
    watching = Watching(zones={"yard": YARD | limits}, lines={"door": DOOR | limits})
    stroll(watching, np.linspace(400, 900, 60))
    assert len(watching.story("zone", "line")) == (2 if counts else 0)


def test_the_middle_of_a_box_counts_where_that_is_the_anchor():
    high = {"area": [[0, 0], [1, 0], [1, 0.52], [0, 0.52]]}  # y to 374: middles at 350, feet at 400
    watching = Watching(zones={"feet": high, "middles": high | {"anchor": "center"}})
    stroll(watching, np.linspace(400, 700, 30))
    assert watching.story("zone") == ["1 entered middles"]


@pytest.mark.parametrize(
    ("xs", "direction"),
    [(np.linspace(400, 900, 50), "in"), (np.linspace(900, 400, 50), "out")],
)
def test_left_and_right_are_those_of_one_who_looks_along_the_line(xs, direction):
    watching = Watching(lines={"door": DOOR})
    stroll(watching, xs)
    assert watching.story("line") == [f"1 crossed door {direction}"]
    (crossed,) = [one for one in watching.happened if one.event == "line"]
    assert crossed.at_ns / 1e9 - 1000 == pytest.approx(
        abs(640 - xs[0]) / abs(xs[1] - xs[0]) / 10, abs=0.2
    )
    assert not crossed.uncertain


def test_who_wavers_on_the_line_never_crosses():
    watching = Watching(lines={"door": DOOR})
    rng = np.random.default_rng(5)
    xs = [*np.linspace(500, 640, 30), *(640 + rng.normal(0, 5, 300)), *np.linspace(640, 500, 30)]
    stroll(watching, xs)
    assert watching.story("line") == []


def test_who_goes_there_and_back_crosses_twice():
    watching = Watching(lines={"door": DOOR})
    xs = [*np.linspace(400, 800, 40), *np.linspace(800, 400, 40)]
    stroll(watching, xs)
    assert watching.story("line") == ["1 crossed door in", "1 crossed door out"]


def test_who_walks_around_the_end_of_a_line_does_not_cross_it():
    watching = Watching(lines={"door": {"from": [0.5, 0.7], "to": [0.5, 0.9]}})
    stroll(watching, np.linspace(400, 900, 50), y=300)
    assert watching.story("line") == []


def test_a_crossing_behind_a_pole_counts_and_is_uncertain():
    watching = Watching(lines={"door": DOOR})
    xs = [None if 580 < x < 700 else x for x in np.linspace(400, 900, 51)]
    stroll(watching, xs)
    (crossed,) = [one for one in watching.happened if one.event == "line"]
    assert crossed.uncertain
    assert crossed.of.track == 1


def test_a_crossing_survives_another_number_in_the_middle_of_it():
    watching = Watching(lines={"door": DOOR}, tracking={"forget_after_s": 5})
    end_s = stroll(watching, np.linspace(560, 630, 8))
    other = [standing(x, 400, width=44, height=230) for x in np.linspace(655, 740, 9)]
    for n, box in enumerate(other):  # so much larger that it is another object
        watching.see(found(box), end_s + n / 10)
    assert [one.of.track for one in watching.happened if one.phase == "new"] == [1, 2]
    assert watching.story("line") == ["2 crossed door in"]


def test_who_is_born_on_the_other_side_has_not_crossed():
    watching = Watching(lines={"door": DOOR})
    stroll(watching, np.linspace(660, 900, 30))
    assert watching.story("line") == []


def test_another_size_of_the_pictures_interrupts_every_life():
    watching = Watching(zones={"yard": YARD})
    stroll(watching, [600] * 20)
    watching.see(found(standing(600)), 2.0, size=(640, 360))
    assert watching.story()[-2:] == ["1 left yard", "1 end"]
    assert {one.reason for one in watching.happened[-2:]} == {"interrupted"}


def test_time_that_passes_without_pictures_ends_lives():
    watching = Watching(zones={"yard": YARD})
    stroll(watching, np.linspace(500, 600, 20))
    assert watching.watcher.pass_time(2.5) == []
    happened = watching.watcher.pass_time(5.0)
    assert [one.phase for one in happened] == ["left", "end"]
    assert happened[-1].reason == "interrupted"
    assert watching.watcher.pass_time(6.0) == []
    assert watching.watcher.counts().present == {}


def test_a_stream_that_comes_back_soon_goes_on_with_its_objects():
    watching = Watching()
    stroll(watching, [600] * 20)
    stroll(watching, [600] * 5, start_s=3.5)
    assert watching.story() == ["1 new"]


def test_nobody_keeps_an_object_that_is_gone():
    def tracks():
        return {id(one) for one in gc.get_objects() if isinstance(one, Track)}

    before = tracks()
    watching = Watching(zones={"yard": YARD}, lines={"door": DOOR})
    end_s = stroll(watching, np.linspace(100, 1000, 40))
    stroll(watching, [300], start_s=end_s)  # somebody else, who is never confirmed
    assert len(tracks() - before) == 2
    wait(watching, end_s + 0.1, 3)
    assert watching.story("object") == ["1 new", "1 end"]
    assert tracks() <= before


def test_counts_say_who_is_there_and_who_crossed():
    watching = Watching(zones={"yard": YARD}, lines={"door": DOOR})
    for n, x in enumerate(np.linspace(560, 760, 30)):
        car = (500.0, 300.0, 560.0, 340.0)
        boxes = found(standing(x), standing(100))
        cars = found(car, label="car")
        both = type(boxes)(
            np.concatenate([boxes.xyxy_px, cars.xyxy_px]),
            np.concatenate([boxes.score, cars.score]),
            np.concatenate([boxes.class_id, cars.class_id]),
        )
        watching.see(both, n / 10)
    counts = watching.watcher.counts()
    assert counts.present == {"person": 2, "car": 1}
    assert counts.zones == {"yard": {"person": 1, "car": 1}}
    assert counts.lines == {"door": {"person": {"in": 1, "out": 0}}}


def test_other_zones_and_lines_keep_the_objects_and_what_is_the_same():
    watching = Watching(zones={"yard": YARD, "lawn": YARD}, lines={"door": DOOR})
    stroll(watching, np.linspace(500, 800, 30))
    told = watching.watcher.retune(
        TrackingConfig(),
        {"yard": ZoneConfig(**YARD), "lawn": ZoneConfig(**YARD, enter_after_s=2.0)},
        {"door": LineConfig(**DOOR), "gate": LineConfig(**DOOR)},
    )
    assert [(one.phase, one.place, one.reason) for one in told] == [("left", "lawn", "interrupted")]
    watching.happened.clear()
    stroll(watching, np.linspace(800, 500, 30), start_s=3.0)
    assert watching.story("line", "object") == ["1 crossed door out", "1 crossed gate out"]
    assert watching.watcher.counts().lines["door"] == {"person": {"in": 1, "out": 1}}


def crossing_world(angle, speed, fps, seed, misses):
    """One walker who crosses the middle of the picture at an angle, box by box and time by time."""
    rng = np.random.default_rng(seed)
    direction = np.array([np.cos(angle), np.sin(angle)])
    length_s = 460 / speed
    at_s = 0.0
    while at_s < length_s:
        spot = np.array([640, 390]) + direction * (speed * at_s - 230)
        seen = rng.random() >= misses
        shaken = rng.normal(0, 1.5, 4)
        yield at_s, [tuple(np.array(standing(*spot)) + shaken)] if seen else []
        at_s += (1 + 0.3 * rng.uniform(-1, 1)) / fps


@given(
    st.floats(0, 2 * np.pi),
    st.floats(40, 160),
    st.sampled_from([5, 10, 30]),
    st.integers(0, 1000),
    st.sampled_from([0.0, 0.1, 0.2]),
)
@settings(max_examples=60, deadline=None)
def test_every_crossing_is_counted_once_at_any_angle_speed_and_rate(
    angle, speed, fps, seed, misses
):
    across = angle + np.pi / 2
    reach = np.array([np.cos(across), np.sin(across)]) * 0.3
    middle = np.array((0.5, 0.5))
    line = {"from": (middle - reach).tolist(), "to": (middle + reach).tolist()}
    watching = Watching(lines={"door": line})
    for at_s, boxes in crossing_world(angle, speed, fps, seed, misses):
        watching.see(found(*boxes), at_s)
    assert len(watching.story("line")) == 1


@given(st.lists(st.tuples(st.floats(200, 1080), st.booleans()), min_size=10, max_size=150))
@settings(max_examples=30, deadline=None)
def test_whatever_comes_lives_are_whole_and_who_enters_leaves(steps):
    watching = Watching(zones={"yard": YARD}, lines={"door": DOOR})
    x = 200.0
    for n, (goal, seen) in enumerate(steps):
        x += max(-40.0, min(40.0, goal - x))
        watching.see(found(*([standing(x)] if seen else [])), n / 8)
    inside = watching.watcher.counts().zones["yard"].get("person", 0)
    gone = len([s for s in watching.story("zone") if "left" in s])
    came = len([s for s in watching.story("zone") if "entered" in s])
    assert came == gone + inside
    watching.happened += watching.watcher.end_all()
    for track, life in itertools.groupby(
        sorted(watching.happened, key=lambda one: one.of.track), key=lambda one: one.of.track
    ):
        phases = [one.phase for one in life if one.event == "object"]
        assert (phases[0], phases[-1]) == ("new", "end"), track
        assert phases.count("new") == phases.count("end") == 1
    assert all(one.duration_s >= 0 for one in watching.happened)
    assert all(one.size == SIZE for one in watching.happened)
