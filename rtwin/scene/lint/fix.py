"""Mending what trimesh and shapely can mend, in the scene's own folder."""

from pathlib import Path
from typing import Any

import numpy as np

from rtwin.errors import RecipeError, RtwinError, StoreError
from rtwin.files import appearing, is_same_file
from rtwin.scene.build.shapes.footprints import Footprint, cut_at_higher, polygons
from rtwin.scene.build.writing.write import MESHES, write_ply
from rtwin.scene.foliage import is_vegetation
from rtwin.scene.library import scenes_folder
from rtwin.scene.lint.meshes import mesh_facts
from rtwin.scene.meshes import build_mesh
from rtwin.scene.objects import Extrude, MeshFile
from rtwin.scene.recipe import Recipe

LARGEST_HOLE = 0.1  # share of the surface that may be missing
LEAST_M2 = 0.1  # footprints in a recipe are rounded, and may overlap by a hair


def fix_scene(recipe: Recipe, file: Path) -> list[str]:
    """Mend a scene's meshes and footprints in place.

    Mesh files: equal corners become one, repeated faces and faces without area go,
    faces are turned outwards, small holes closed. Footprints: crossing edges are
    taken apart, and where two fill the same space the lower one is cut. The recipe
    keeps its comments.

    Args:
        recipe: The scene, made of [[object]] tables.
        file: The recipe's TOML file.
    Returns:
        What was done, one line each; empty if nothing was.
    Raises:
        RecipeError: if the scene is made of other people's files, or ships with rtwin.
        StoreError: if a file cannot be written.
    Checked by tests/scene/test_lint.py.
    """
    import tomlkit

    if not recipe.object:
        raise RecipeError(
            f"{recipe.name}: its geometry is a ready-made scene; import that with "
            "`rtwin scene build` to mend it"
        )
    if file.resolve().is_relative_to(scenes_folder().resolve()) and "_scenes" in str(file):
        raise RecipeError(f"{recipe.name}: ships with rtwin; copy its folder and mend the copy")
    document = tomlkit.parse(file.read_text(encoding="utf-8"))
    tables: Any = document["object"]
    done = _fix_meshes(recipe, tables) + _fix_footprints(recipe, tables)
    if done:
        _replace_text(file, tomlkit.dumps(document))
    return done


def _replace_text(file: Path, text: str) -> None:
    """Write a file whole or not at all."""
    try:
        with appearing(file) as temporary:
            temporary.write_text(text, encoding="utf-8")
            temporary.chmod(file.stat().st_mode)
    except OSError as error:
        raise StoreError(f"{file}: cannot be written ({error.strerror})") from None


def _fix_meshes(recipe: Recipe, tables: Any) -> list[str]:
    done = []
    for item, table in zip(recipe.object, tables, strict=True):
        if not isinstance(item, MeshFile):
            continue
        try:
            mesh = build_mesh(item, recipe).mesh
        except RtwinError:
            continue  # no mesh at all: nothing to mend
        before = mesh_facts(item.name, np.asarray(mesh.vertices), np.asarray(mesh.faces))
        # A wall whose roof is an object of its own is open on purpose, and so is the ground.
        names = {other.name for other in recipe.object}
        sheet = item.name in recipe.geometry.ground or item.name.endswith("_roof")
        closes = not (sheet or f"{item.name}_roof" in names)
        needs = (
            before.duplicates
            or before.slivers
            or (closes and (not before.is_closed or before.is_turned))
        )
        if not needs:
            continue
        with np.errstate(divide="ignore", invalid="ignore"):  # bodies without volume
            mesh = _mended(mesh, closes)
        after = mesh_facts(item.name, np.asarray(mesh.vertices), np.asarray(mesh.faces))
        if len(mesh.faces) == 0 or after == before:
            continue
        _store(recipe.folder, item, mesh, table)
        done.append(f"{item.name}: {_difference(before, after)}")
    return done


def _mended(mesh: Any, closes: bool) -> Any:
    """A mesh without repeats, and if it is a solid, closed and turned outwards."""
    import trimesh

    mesh.merge_vertices(merge_norm=True, merge_tex=True)
    mesh.update_faces(mesh.unique_faces())
    mesh.update_faces(mesh.nondegenerate_faces())
    if not closes:
        return mesh
    filled = mesh.copy()
    trimesh.repair.fill_holes(filled)
    # Large openings are meant: buildings without floors, walls whose roof is another object.
    if filled.is_watertight and filled.area <= (1 + LARGEST_HOLE) * mesh.area:
        mesh = filled
    trimesh.repair.fix_normals(mesh, multibody=True)
    return mesh


def _difference(before: Any, after: Any) -> str:
    changes = [
        f"{what} {getattr(before, key)} -> {getattr(after, key)}"
        for key, what in (
            ("num_triangles", "triangles"),
            ("open_edges", "open edges"),
            ("crowded_edges", "edges of many faces"),
            ("duplicates", "repeated faces"),
            ("slivers", "slivers"),
        )
        if getattr(before, key) != getattr(after, key)
    ]
    if before.is_turned and not after.is_turned:
        changes.append("faces turned outwards")
    return ", ".join(changes)


def _store(folder: Path, item: MeshFile, mesh: Any, table: Any) -> None:
    """Write a mended mesh beside the recipe, and let the recipe name it."""
    target = folder / MESHES / f"{item.name}.ply"
    if target.exists() and not is_same_file(target, folder / item.file):
        # Somebody else's mesh of that name stays.
        target = folder / MESHES / f"{item.name}_mended.ply"
    try:
        target.parent.mkdir(exist_ok=True)
        with appearing(target) as temporary:
            write_ply(temporary, mesh.vertices, mesh.faces)
    except OSError as error:
        raise StoreError(f"{target}: cannot be written ({error.strerror})") from None
    table["file"] = f"{MESHES}/{target.name}"
    for key in ("scale", "offset_m"):
        table.pop(key, None)  # what is written has them applied


def _fix_footprints(recipe: Recipe, tables: Any) -> list[str]:
    done: list[str] = []
    rows: dict[str, int] = {}  # table of each footprint
    raw: dict[str, Any] = {}  # its polygon as it stands there, if it is usable
    solid: list[Footprint] = []
    kept: list[Footprint] = []  # vegetation, which may fill what it likes
    for row, item in enumerate(recipe.object):
        if not isinstance(item, Extrude):
            continue
        made = _pieces(item)
        if not made:
            continue
        raw[item.name] = made[0].polygon
        if len(made) > 1 or not _is_valid(item):
            del raw[item.name]
            done.append(f"{item.name}: crossing edges taken apart, {len(made)} pieces")
        rows |= {piece.name: row for piece in made}
        leafy = is_vegetation(item.material, recipe.materials.get(item.material))
        (kept if leafy else solid).extend(made)
    cut = cut_at_higher(solid, least_m2=LEAST_M2) if recipe.environment == "outdoor" else solid
    gone = {piece.name: piece for piece in solid}
    for piece in cut:
        before = gone.pop(piece.name, None)
        if before is not None and piece.polygon is not before.polygon:
            lost = before.polygon.area - piece.polygon.area
            done.append(f"{piece.name}: {lost:.1f} m2 inside of a higher neighbour cut off")
    done += [f"{name}: removed, inside of higher neighbours" for name in gone]
    by_row: dict[int, list[Footprint]] = {}
    for piece in [*cut, *kept]:
        source = piece.name if piece.name in rows else piece.name.rpartition("_")[0]
        if piece.polygon is not raw.get(piece.name):
            by_row.setdefault(rows[source], []).append(piece)
    _rewrite(
        tables,
        by_row,
        {rows[name] for name in gone} - {rows[p.name] for p in cut if p.name in rows},
    )
    return done


def _is_valid(item: Extrude) -> bool:
    import shapely

    return bool(shapely.Polygon(item.footprint, item.holes).is_valid)


def _pieces(item: Extrude) -> list[Footprint]:
    """The simple polygons of a footprint; one if it is simple already."""
    import shapely

    polygon = shapely.Polygon(item.footprint, item.holes)
    pieces = [polygon] if polygon.is_valid else polygons(polygon)
    top = item.base_m + item.height_m
    names = [item.name if n == 0 else f"{item.name}_{n + 1}" for n in range(len(pieces))]
    return [
        Footprint(name, {}, piece, item.base_m, top, None, False, False)
        for name, piece in zip(names, pieces, strict=True)
    ]


def _rewrite(tables: Any, by_row: dict[int, list[Footprint]], gone: set[int]) -> None:
    """Put changed footprints into their tables; further pieces get tables of their own."""
    import tomlkit

    for row, pieces in by_row.items():
        for piece in pieces:
            table = tables[row]
            if piece.name != table["name"]:
                table = tomlkit.table()
                table.update({**tables[row].unwrap(), "name": piece.name})
            table["footprint"] = _ring(piece.polygon.exterior)
            table.pop("holes", None)
            if piece.polygon.interiors:
                table["holes"] = [_ring(ring) for ring in piece.polygon.interiors]
            if table is not tables[row]:
                tables.append(table)
    for row in sorted(gone, reverse=True):
        del tables[row]


def _ring(ring: Any) -> list[list[float]]:
    return [[round(float(v), 3) for v in corner[:2]] for corner in list(ring.coords)[:-1]]
