"""Damaged recipes, meshes and maps."""

import random
from pathlib import Path

from .. import samples
from ..damage import damaged_bytes, damaged_text, damaged_tree
from .words import OUT, Arguments, put_scene


def _use_of_scene(rng: random.Random, folder: Path, scene: str) -> Arguments:
    out = str(folder / OUT)
    return rng.choice(
        (
            ["generate", scene, "-o", f"{out}/o.h5", "--quiet"],
            ["radiomap", scene, "-o", f"{out}/o.h5", "--quiet"],
            ["radiomap", scene, "-o", f"{out}/o.h5", "--quiet", "--method", "paths"],
            ["twin", scene, "-o", f"{out}/o.twin", "--quiet"],
            ["scene", "lint", scene],
            ["view", scene, "-o", f"{out}/o.html", "--quiet"],
            [
                "sample",
                scene,
                "random-waypoint",
                "-o",
                f"{out}/o.h5",
                "--method",
                "paths",
                "--ues",
                "1",
                "--duration",
                "2",
                "--interval",
                "1",
                "--quiet",
            ],
        )
    )


def recipe(rng: random.Random, fixtures: Path, folder: Path) -> Arguments:
    return _use_of_scene(rng, folder, put_scene(folder, damaged_text(samples.RECIPE, rng)))


RECEIVERS = (
    'kind = "grid"\nspacing_m = 20.0\n',
    'kind = "list"\npositions_m = [[1, 2, 1.5], [9, -9, 1.5]]\n',
    'kind = "csv"\nfile = "rx.csv"\n',
    'kind = "ways"\nfile = "ways.geojson"\nspacing_m = 9.0\n',
    'kind = "trajectory"\nwaypoints_m = [[1, 2, 1.5], [9, -9, 1.5]]\nspeed_m_s = 3\n'
    "interval_s = 1.0\n",
)


def receivers(rng: random.Random, fixtures: Path, folder: Path) -> Arguments:
    """Every kind of receivers, with the files beside the recipe."""
    old = 'kind = "random"\ncount = 6\narea = [-30, -30, 30, 30]\n'
    text = samples.RECIPE.replace(old, rng.choice(RECEIVERS))
    table = "x_m,y_m,z_m,vx_m_s\n1,2,1.5,0\n-9,9,1.5,2\n"
    ways = samples.as_text(samples.geojson())
    which = rng.randrange(3)
    scene = put_scene(folder, damaged_text(text, rng) if which == 0 else text.encode())
    place = folder / "in" / "yard"
    (place / "rx.csv").write_bytes(damaged_text(table, rng) if which == 1 else table.encode())
    (place / "ways.geojson").write_bytes(
        damaged_tree(samples.geojson(), rng) if which == 2 else ways.encode()
    )
    return ["generate", scene, "-o", str(folder / OUT / "o.h5"), "--quiet"]


def mesh_in_recipe(rng: random.Random, fixtures: Path, folder: Path) -> Arguments:
    kind = rng.choice(("obj", "ply", "stl", "off", "glb", "ascii.ply"))
    table = f'[[object]]\nname = "mesh"\nmaterial = "brick"\nshape = "mesh"\nfile = "m.{kind}"\n'
    scene = put_scene(
        folder, samples.RECIPE.replace("[materials.own]", table + "[materials.own]").encode()
    )
    (folder / "in" / "yard" / f"m.{kind}").write_bytes(_mesh(rng, fixtures, kind))
    return rng.choice(
        (
            ["generate", scene, "-o", str(folder / OUT / "o.h5"), "--quiet"],
            ["scene", "lint", scene],
        )
    )


def _mesh(rng: random.Random, fixtures: Path, kind: str) -> bytes:
    data = (fixtures / f"house.{kind}").read_bytes()
    if kind in ("obj", "off", "ascii.ply") and rng.random() < 0.7:
        return damaged_text(data.decode(), rng)
    return damaged_bytes(data, rng)


def build(rng: random.Random, fixtures: Path, folder: Path) -> Arguments:
    """Maps and meshes that become scenes."""
    source = folder / "in"
    match rng.randrange(6):
        case 0 | 1:
            name, data = "map.osm", damaged_text(samples.OSM, rng)
        case 2:
            name, data = "map.geojson", damaged_tree(samples.geojson(), rng)
        case 3:
            name, data = "map.json", damaged_tree(samples.cityjson(), rng)
        case 4:
            (source / "house.ply").write_bytes(_mesh(rng, fixtures, "ply"))
            name, data = "map.xml", damaged_text(samples.MITSUBA, rng)
        case _:
            kind = rng.choice(("obj", "ply", "stl", "off", "glb", "ascii.ply"))
            name, data = f"map.{kind}", _mesh(rng, fixtures, kind)
    (source / name).write_bytes(data)
    return ["scene", "build", str(source / name), "-o", str(folder / OUT / "s"), "--quiet"]
