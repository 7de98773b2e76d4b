"""The material table against the installed engine's, read without importing it."""

import ast
import importlib.util
from pathlib import Path

import pytest

from rtwin.scene import ITU_TABLE


def test_table_equals_the_engine_s():
    spec = importlib.util.find_spec("sionna")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("sionna-rt is not installed")
    source = Path(spec.submodule_search_locations[0]) / "rt" / "radio_materials" / "itu.py"
    for node in ast.parse(source.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and node.targets[0].id == "ITU_MATERIALS_PROPERTIES":
            theirs = ast.literal_eval(node.value)
            break
    ours = {
        name: {(low, high): tuple(parameters) for low, high, *parameters in rows}
        for name, rows in ITU_TABLE.items()
    }
    assert ours == theirs
    # The order decides where ranges overlap.
    assert {n: list(r) for n, r in ours.items()} == {n: list(r) for n, r in theirs.items()}
    assert len(ours) == 19
