"""How many more fit, and what more would need."""

from daemon.fleet.capacity import outlook, servers_for
from daemon.fleet.placement import Demand, Room
from daemon.fleet.words import plan_lines

ROOMS = [Room("north", 4.0, 100.0), Room("south", 2.0, 100.0)]
DEMANDS = [Demand(f"cam{n}", 1, 0.5, 5.0) for n in range(4)]
PLACES = {"cam0": "north", "cam1": "north", "cam2": "south", "cam3": "south"}


def test_what_fits_is_counted_by_server_and_by_what_runs_out_first() -> None:
    seen = outlook(DEMANDS, ROOMS, PLACES)
    assert seen.by_node == {"north": 6, "south": 2}
    assert (seen.more, seen.short_of) == (8, "cores for decoding")


def test_servers_that_would_be_needed_are_like_the_largest_one() -> None:
    typical = outlook(DEMANDS, ROOMS, PLACES).typical
    assert servers_for(8, typical, ROOMS[0], has=8) == 0
    assert servers_for(9, typical, ROOMS[0], has=8) == 1
    assert servers_for(30, typical, ROOMS[0], has=8) == 3


def test_a_camera_that_is_too_large_for_any_server_is_said_so() -> None:
    huge = Demand("huge", 1, 100.0, 5.0)
    assert servers_for(1, huge, ROOMS[0], has=0) == -1
    lines = list(plan_lines([huge], ROOMS, {}, 1))
    assert lines[-1] == "not even one such camera fits on a server like north"


def test_the_plan_is_told_in_words() -> None:
    lines = list(plan_lines(DEMANDS, ROOMS, PLACES, 30))
    assert lines == [
        "4 cameras, 4 placed; a typical one takes 0.500 cores and 5.0 pictures/s",
        "north            6 more",
        "south            2 more",
        "8 more cameras fit; short first: cores for decoding",
        "30 more need 3 further servers like north",
    ]
