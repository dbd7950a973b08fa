"""Nodes that go on alone."""

from daemon.gateway.islands import MOST, SILENT_S, Islands


def test_a_node_is_an_island_for_as_long_as_it_asks():
    islands = Islands()
    islands.note("a", 0.0)
    islands.note("b", 5.0)
    islands.note("a", 6.0)
    assert islands.names(10.0) == {"a", "b"}
    assert islands.names(5.0 + SILENT_S + 0.1) == {"a"}
    assert islands.names(100.0) == frozenset()


def test_names_that_somebody_makes_up_are_bounded():
    islands = Islands()
    for number in range(MOST + 5):
        islands.note(f"node-{number}", 0.0)
    assert len(islands.names(0.0)) == MOST
    assert "node-0" not in islands.names(0.0)
