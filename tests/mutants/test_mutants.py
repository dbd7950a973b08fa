"""No damage to a stream kills the process that decodes it; `python -m tests.mutants` tries more."""

from __future__ import annotations

import pytest

from tests.mutants import tally
from tests.mutants.mutation import mutated
from tests.mutants.recordings import recordings

pytestmark = pytest.mark.integration

COUNT = 200
DIES_OF_3 = """
import os, signal, sys
for seed in range(int(sys.argv[1]), int(sys.argv[2])):
    print("begin", seed, flush=True)
    if seed == 3:
        os.kill(os.getpid(), signal.SIGSEGV)
    print("end", seed, "kind", "pictures", flush=True)
print("done", 1)
"""


def test_mutated_streams_end_in_words_of_ours() -> None:
    found = tally.run(0, COUNT)
    assert found.deaths == {}
    assert found.foreign == {}
    assert found.total == COUNT
    assert len({kind for kind, _ in found.outcomes}) == 8, "a kind of recording is missing"
    assert len({ended for _, ended in found.outcomes}) > 3, "the damage does nothing"
    assert found.peak_mb < 1000


def test_a_seed_makes_the_same_mutant_again() -> None:
    recording = recordings()[0]
    assert mutated(recording, 7) == mutated(recording, 7) != mutated(recording, 8)


def test_a_process_that_dies_costs_one_mutant() -> None:
    found = tally.run(0, 5, worker=("-c", DIES_OF_3))
    assert list(found.deaths) == [3]
    assert "exit code -11" in found.deaths[3]
    assert found.total == 5
