"""Imports go down only."""

import ast
from pathlib import Path

import pytest

import rtwin

PACKAGE = Path(rtwin.__file__).parent
ALLOWED = {
    "units": set(),
    "errors": set(),
    "files": {"errors"},
    "scene": {"units", "errors", "files"},
    "channel": {"units", "errors", "files"},
    "link": {"units", "errors", "files"},
    "trace": {"scene", "channel", "units", "errors", "files"},
    "dataset": {"trace", "channel", "link", "scene", "units", "errors", "files"},
    "calibration": {"dataset", "trace", "channel", "scene", "units", "errors", "files"},
    "horizontal": {
        "plot",
        "calibration",
        "dataset",
        "trace",
        "channel",
        "scene",
        "units",
        "errors",
        "files",
    },
    "plot": {"dataset", "channel", "scene", "units", "errors", "files"},
    "view": {"plot", "dataset", "trace", "channel", "scene", "units", "errors", "files"},
    "export": {"plot", "dataset", "channel", "scene", "units", "errors", "files"},
    "experiments": {"dataset", "channel", "link", "scene", "plot", "units", "errors", "files"},
    "cli": {
        "calibration",
        "experiments",
        "export",
        "horizontal",
        "view",
        "plot",
        "dataset",
        "trace",
        "channel",
        "link",
        "scene",
        "units",
        "errors",
        "files",
    },
}
ENGINE = {"sionna", "mitsuba", "drjit"}
FILES = sorted(p for p in PACKAGE.rglob("*.py") if "_scenes" not in p.parts)


def layer_of(file):
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(file):
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module or ""


def test_every_file_has_a_layer():
    assert {layer_of(f) for f in FILES} <= {*ALLOWED, "__init__", "__main__"}


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(PACKAGE)))
def test_imports_go_down(file):
    layer = layer_of(file)
    for name in imports(file):
        parts = name.split(".")
        if parts[0] == "rtwin" and len(parts) > 1 and layer in ALLOWED:
            assert parts[1] == layer or parts[1] in ALLOWED[layer], f"{layer} imports {name}"
        assert parts[0] not in ENGINE or layer == "trace", f"{layer} imports the engine: {name}"
        assert parts[0] not in {"tensorflow", "keras"} or (
            file.name == "reader.py" or layer == "horizontal"
        )


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(PACKAGE)))
def test_files_fit_in_the_head(file):
    assert len(file.read_text().splitlines()) <= 450


@pytest.mark.parametrize("layer", sorted(set(ALLOWED) - {"units", "errors", "files"}))
def test_exported_names_exist_and_are_sorted(layer):
    module = __import__(f"rtwin.{layer}", fromlist=["*"])
    for name in module.__all__:
        assert getattr(module, name) is not None
    capitals_first = sorted(module.__all__, key=lambda n: (not n.isupper(), n[0].islower(), n))
    assert list(module.__all__) == capitals_first
