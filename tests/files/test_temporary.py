"""What killed processes left is removed by the next one; what others work on stays."""

import os
import subprocess
import sys

import pytest

from rtwin.files.temporary import _HOST, is_temporary, sweep, temporary_beside


@pytest.fixture(scope="module")
def gone():
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def left(folder, target, pid, host=_HOST, suffix=""):
    file = folder / f".{target}.{host}-{pid}.tmp{suffix}"
    file.write_text("half")
    return file


def test_name(tmp_path):
    name = temporary_beside(tmp_path / "map.h5", ".h5")
    assert name.name == f".map.h5.{_HOST}-{os.getpid()}.tmp.h5"
    assert name.parent == tmp_path
    assert is_temporary(name)
    assert not is_temporary(tmp_path / "map.h5")
    # A folder that is not there yet is nobody's mistake.
    assert temporary_beside(tmp_path / "none" / "map.h5").parent == tmp_path / "none"


def test_only_what_dead_processes_left_for_the_same_target_goes(tmp_path, gone):
    half = left(tmp_path, "map.h5", gone, suffix=".h5")
    folder = tmp_path / f".map.h5.{_HOST}-{gone}.tmp"
    (folder / "inside").mkdir(parents=True)
    others = [
        left(tmp_path, "map.h5", os.getppid()),  # at work
        left(tmp_path, "map.h5", gone, host="0" * 8),  # on another machine
        left(tmp_path, "my-map.h5", gone),  # another target
    ]
    mine = tmp_path / ".map.h5.tmp"  # a name that a person may choose
    mine.write_text("dear")
    temporary_beside(tmp_path / "map.h5")
    assert not half.exists()
    assert not folder.exists()
    assert all(file.exists() for file in [*others, mine])
    sweep(tmp_path)
    assert not others[2].exists()
    assert mine.exists()


def test_own_leftover_of_an_equal_number_goes(tmp_path):
    """In containers every process may have the number 1."""
    half = left(tmp_path, "map.h5", os.getpid())
    assert temporary_beside(tmp_path / "map.h5") == half
    assert not half.exists()
