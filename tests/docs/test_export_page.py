"""docs/export.md explains every format, and its options as they are."""

import json
import re

import pytest

from rtwin.export import FORMATS
from rtwin.export.learning.tfrecord import FEATURES

from .conftest import commands
from .markdown import ROOT, table_after

PAGE = ROOT / "docs" / "export.md"
TEXT = PAGE.read_text(encoding="utf-8")


def heading(name):
    return "netcdf and zarr" if name in ("netcdf", "zarr") else name


def shown(value):
    return f"`{json.dumps(value) if isinstance(value, bool) else value}`" if value != "" else ""


@pytest.mark.parametrize("item", FORMATS, ids=lambda f: f.name)
def test_options_are_those_of_the_writer(item):
    assert f"\n## {heading(item.name)}\n" in TEXT
    if item.options:
        rows = table_after(PAGE, heading(item.name))
        wanted = [[f"`{o.name}`", shown(o.default), o.help] for o in item.options]
        assert rows == wanted


@pytest.mark.parametrize("item", FORMATS, ids=lambda f: f.name)
def test_every_format_has_a_command(item):
    written = [c.text for c in commands(PAGE)] + re.findall(r"^    (rtwin .*)$", TEXT, re.MULTILINE)
    assert any(f"--to {item.name} " in text for text in written)


def test_overview_lists_every_format():
    rows = table_after(PAGE, "Exports")
    listed = [name for row in rows for name in re.findall(r"\[([a-z0-9-]+)\]", row[0])]
    assert listed == [item.name for item in FORMATS]


def test_features_of_a_record():
    rows = table_after(PAGE, "tfrecord")
    assert rows == [[f"`{name}`", kind, meaning] for name, kind, meaning in FEATURES]
