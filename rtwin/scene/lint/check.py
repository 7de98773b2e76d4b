"""The linter: what in a scene would make a trace impossible, wrong or slow."""

from collections.abc import Callable
from typing import Any

import numpy as np

from rtwin.errors import GeometryError, RecipeError
from rtwin.progress import Progress, silent
from rtwin.scene.build.sizes import absurd_sizes
from rtwin.scene.build.writing.report import read_report
from rtwin.scene.foliage import foliage, is_vegetation
from rtwin.scene.lint.findings import Finding, about
from rtwin.scene.lint.meshes import MeshFacts, joined_by_object, mesh_facts
from rtwin.scene.lint.solids import (
    Solid,
    ground_of,
    lifted,
    misplaced,
    shared_volumes,
    solid_of,
)
from rtwin.scene.materials import material_properties
from rtwin.scene.meshes import SceneMesh, build_mesh
from rtwin.scene.objects import Extrude, MaterialSpec, Plane, Wall
from rtwin.scene.recipe import Recipe

MANY_TRIANGLES = 1_000_000
MANY_IN_ONE = 200_000
FLAT_M = 0.1


def lint_scene(
    recipe: Recipe,
    meshes: list[SceneMesh] | None = None,
    specs: dict[str, MaterialSpec] | None = None,
    progress: Progress = silent,
) -> list[Finding]:
    """What is wrong or odd about a scene, worst first; empty if nothing is.

    Args:
        recipe: The scene.
        meshes: Its objects, where they come from a scene file; default: its [[object]] tables.
        specs: What is known of its materials besides the recipe.
        progress: Called with stage ("lint"), objects done and in all.
    Checked by tests/scene/test_lint.py.
    """
    found: list[Finding] = []
    if meshes is None:
        meshes, broken = _own_meshes(recipe)
        found += broken
    found += _materials(recipe, meshes, specs or recipe.materials)
    leafy = {m.name for m in meshes if is_vegetation(m.material, recipe.materials.get(m.material))}
    sheets = {item.name for item in recipe.object if isinstance(item, Plane | Wall)}
    joined = joined_by_object(meshes)
    by_name = {item.name: item for item in recipe.object}
    ground = ground_of(joined, recipe.geometry.ground)
    facts, solids = [], []
    sizes: dict[str, Any] = {}
    for i, (name, (vertices, faces)) in enumerate(joined.items()):
        facts.append(mesh_facts(name, vertices, faces))
        is_solid = name not in {*recipe.geometry.ground, *leafy, *sheets}
        if is_solid:
            sizes[name] = np.ptp(vertices, axis=0)
        if is_solid and sizes[name][2] > FLAT_M:
            solids.append(
                solid_of(name, vertices, faces, facts[-1].is_closed, _outline(by_name.get(name)))
            )
        if i % 50 == 0:
            progress("lint", i, len(joined))
    found += _triangles(facts, {s.name for s in solids}, bool(recipe.object))
    found += _sizes(sizes)
    found += _places(recipe, solids, ground)
    found += _heights(recipe)
    progress("lint", len(joined), len(joined))
    return sorted(found, key=lambda f: ("error", "warning", "note").index(f.severity))


def _outline(item: object) -> Any:
    """The footprint of an object that is one pulled up; None for others."""
    import shapely

    if not isinstance(item, Extrude):
        return None
    return shapely.Polygon(item.footprint, item.holes)


def _own_meshes(recipe: Recipe) -> tuple[list[SceneMesh], list[Finding]]:
    meshes, found = [], []
    for item in recipe.object:
        try:
            meshes.append(build_mesh(item, recipe))
        except GeometryError as error:
            text = str(error).removeprefix(f"{recipe.name}: ")
            found.append(Finding("broken", "error", text, (item.name,)))
    return meshes, found


def _materials(
    recipe: Recipe, meshes: list[SceneMesh], specs: dict[str, MaterialSpec]
) -> list[Finding]:
    found = []
    for name in sorted({mesh.material for mesh in meshes}):
        spec = specs.get(name)
        try:
            if is_vegetation(name, spec):
                foliage(name, spec, recipe.frequency_hz)
            else:
                material_properties(name, spec, recipe.frequency_hz)
        except RecipeError as error:
            users = tuple(mesh.name for mesh in meshes if mesh.material == name)
            found.append(Finding("material", "error", str(error).rstrip("."), users))
    return found


def _triangles(facts: list[MeshFacts], solids: set[str], is_own: bool) -> list[Finding]:
    def names(test: Callable[[MeshFacts], object]) -> list[str]:
        return [f.name for f in facts if test(f)]

    def fix(what: str) -> str:
        return f"--fix {what}" if is_own else ""

    total = sum(f.num_triangles for f in facts)
    found = [
        *about(
            "open",
            "warning",
            "objects are not watertight",
            names(lambda f: f.name in solids and not f.is_closed),
            fix("closes small holes of mesh files"),
        ),
        *about(
            "inward",
            "warning",
            "objects have faces that point inwards",
            names(lambda f: f.name in solids and f.is_turned),
            fix("turns them"),
        ),
        *about(
            "duplicate",
            "warning",
            "objects have a face twice",
            names(lambda f: f.duplicates),
            fix("removes them"),
        ),
        *about(
            "sliver",
            "note",
            "objects have triangles thinner than 1 mm",
            names(lambda f: f.slivers),
            fix("removes those without area"),
        ),
        *about(
            "heavy",
            "warning",
            f"objects have more than {MANY_IN_ONE} triangles",
            names(lambda f: f.num_triangles > MANY_IN_ONE),
            "simplify or split them",
        ),
    ]
    if total > MANY_TRIANGLES:
        found.append(
            Finding(
                "heavy",
                "warning",
                f"{total} triangles in all; tracing slows down: cut out "
                "the part that you need, or simplify",
            )
        )
    return found


def _places(recipe: Recipe, solids: list[Solid], ground: object) -> list[Finding]:
    from rtwin.scene.build.shapes.terrain import Terrain

    assert isinstance(ground, Terrain)
    outdoor = recipe.environment == "outdoor"
    hanging = read_report(recipe.folder).get("hanging_objects", [])  # bridges, rooms over passages
    hanging = hanging if isinstance(hanging, list) else []
    shared = shared_volumes(solids) if outdoor else []
    wrong = misplaced(recipe, solids, ground)
    tx = [line for line in wrong["inside"] if line.startswith("transmitter")]
    rx = [line for line in wrong["inside"] if not line.startswith("transmitter")]
    severity = "error" if outdoor else "warning"
    return [
        *about(
            "overlap",
            "warning",
            "pairs of objects fill the same space",
            [f"{a} and {b} ({m3:.0f} m3)" for a, b, m3 in shared],
            "--fix cuts footprints at the higher one" if recipe.object else "",
        ),
        *about(
            "floating",
            "warning",
            "objects stand neither on the ground nor on another",
            [name for name in lifted(solids, ground) if name not in hanging] if outdoor else [],
            "lower base_m, unless they do hang",
        ),
        *about("device", severity, "transmitters are inside of objects", tx, "move them"),  # type: ignore[arg-type]
        *about("device", "warning", "receivers are inside of objects and will be turned away", rx),
        *about(
            "device", "warning", "devices are under the ground", wrong["underground"], "raise them"
        ),
    ]


def _sizes(sizes_m: dict[str, Any]) -> list[Finding]:
    large, small = absurd_sizes(list(sizes_m), np.array([*sizes_m.values()]).reshape(-1, 3))
    advice = "are the units right? build again with --units mm or such"
    return [
        *about("size", "warning", "objects are over 1 km high or 5 km wide", large, advice),
        *about("size", "warning", "objects, and none of them is 2 m large", small, advice),
    ]


def _heights(recipe: Recipe) -> list[Finding]:
    """Buildings that still have the height which the build assumed."""
    report = read_report(recipe.folder)
    assumed = report.get("default_height_objects")
    if not isinstance(assumed, dict):
        return []
    heights = {item.name: item.height_m for item in recipe.object if isinstance(item, Extrude)}
    names = [
        name
        for name, value in assumed.items()
        if isinstance(value, int | float) and heights.get(name, value) == value
    ]
    total = report.get("buildings", 0)
    return about(
        "height",
        "note",
        f"of {total} buildings have a height that the map did not give",
        names,
        "edit height_m where you know better",
    )
