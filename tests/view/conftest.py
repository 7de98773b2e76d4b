"""Pages of the two-box scene, and what a browser would read from them."""

import json
import re
from html import unescape

import pytest

from rtwin.dataset import generate, generate_radio_map
from rtwin.view import write_page
from rtwin.view.buffers import decode


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
    # The last receiver stands inside the metal box.
    receivers = {
        "kind": "list",
        "keep_invalid": True,
        "positions_m": [
            [25, -25, 1.5],
            [-5, 8, 1.5],
            [-35, -20, 1.5],
            [10, 35, 1.5],
            [-18, -15, 3],
        ],
    }
    recipe = two_boxes(receivers=receivers, solver={"refraction": False})
    return generate(recipe, tmp_path_factory.mktemp("view") / "paths.h5")


@pytest.fixture(scope="session")
def map_file(two_boxes, tmp_path_factory):
    return generate_radio_map(two_boxes(), tmp_path_factory.mktemp("view") / "map.h5")


@pytest.fixture(scope="session")
def both_file(paths_file, map_file, tmp_path_factory):
    return write_page([paths_file, map_file], tmp_path_factory.mktemp("view") / "both.html").file


@pytest.fixture(scope="session")
def both(both_file):
    return Page(both_file)
