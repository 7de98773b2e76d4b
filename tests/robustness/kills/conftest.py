"""Inputs of the commands, and the table of kill points at the end of a run."""

from collections.abc import Iterator

import pytest

from rtwin.trace.engine import start_engine

from .commands import make_inputs

_ROWS = pytest.StashKey[list[tuple[str, int, int, int]]]()
HEADER = ("command", "calls", "kill points", "torn files")


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Threads add up a Monte Carlo map in the order in which they come: it would not repeat."""
    start_engine().dr.set_thread_count(1)


@pytest.fixture(scope="session")
def inputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inputs")
    make_inputs(folder)
    return folder


@pytest.fixture
def table(request) -> list[tuple[str, int, int, int]]:
    """Rows of the table; each command adds its own."""
    return request.config.stash.setdefault(_ROWS, [])


def rows(config: pytest.Config) -> Iterator[str]:
    found = config.stash.get(_ROWS, [])
    if found:
        total = [sum(row[column] for row in found) for column in (1, 2, 3)]
        yield f"| {' | '.join(HEADER)} |"
        yield "|---|---|---|---|"
        yield from (f"| {' | '.join(map(str, row))} |" for row in [*found, ("all", *total)])


def pytest_terminal_summary(terminalreporter):
    for line in rows(terminalreporter.config):
        terminalreporter.write_line(line)
