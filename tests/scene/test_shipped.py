"""The shipped scenes: loadable, complete, in range, and true to their geometry."""

import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest
import shapely
import trimesh

from rtwin.scene import build_meshes, list_scenes, load_recipe, material_properties
from rtwin.scene.objects import Extrude

OURS = ("courtyard", "office")
SIONNA = ("etoile", "florence", "munich", "san_francisco", "street_canyon")


def engine_scene(name: str) -> Path:
    """The scene file of the installed engine, found without importing it."""
    spec = importlib.util.find_spec("sionna")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("sionna-rt is not installed")
    return Path(spec.submodule_search_locations[0]) / "rt" / "scenes" / name / f"{name}.xml"


def test_all_are_listed():
    scenes = list_scenes()
    assert [s.name for s in scenes] == sorted((*OURS, *SIONNA))
    for s in scenes:
        assert s.title
        assert s.source
        assert s.licence in ("ODbL-1.0", "Apache-2.0", "CC0-1.0")


@pytest.mark.parametrize("name", [*OURS, *SIONNA])
def test_recipe(name):
    r = load_recipe(name)
    assert r.name == name
    assert r.geometry.ground
    assert r.camera is not None
    assert len(r.transmitter) == (2 if name in OURS else 3)
    # Whatever materials it uses are known at its frequency.
    for material in {item.material for item in r.object} | set(r.materials):
        material_properties(material, r.materials.get(material), r.frequency_hz)


@pytest.mark.parametrize("name", SIONNA)
def test_names_exist_in_the_engine_s_scene(name):
    r = load_recipe(name)
    text = engine_scene(r.geometry.sionna).read_text(encoding="utf-8")
    ids = set(re.findall(r'<shape [^>]*id="mesh-([^"]+)"', text))
    assert {*r.geometry.ground, *r.object_settings} <= ids
    for kind in set(re.findall(r'name="type" value="([^"]+)"', text)):
        material_properties(kind, None, r.frequency_hz)


@pytest.mark.parametrize("name", OURS)
def test_own_meshes(name):
    r = load_recipe(name)
    meshes = build_meshes(r)
    assert [m.name for m in meshes] == [item.name for item in r.object]
    for item, mesh in zip(r.object, meshes, strict=True):
        if item.shape in ("extrude", "box"):
            assert mesh.mesh.is_watertight, item.name
            assert mesh.mesh.volume > 0, item.name
        if isinstance(item, Extrude):
            volume = shapely.Polygon(item.footprint, item.holes).area * item.height_m
            assert mesh.mesh.volume == pytest.approx(volume, rel=1e-5), item.name


@pytest.mark.parametrize("name", OURS)
def test_own_transmitters_stand_in_free_air(name):
    r = load_recipe(name)
    triangles = np.concatenate([m.mesh.triangles for m in build_meshes(r)])
    for tx in r.transmitter:
        assert clearance_m(triangles, tx.position_m) > 0.05, tx.name
        for item in r.object:
            if isinstance(item, Extrude):
                polygon = shapely.Polygon(item.footprint, item.holes)
                over = tx.position_m[2] > item.base_m + item.height_m
                assert over or not polygon.contains(shapely.Point(tx.position_m)), tx.name


@pytest.mark.slow
@pytest.mark.parametrize("name", SIONNA)
def test_transmitters_stand_in_free_air(name):
    r = load_recipe(name)
    folder = engine_scene(r.geometry.sionna).parent / "meshes"
    triangles = np.concatenate(
        [trimesh.load(path, process=False, force="mesh").triangles for path in folder.iterdir()]
    )
    for tx in r.transmitter:
        assert clearance_m(triangles, tx.position_m) > 1.0, tx.name
        below, above = column(triangles, tx.position_m)
        assert below.size, tx.name
        assert not above.size, tx.name


def clearance_m(triangles, point):
    closest = trimesh.triangles.closest_point(triangles, np.tile(point, (len(triangles), 1)))
    return np.linalg.norm(closest - point, axis=1).min()


def column(triangles, point):
    """Heights of the surfaces straight below and above a point."""
    a, b, c = (triangles[:, i, :2] - point[:2] for i in range(3))
    weights = np.column_stack([cross(b, c), cross(c, a), cross(a, b)])
    total = weights.sum(axis=1)
    hit = (np.abs(total) > 1e-9) & ((weights * np.sign(total)[:, None]) >= 0).all(axis=1)
    z = (weights[hit] * triangles[hit, :, 2]).sum(axis=1) / total[hit]
    return z[z < point[2]], z[z > point[2]]


def cross(u, v):
    return u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]
