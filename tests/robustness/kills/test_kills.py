"""Every command that writes, killed at every call to the file system, and then run again.

After the kill nothing stands under a final name that is not whole, and nothing of the user's is
touched. The same command then makes what it makes undisturbed, and leaves nothing else behind.
"""

import shutil

import pytest

from .commands import COMMANDS, content, copy_inputs
from .reaper import watched

LETTER = "dear diary"


def fresh(inputs, place):
    """A folder of inputs, with a file that somebody keeps there."""
    shutil.rmtree(place, ignore_errors=True)
    copy_inputs(inputs, place)
    (place / "letter.txt").write_text(LETTER)
    return place


def names(place):
    return sorted(p.relative_to(place).as_posix() for p in place.rglob("*") if p.name != "lock")


def every(command, place):
    return [content(place / made) for made in command.makes]


@pytest.mark.slow
# Finalizers of what the dead process held run in this one, and die as well.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c.name)
def test_killed_at_every_call(command, inputs, tmp_path, table):
    place = fresh(inputs, tmp_path / "here")
    before = every(command, place)
    with watched(place) as whole:
        command.run(place)
    wanted, listed = every(command, place), names(place)
    assert all(wanted)
    calls = list(whole.calls)  # the next run counts its own
    points = [(at, False) for at in range(1, len(calls) + 1)]
    points += [(at, True) for at, kind in enumerate(calls, 1) if kind == "rename"]
    for at, is_torn in points:
        fresh(inputs, place)
        with watched(place, at, is_torn) as reaper:
            command.run(place)
        assert reaper.is_dead, f"call {at} of {len(calls)} did not come"
        where = f"{command.name}, killed at call {at} ({calls[at - 1]}), torn: {is_torn}"
        for found, old, new in zip(every(command, place), before, wanted, strict=True):
            assert found in ("", old, new), f"{where}: neither old nor new"
        assert (place / "letter.txt").read_text() == LETTER, where
        command.run(place)
        assert every(command, place) == wanted, where
        assert names(place) == listed, where
    torn = sum(is_torn for _, is_torn in points)
    table.append((command.name, len(calls), len(points), torn))


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c.name)
def test_finished_command_repeated_changes_nothing(command, inputs, tmp_path):
    place = fresh(inputs, tmp_path / "here")
    command.run(place)
    made, listed, times = every(command, place), names(place), stamps(place)
    command.run(place)
    assert every(command, place) == made
    assert names(place) == listed
    if not command.name.startswith(("plot", "render", "view", "horizontal")):  # drawn anew
        assert stamps(place) == times


def stamps(place):
    return {name: (place / name).stat().st_mtime_ns for name in names(place)}
