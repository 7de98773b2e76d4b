"""Damaged inputs of every kind: one line or a result, never more; docs/robustness.md."""

import sys

import pytest

from .cases import KINDS
from .crew import Crew

QUICK = {"hdf5 bytes": 6, "hdf5 structure": 6, "names": 6}  # cases of a kind; 2 of the others
MANY = {"hdf5 structure": 500, "hdf5 bytes": 400, "options": 300, "names": 200}  # else 200


@pytest.fixture(scope="module")
def crew(whole_files, tmp_path_factory):
    crew = Crew(whole_files, tmp_path_factory.mktemp("cases"))
    yield crew
    crew.close()


def run_all(crew, counts, usual, first):
    for kind in KINDS:
        for seed in range(first, first + counts.get(kind, usual)):
            crew.run(kind, seed)
    failures = [f"{kind} {seed}: {problem}" for kind, seed, problem in crew.failures]
    assert not failures, "\n".join(failures)


def test_some(crew):
    run_all(crew, QUICK, 2, 0)
    assert sum(crew.counts.values()) > 30


@pytest.mark.slow
def test_thousands(crew, capsys):
    try:
        run_all(crew, MANY, 200, 1000)
    finally:
        with capsys.disabled():
            sys.stdout.write(f"\n{crew.table()}\n")  # the table of docs/robustness.md
    assert sum(crew.counts.values()) >= 3000


def test_the_same_seed_is_the_same_case(whole_files, tmp_path):
    from .cases import make_case

    for kind in KINDS:
        made = []
        for name in "ab":
            folder = tmp_path / f"{kind}-{name}"
            arguments = make_case(kind, 7, whole_files, folder)
            made.append([a.replace(str(folder), "") for a in arguments])
        assert made[0] == made[1]
