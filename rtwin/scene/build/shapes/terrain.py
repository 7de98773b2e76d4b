"""The ground: flat, from a height grid, or from a city model's own triangles."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rtwin.arrays import Bools, Floats, Ints
from rtwin.errors import GeometryError
from rtwin.extras import needs
from rtwin.scene._model import one_line
from rtwin.scene.build.elements import Solid
from rtwin.scene.build.readers.opening import check_source
from rtwin.scene.georeference import Georeference

FINEST_M = 5.0
FLAT_M = 0.5
MAX_TRIANGLES = 40_000
MAX_PIXELS = 50_000_000


@dataclass(frozen=True, eq=False)
class Terrain:
    """Triangles whose heights are those of the ground; none for a flat one."""

    vertices: Floats  # [vertex, 3] m
    faces: Ints  # [face, 3]
    level_m: float = 0.0  # of a flat one

    @property
    def is_flat(self) -> bool:
        return len(self.faces) == 0

    def height_m(self, xy: Floats) -> Floats:
        """Ground height [m], [n], under points [n, 2]; beyond the rim that of the nearest corner.

        Where sheets lie on each other the highest counts.
        """
        import shapely
        from scipy.spatial import cKDTree

        xy = np.asarray(xy, np.float64).reshape(-1, 2)
        if self.is_flat:
            return np.full(len(xy), self.level_m)
        corners = self.vertices[self.faces]
        point, face = self._tree(shapely).query(shapely.points(xy), predicate="intersects")
        z = _on_plane(corners[face], xy[point])
        height = np.full(len(xy), -np.inf)
        np.maximum.at(height, point, z)
        missing = ~np.isfinite(height)
        if missing.any():
            _, nearest = cKDTree(self.vertices[:, :2]).query(xy[missing])
            height[missing] = self.vertices[nearest, 2]
        return height

    def _tree(self, shapely: Any) -> Any:
        if "tree" not in self.__dict__:
            # Built once: frozen means that what it says never changes.
            self.__dict__["tree"] = shapely.STRtree(
                shapely.polygons(self.vertices[self.faces][:, :, :2])
            )
        return self.__dict__["tree"]


FLAT = Terrain(np.zeros((0, 3)), np.zeros((0, 3), np.int64))


def _on_plane(corners: Floats, xy: Floats) -> Floats:
    """Heights of triangles' planes over points; upright triangles give their top."""
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    n = np.cross(b - a, c - a)
    steep = np.abs(n[:, 2]) < 1e-12
    down = np.where(steep, 1.0, n[:, 2])
    z = a[:, 2] - ((xy - a[:, :2]) * n[:, :2]).sum(axis=1) / down
    return np.where(steep, corners[:, :, 2].max(axis=1), z)


def terrain_of(solids: list[Solid]) -> Terrain:
    """The terrain surfaces of a city model as one, faces up; flat if there are none."""
    if not solids:
        return FLAT
    starts = np.cumsum([0, *(len(s.vertices) for s in solids)])
    faces = np.concatenate([s.faces + start for s, start in zip(solids, starts, strict=False)])
    vertices = np.concatenate([s.vertices for s in solids])
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    normal = np.cross(b - a, c - a)
    faces = faces[np.linalg.norm(normal, axis=1) > 1e-9]
    down = normal[np.linalg.norm(normal, axis=1) > 1e-9, 2] < 0
    faces[down] = faces[down, ::-1]
    return Terrain(vertices, faces)


def flat_at(level_m: float) -> Terrain:
    """Flat ground at a height [m]."""
    return Terrain(FLAT.vertices, FLAT.faces, level_m)


def through_feet(feet_m: Floats, area: tuple[float, float, float, float]) -> Terrain:
    """Ground laid through the feet of buildings, for city models that bring none.

    Args:
        feet_m: Lowest corners of the buildings [m], [foot, 3].
        area: xmin, ymin, xmax, ymax that it covers; its corners take the nearest foot's height.
    Returns:
        Triangles between the feet; flat ground where they differ by less than FLAT_M.
    """
    from scipy.spatial import Delaunay, cKDTree

    if np.ptp(feet_m[:, 2]) < FLAT_M:
        return flat_at(float(feet_m[:, 2].min()))
    rim = np.array([[area[i], area[j]] for i in (0, 2) for j in (1, 3)])
    _, nearest = cKDTree(feet_m[:, :2]).query(rim)
    points = np.concatenate([feet_m, np.column_stack([rim, feet_m[nearest, 2]])])
    # A decimetre apart at least: narrower triangles would stand upright.
    grid = np.round(points[:, :2], 1)
    unique, first = np.unique(grid, axis=0, return_index=True)
    vertices = np.column_stack([unique, points[first, 2]])
    return terrain_of([Solid("ground", {}, vertices, Delaunay(unique).simplices.astype(np.int64))])


def read_height_grid(
    path: Path, reference: Georeference, area: tuple[float, float, float, float]
) -> tuple[Terrain, float]:
    """Terrain over an area of a scene from a GeoTIFF of heights.

    The grid is sampled bilinearly every FINEST_M or at its own resolution, whichever
    is coarser, coarser still where that would give more than MAX_TRIANGLES.

    Args:
        path: The GeoTIFF; its reference system must be in the file.
        reference: The scene's georeference; its height origin is not used.
        area: xmin, ymin, xmax, ymax of the scene [m].
    Returns:
        The terrain in scene coordinates with z = 0 at its lowest metre, and that height.
    Raises:
        GeometryError: if the file cannot be read or does not cover the area.
        MissingExtraError: if rasterio is not installed.
    """
    with needs(f"{one_line(path)}: reading GeoTIFF needs rasterio", "'rtwin[geo]'"):
        import rasterio
        from rasterio.errors import RasterioError
    check_source(path)
    try:
        with rasterio.open(path) as file:
            return _sampled(file, path, reference, area)
    except (RasterioError, OSError, MemoryError) as error:
        raise GeometryError(
            f"{one_line(path)}: cannot be read as GeoTIFF ({one_line(error)[:100]})"
        ) from None


def _sampled(
    file: Any, path: Path, reference: Georeference, area: tuple[float, float, float, float]
) -> tuple[Terrain, float]:
    from pyproj import CRS, Transformer
    from rasterio.windows import Window
    from scipy.ndimage import map_coordinates

    if file.crs is None:
        raise GeometryError(
            f"{one_line(path)}: names no reference system; write it into the file, for example "
            "with gdal_edit.py -a_srs EPSG:CODE"
        )
    to_file = Transformer.from_crs(reference.epsg, CRS.from_wkt(file.crs.to_wkt()), always_xy=True)
    size = np.array([area[2] - area[0], area[3] - area[1]])
    spacing = max(
        _resolution_m(file, to_file, reference),
        FINEST_M,
        float(np.sqrt(2 * size.prod() / MAX_TRIANGLES)),
    )
    count = np.maximum(np.ceil(size / spacing).astype(int), 1) + 1
    x = np.linspace(area[0], area[2], count[0])
    y = np.linspace(area[1], area[3], count[1])
    xx, yy = np.meshgrid(x, y)
    easting, northing = to_file.transform(
        xx.ravel() + reference.origin_easting_m, yy.ravel() + reference.origin_northing_m
    )
    column, row = _pixel(file, easting, northing)
    # The middle of the first pixel is at half a pixel.
    column, row = column - 0.5, row - 0.5
    low = np.floor([row.min(), column.min()]).astype(int) - 1
    high = np.ceil([row.max(), column.max()]).astype(int) + 2
    low, high = np.maximum(low, 0), np.minimum(high, [file.height, file.width])
    if (high - low).min() < 2:
        raise GeometryError(f"{one_line(path)}: does not cover the map; give heights of that area")
    if (high - low).prod() > MAX_PIXELS:
        raise GeometryError(
            f"{one_line(path)}: has {(high - low).prod()} pixels over the map, allowed are "
            f"{MAX_PIXELS}; resample it to a coarser grid"
        )
    window = Window(low[1], low[0], high[1] - low[1], high[0] - low[0])
    grid = file.read(1, window=window, masked=True).astype(np.float64).filled(np.nan)
    grid[~np.isfinite(grid) | (np.abs(grid) > 1e4)] = np.nan
    known = np.isfinite(grid)
    if known.mean() < 0.5:
        raise GeometryError(
            f"{one_line(path)}: has heights for {100 * known.mean():.0f} % of the map; "
            "give a grid that covers it"
        )
    place = np.stack([row - low[0], column - low[1]])
    height = map_coordinates(_filled(grid, known), place, order=1, mode="nearest")
    floor = float(np.floor(height.min()))
    vertices = np.column_stack([xx.ravel(), yy.ravel(), height - floor])
    return Terrain(vertices, _grid_faces(count[1], count[0])), floor


def _resolution_m(file: Any, to_file: Any, reference: Georeference) -> float:
    """Pixel size of a raster at the scene's origin [m]."""
    at = reference.origin_easting_m, reference.origin_northing_m
    east, north = to_file.transform([at[0], at[0] + 1.0], [at[1], at[1]])
    column, row = _pixel(file, east, north)
    return float(1.0 / max(np.hypot(column[1] - column[0], row[1] - row[0]), 1e-9))


def _pixel(file: Any, x: Any, y: Any) -> tuple[Floats, Floats]:
    """Column and row of places in a raster's own system, in fractions from its corner."""
    t = ~file.transform
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    return t.a * x + t.b * y + t.c, t.d * x + t.e * y + t.f


def _filled(grid: Floats, known: Bools) -> Floats:
    """The grid with gaps closed by the nearest known height."""
    from scipy.ndimage import distance_transform_edt

    if known.all():
        return grid
    nearest = distance_transform_edt(~known, return_distances=False, return_indices=True)
    return grid[tuple(nearest)]


def _grid_faces(rows: int, columns: int) -> Ints:
    first = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).ravel()
    a, b, c, d = first, first + 1, first + columns + 1, first + columns
    return np.stack([np.stack([a, b, c], 1), np.stack([a, c, d], 1)], axis=1).reshape(-1, 3)


def ground_under(areas: list[Any], terrain: Terrain) -> Floats:
    """Lowest ground height under the corners and the middle of areas [m], [area]."""
    import shapely

    if terrain.is_flat or not areas:
        return np.full(len(areas), terrain.level_m)
    corners, area = shapely.get_coordinates(areas, return_index=True)
    middle = shapely.get_coordinates(shapely.point_on_surface(areas))
    height = terrain.height_m(np.concatenate([corners, middle]))
    lowest = np.full(len(areas), np.inf)
    np.minimum.at(lowest, np.concatenate([area, np.arange(len(areas))]), height)
    return lowest
