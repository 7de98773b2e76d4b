"""Imports go down only."""

import ast
from functools import cache
from graphlib import TopologicalSorter
from importlib import import_module
from pathlib import Path

import pytest

import rtwin
from rtwin.errors import MissingExtraError
from rtwin.extras import lazy_members, needs

PACKAGE = Path(rtwin.__file__).parent
BASE = {"arrays", "errors", "extras", "files", "progress", "settings", "shown", "units"}
TWINS = {"calibration", "channel", "dataset", "horizontal", "link", "plot", "scene", "trace"}
ALLOWED = {
    "progress": set(),
    "shown": set(),
    "arrays": set(),
    "units": {"arrays"},
    "errors": set(),
    "extras": {"errors"},
    "files": {"errors"},
    "settings": {"errors"},
    "scene": BASE,
    "channel": BASE,
    "link": BASE | {"channel"},
    "trace": BASE | {"channel", "scene"},
    "dataset": BASE | {"channel", "link", "scene", "trace"},
    "calibration": BASE | {"channel", "dataset", "scene", "trace"},
    "horizontal": BASE | {"calibration", "channel", "dataset", "plot", "scene", "trace"},
    "plot": BASE | {"channel", "dataset", "scene"},
    "view": BASE | {"channel", "dataset", "plot", "scene", "trace"},
    "export": BASE | {"channel", "dataset", "plot", "scene"},
    "experiments": BASE | {"channel", "dataset", "link", "plot", "scene"},
    "caching": BASE | {"channel", "dataset", "link", "plot", "scene", "experiments", "streaming"},
    "streaming": BASE | {"channel", "dataset", "link", "plot", "scene", "experiments"},
    "federation": BASE | TWINS | {"experiments"},
    "deployment": BASE | TWINS | {"experiments", "streaming"},
    "door": BASE | TWINS | {"deployment", "export"},
    "cli": BASE
    | TWINS
    | {"caching", "deployment", "experiments", "export", "federation", "streaming", "view"},
}
# Rooms of a layer, and which of the others each may enter; what stands beside them may enter all.
ROOMS = {
    "link": {
        "tables": set(),
        "adaptation": {"tables"},
        "handover": set(),
        "layer": {"adaptation", "tables"},
    },
    "trace": {
        "engine": set(),
        "diffraction": set(),
        "world": {"engine", "diffraction"},
        "chains": {"engine", "diffraction", "world"},
        "fields": {"engine", "diffraction", "world", "chains"},
        "paths": {"engine", "diffraction", "world", "chains", "fields"},
        "maps": {"engine", "world"},
        "pictures": {"world"},
    },
    "dataset": {
        "schema": set(),
        "inspection": {"schema"},
        "store": {"schema", "inspection"},
        "reading": {"schema", "inspection", "store"},
        "shards": {"schema", "store"},
        "cluster": {"store", "shards"},
        "generation": {"schema", "inspection", "store", "reading", "shards", "cluster"},
        "tracks": {"schema", "inspection", "store", "reading", "shards", "generation"},
        "pictures": {"reading"},
    },
    "export": {
        "registry": set(),
        "record": set(),
        "writing": set(),
        "learning": {"registry", "record", "writing"},
        "networks": {"registry", "record", "writing"},
        "networks.examples": set(),
        "analysis": {"registry", "record", "writing"},
        "maps": {"registry"},
        "serving": {"record"},
    },
    "experiments": {
        "network": set(),
        "processes": set(),
        "worlds": set(),
        "stale": {"worlds"},
        "fitted_maps": {"worlds"},
        "beliefs": {"network", "worlds", "fitted_maps", "stale"},
        "fidelity": {"network", "beliefs"},
        "table": {"beliefs", "fidelity"},
        "picture": {"beliefs", "fidelity", "table"},
        "results": {"beliefs", "fidelity", "picture", "table"},
        "study_files": {"results", "table"},
        "learned": {"network"},
        "ahead": {
            *("network", "processes", "worlds", "beliefs", "table", "study_files", "learned"),
        },
    },
    "caching": {
        "demand": set(),
        "caches": {"demand"},
        "twin": {"demand"},
        "learning": {"demand", "caches"},
        "study": {"demand", "caches", "twin", "learning"},
    },
    "calibration": {
        "journal": set(),
        "campaign": set(),
        "physics": {"journal", "campaign", "physics.model", "physics.fitting"},
        "physics.model": {"campaign"},
        "physics.fitting": {"journal", "campaign", "physics.model"},
        "statistics": {"campaign"},
        "judgement": {"journal", "campaign", "physics", "statistics"},
        "application": {"campaign", "physics", "statistics", "judgement"},
    },
    "streaming": {
        "behaviour": set(),
        "twins": {"behaviour"},
        "decision": {"behaviour"},
        "loop": {"behaviour", "twins", "decision"},
        "study": {"behaviour", "twins", "decision", "loop"},
        "viewport": set(),
        "userdata": {"behaviour", "twins", "decision", "loop", "study"},
    },
    "federation": {
        "traffic": set(),
        "learning": {"traffic"},
        "defence": set(),
        "privacy": set(),
        "sites": {"defence", "learning"},
        "studies": {"traffic", "learning", "defence", "privacy", "sites"},
    },
    "horizontal": {
        "levels": set(),
        "edits": set(),
        "decision": {"levels"},
        "twin": {"levels", "edits", "decision"},
        "known_change": {"levels", "edits", "decision", "twin"},
        "rehearsal": {"levels", "edits", "twin", "known_change"},
        "unknown_change": {"levels", "edits", "twin", "known_change", "rehearsal"},
        "learned": set(),
        "learned.worlds": {"levels", "edits", "twin", "known_change", "rehearsal"},
        "learned.network": {
            "levels",
            "decision",
            "rehearsal",
            "unknown_change",
            "learned.worlds",
        },
        "learned.benchmark": {
            "levels",
            "decision",
            "rehearsal",
            "unknown_change",
            "learned.worlds",
            "learned.network",
        },
        "update": {
            "levels",
            "edits",
            "decision",
            "twin",
            "known_change",
            "rehearsal",
            "unknown_change",
            "learned",
        },
        "merging": {"levels", "twin"},
    },
}
# Rooms of one file, or of programs that are copied and not imported, need no door.
WITHOUT_DOOR = {"levels", "journal", "registry", "networks.examples"}
ENGINE = {"sionna", "mitsuba", "drjit"}
FILES = sorted(p for p in PACKAGE.rglob("*.py") if "_scenes" not in p.parts)


def layer_of(file):
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


@cache
def imported_names(file):
    """Modules that a file imports, each with the names taken from it; none of `import module`."""
    found = []
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found += [(alias.name, ()) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.append((node.module or "", tuple(alias.name for alias in node.names)))
    return found


def imports(file):
    return [module for module, _ in imported_names(file)]


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
            (layer, file.name) == ("dataset", "learning.py")
            or layer == "horizontal"
            or (layer, file.name) == ("federation", "forecaster.py")
            or (layer, file.name) == ("streaming", "codes.py")
        )


def room_of(layer, words):
    """The innermost room that a dotted name below a layer lies in; None beside the rooms."""
    names = (".".join(words[:depth]) for depth in range(len(words), 0, -1))
    return next((name for name in names if name in ROOMS[layer]), None)


@pytest.mark.parametrize("layer", ROOMS)
def test_rooms_are_entered_by_their_door_and_from_above(layer):
    for file in FILES:
        words = list(file.relative_to(PACKAGE).with_suffix("").parts)
        here = room_of(layer, words[1:]) if words[0] == layer else None
        for name in imports(file):
            parts = name.split(".")
            if here is None or parts[:2] != ["rtwin", layer]:
                continue
            assert len(parts) > 2, f"{file}: imports the layer's door from inside"
            there = room_of(layer, parts[2:])
            if there == here or (words[-1] == "__init__" and there.startswith(here + ".")):
                continue
            assert there in ROOMS[layer][here], f"{file}: {here} imports {name}"
            assert ".".join(parts[2:]) == there, f"{file}: imports {name}, not by the door"


def test_every_folder_of_a_layer_with_rooms_is_a_room():
    for layer, rooms in ROOMS.items():
        found = {
            ".".join(f.parent.relative_to(PACKAGE / layer).parts)
            for f in FILES
            if f.is_relative_to(PACKAGE / layer) and f.parent != PACKAGE / layer
        }
        assert found <= set(rooms)


def test_no_modules_import_each_other_in_a_circle():
    graph = {}
    for file in FILES:
        words = ["rtwin", *file.relative_to(PACKAGE).with_suffix("").parts]
        graph[".".join(words).removesuffix(".__init__")] = file
    known = set(graph)
    sorter = TopologicalSorter()
    for module, file in graph.items():
        if module == "rtwin":
            continue  # loads its door when a name is asked for
        for source, names in imported_names(file):
            # A name imported from a package may be a module of it.
            found = [
                f"{source}.{name}" if f"{source}.{name}" in known else source for name in names
            ]
            sorter.add(module, *(name for name in found or [source] if name in known))
    assert list(sorter.static_order())


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(PACKAGE)))
def test_files_fit_in_the_head(file):
    assert len(file.read_text().splitlines()) <= 450


DOORS = sorted(set(ALLOWED) - {"units", "errors", "progress", "files", "shown"})
DOORS += [
    f"{layer}.{room}"
    for layer, rooms in ROOMS.items()
    for room in rooms
    if room not in WITHOUT_DOOR and (PACKAGE / layer / Path(*room.split("."))).is_dir()
]


@pytest.mark.parametrize("layer", DOORS)
def test_exported_names_exist_and_are_sorted(layer):
    module = __import__(f"rtwin.{layer}", fromlist=["*"])
    for name in module.__all__:
        assert getattr(module, name) is not None
    capitals_first = sorted(module.__all__, key=lambda n: (not n.isupper(), n[0].islower(), n))
    assert list(module.__all__) == capitals_first


def test_members_that_need_an_extra_say_which(monkeypatch):
    import rtwin.caching as package

    assert package.CachingEnv.__name__ == "CachingEnv"
    with pytest.raises(AttributeError, match=r"module 'rtwin\.caching' has no attribute 'nobody'"):
        package.__getattr__("nobody")
    members = {"it": ("study", "Gymnasium", "'rtwin[rl]'"), "lost": ("gone", "a thing", "thing")}
    load = lazy_members("rtwin.caching", members)
    with pytest.raises(MissingExtraError, match="lost needs a thing; pip install thing"):
        load("lost")
    with pytest.raises(AttributeError):
        load("it")


def test_what_is_missing_is_said_with_what_to_install():
    with pytest.raises(MissingExtraError) as caught, needs("pictures need Ink", "'rtwin[ink]'"):
        import_module("ink_that_nobody_has")
    assert str(caught.value) == "pictures need Ink; pip install 'rtwin[ink]'"
    with needs("tests need json", "json"):
        assert import_module("json").loads("1") == 1
    with pytest.raises(ValueError, match="as it is"), needs("pictures need Ink", "ink"):
        raise ValueError("as it is")
