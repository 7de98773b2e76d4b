"""Ground that is not flat: height grids and city models."""

import numpy as np
import pytest
import shapely

from rtwin.errors import GeometryError
from rtwin.scene import build_meshes, load_recipe
from rtwin.scene.build import build_scene
from rtwin.scene.build.shapes import plants
from rtwin.scene.build.shapes.terrain import FLAT, Terrain, read_height_grid
from rtwin.scene.lint import lint_scene

from ...helpers import assert_one_line
from ..maps import MIDDLE, OsmFile, square

rasterio = pytest.importorskip("rasterio", reason="needs the extra geo")
SLOPE = 0.1


def save_slope(path, crs="EPSG:32617", nodata=None, size=400.0, step=10.0):
    """A plane that rises by SLOPE towards the east, 100 m at the middle."""
    count = int(size / step)
    east, north = MIDDLE.origin_easting_m, MIDDLE.origin_northing_m
    x = -size / 2 + step * (np.arange(count) + 0.5)
    heights = np.tile(100.0 + SLOPE * x, (count, 1)).astype(np.float32)
    if nodata is not None:
        heights[: count // 3] = nodata
    transform = rasterio.Affine(step, 0, east - size / 2, 0, -step, north + size / 2)
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        height=count,
        width=count,
        count=1,
        dtype="float32",
        crs=crs,
        transform=transform,
        nodata=nodata,
    ) as file:
        file.write(heights, 1)
    return path


AREA = (-100.0, -80.0, 120.0, 90.0)


def test_a_slope_stays_a_slope(tmp_path):
    terrain, floor = read_height_grid(save_slope(tmp_path / "a.tif"), MIDDLE, AREA)
    assert floor == 90.0
    rng = np.random.default_rng(3)
    xy = rng.uniform([-99, -79], [119, 89], (500, 2))
    assert terrain.height_m(xy) + floor == pytest.approx(100 + SLOPE * xy[:, 0], abs=1e-3)
    low, high = terrain.vertices.min(axis=0), terrain.vertices.max(axis=0)
    assert (*low[:2], *high[:2]) == AREA


def test_gaps_are_closed_by_what_is_near(tmp_path):
    file = save_slope(tmp_path / "a.tif", nodata=-9999.0)
    terrain, floor = read_height_grid(file, MIDDLE, AREA)
    assert terrain.height_m(np.array([[0.0, 85.0]]))[0] + floor == pytest.approx(100, abs=0.6)


def test_buildings_stand_on_the_ground(tmp_path):
    file = OsmFile()
    file.way(square(-60, 0), 1, building="yes", height="10")
    file.way(square(50, 0), 2, building="yes", height="10")
    file.way(square(-20, -28, 25), 3, natural="wood")
    file.way(square(0, 12, 20), 4, natural="water")
    build_scene(
        [file.save(tmp_path / "a.osm")], tmp_path / "out", terrain=save_slope(tmp_path / "a.tif")
    )
    recipe = load_recipe(tmp_path / "out")
    floor = recipe.georeference.origin_height_m
    meshes = {m.name: m.mesh for m in build_meshes(recipe)}
    for name, x in (("way_1", -60), ("way_2", 50)):
        low, high = meshes[name].bounds[:, 2] + floor
        assert low == pytest.approx(100 + SLOPE * x - 0.5, abs=0.02)
        assert high == pytest.approx(100 + SLOPE * x + 10, abs=0.02)
    assert meshes["way_3"].bounds[:, 2] + floor == pytest.approx([98, 113], abs=0.1)
    assert recipe.geometry.ground == ("ground", "water")
    assert recipe.transmitter[0].position_m[2] > meshes["way_2"].bounds[1, 2]
    assert lint_scene(recipe) == []


def test_ground_outside_of_the_triangles_and_on_top_of_each_other():
    vertices = np.array(
        [[0, 0, 1], [4, 0, 1], [4, 4, 1], [0, 4, 5], [0, 0, 2], [4, 0, 2], [4, 4, 2]], float
    )
    sheet = Terrain(vertices, np.array([[0, 1, 2], [0, 2, 3], [4, 5, 6]]))
    found = sheet.height_m(np.array([[3.0, 1.0], [0.5, 3.0], [-9.0, 9.0]]))
    assert found == pytest.approx([2.0, 3.5, 5.0])
    assert FLAT.height_m(np.array([[7.0, 7.0]])) == [0.0]


def test_broken_grids(tmp_path):
    east = MIDDLE.model_copy(update={"origin_easting_m": 4e5})
    cases = [
        (save_slope(tmp_path / "a.tif", crs=None), MIDDLE, "names no reference system"),
        (save_slope(tmp_path / "b.tif"), east, "does not cover the map"),
    ]
    (tmp_path / "c.tif").write_bytes(b"II*\0 nonsense")
    (tmp_path / "d.tif").write_bytes((tmp_path / "b.tif").read_bytes()[:500])
    cases += [(tmp_path / f"{n}.tif", MIDDLE, "cannot be read as GeoTIFF") for n in "cd"]
    for path, reference, part in cases:
        with pytest.raises(GeometryError) as caught:
            read_height_grid(path, reference, AREA)
        assert_one_line(caught, path.name, part)


def test_tiles_of_a_wood_are_the_wood():
    wood = shapely.Polygon([(3, 4), (110, 9), (95, 88), (20, 70)])
    tiles = list(plants._tiles(wood))
    assert len(tiles) >= 4
    assert sum(tile.area for tile in tiles) == pytest.approx(wood.area, rel=1e-5)
    assert (
        shapely.union_all(tiles).symmetric_difference(wood).area < 0.5
    )  # corners lie on whole millimetres
    for tile in tiles:
        low_x, low_y, high_x, high_y = tile.bounds
        assert max(high_x - low_x, high_y - low_y) <= plants.WOOD_TILE_M + 2e-3
