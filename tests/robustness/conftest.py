"""Whole files for cases to damage."""

import pytest

from .fixtures import make_fixtures


@pytest.fixture(scope="session")
def whole_files(tmp_path_factory):
    """The folder of samples.make_fixtures."""
    folder = tmp_path_factory.mktemp("fixtures")
    make_fixtures(folder)
    return folder
