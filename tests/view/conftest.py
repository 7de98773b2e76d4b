"""Pages of the two-box scene, and what a browser would read from them."""

import json
import re
from html import unescape

import pytest

from rtwin.dataset import generate
from rtwin.view import write_page
from rtwin.view.buffers import decode

from ..tables import WITH_A_DEAD_SPOT


class Page:
    """A page as its script sees it."""

    def __init__(self, file):
        self.text = file.read_text(encoding="utf-8")
        self.content = json.loads(self.block("page-data"))
        self.arrays = decode(self.block("page-arrays"), self.content["buffers"])

    def block(self, name):
        found = re.findall(rf'<script type="[^"]+" id="{name}">(.*?)</script>', self.text, re.S)
        assert len(found) == 1
        return found[0]

    @property
    def policy(self):
        return unescape(re.search(r'Content-Security-Policy" content="([^"]*)"', self.text)[1])


@pytest.fixture(scope="session")
def read_page():
    return Page


@pytest.fixture(scope="session")
def paths_file(two_boxes, tmp_path_factory):
    recipe = two_boxes(receivers=WITH_A_DEAD_SPOT, solver={"refraction": False})
    return generate(recipe, tmp_path_factory.mktemp("view") / "paths.h5")


@pytest.fixture(scope="session")
def both_file(paths_file, map_file, tmp_path_factory):
    return write_page([paths_file, map_file], tmp_path_factory.mktemp("view") / "both.html").file


@pytest.fixture(scope="session")
def both(both_file):
    return Page(both_file)
