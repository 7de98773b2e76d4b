"""The script that draws mutants changes what it says, and what it makes is Python."""

import ast
import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SAMPLE = """\
def share(values: list[int | None], most: int = 10, *, loud=True) -> float | None:
    # A sum - of what is there.
    total = 0.0
    for value in values:
        if value is not None and not (value < 0 or value >= most):
            total += value * 2
    rest = -(most // 3)
    return total / most if loud else rest


pairs = list(zip([1], "a", strict=True))
"""
WANTED = {
    ("10", "11"),
    ("True", "False"),
    ("0.0", "1.0"),
    ("is not", "is"),
    ("and", "or"),
    ("not", ""),
    ("<", "<="),
    ("<", ">"),
    ("<", ">="),
    ("0", "1"),
    ("or", "and"),
    (">=", "<"),
    (">=", "<="),
    (">=", ">"),
    ("+", "-"),
    ("*", "/"),
    ("2", "3"),
    ("-", ""),
    ("//", "*"),
    ("3", "4"),
    ("/", "*"),
    ("1", "2"),
}


@pytest.fixture(scope="module")
def mutation():
    spec = importlib.util.spec_from_file_location("mutation", ROOT / "benchmarks" / "mutation.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["mutation"] = module
    spec.loader.exec_module(module)
    return module


def test_points_of_a_sample(mutation, tmp_path):
    file = tmp_path / "sample.py"
    file.write_text(SAMPLE)
    found = [(point, new) for point in mutation.points(file) for new in point.choices]
    assert {(point.old, new) for point, new in found} == WANTED
    for point, new in found:
        changed = mutation.mutated(point, new).decode()
        ast.parse(changed)
        assert changed != SAMPLE
        assert len(changed) - len(SAMPLE) == len(new) - len(point.old)
        assert SAMPLE.splitlines()[point.line - 1].count(point.old)
    # Neither annotations nor comments nor guards are touched.
    assert not any(point.line == 2 for point, _ in found)
    assert not any(point.old in ("|", "True") and point.line != 1 for point, _ in found)


def test_points_of_the_package_are_python(mutation):
    files = sorted((ROOT / "rtwin").rglob("*.py"))
    every = [(point, point.choices[0]) for file in files for point in mutation.points(file)]
    assert len(every) > 10_000
    for point, new in every[::199]:
        ast.parse(mutation.mutated(point, new))
