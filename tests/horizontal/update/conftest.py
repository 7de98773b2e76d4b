"""Twins that tests of updates may change."""

import pytest


@pytest.fixture
def own(folder, tmp_path):
    """A copy of the module's `folder`, without its library."""
    copy = tmp_path / "own.twin"
    copy.mkdir()
    for file in folder.glob("*.h5"):
        (copy / file.name).write_bytes(file.read_bytes())
    return copy
