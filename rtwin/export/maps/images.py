"""A radio map as a picture (PNG) and as a model in 3D (GLB), in the colours of rtwin plot."""

import io
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Bytes, Floats, Ints
from rtwin.dataset.pictures import SceneMesh, scene_mesh
from rtwin.dataset.reading import RadioMap
from rtwin.errors import OutOfRangeError
from rtwin.export.maps.raster import METRIC_HELP, TX_HELP, described, pixels, tx_row
from rtwin.export.registry import Report
from rtwin.extras import needs
from rtwin.files import MARK, with_png_mark
from rtwin.plot import plot_radio_map, save_figure
from rtwin.plot.fields import corner_heights_m, map_extent, map_field
from rtwin.progress import Progress
from rtwin.scene import recipe_from_dict

MAX_PIXELS = 2**27
SCENE_COLOR = (217, 217, 214, 255)


def write_png(
    radio_map: RadioMap,
    target: Path,
    progress: Progress,
    *,
    metric: Annotated[str, METRIC_HELP] = "rss",
    transmitter: Annotated[str, TX_HELP] = "",
    legend: Annotated[bool, "with axes, title and legend; else cells alone"] = True,
    pixels_per_cell: Annotated[int, "without legend: pixels along a side of a cell"] = 1,
) -> Report:
    """Write a picture of one metric.

    Args:
        radio_map: What `open_radio_map` returns.
        target: A .png file.
        progress: Called with stage ("export"), steps done and in all.
        metric: As in `plot_radio_map`.
        transmitter: Name or row of one; "" for the best of all in each cell.
        legend: As `rtwin plot` draws it; without, a pixel is a cell or a part
            of one, the top row is the north and pixels are clear where no ray came.
        pixels_per_cell: For pictures without a legend.
    Raises:
        OutOfRangeError: if there is no such metric or transmitter, or the
            picture would be too large.
        MissingExtraError: if matplotlib or Pillow is not installed.
    Source: own layout; checked by tests/export/maps/test_images.py.
    """
    tx = tx_row(radio_map, transmitter)
    field = map_field(radio_map, metric, tx)
    if legend:
        save_figure(plot_radio_map(radio_map, metric, tx), target)
        progress("export", 1, 1)
        return {"picture": "with legend"}
    if not 1 <= pixels_per_cell <= 1024 or field.values.size * pixels_per_cell**2 > MAX_PIXELS:
        raise OutOfRangeError(
            f"pixels_per_cell is {pixels_per_cell}; it must be 1 or more and give at most "
            f"{MAX_PIXELS} pixels for the {field.values.size} cells"
        )
    picture = pixels(field)[::-1]
    picture = picture.repeat(pixels_per_cell, axis=0).repeat(pixels_per_cell, axis=1)
    image = io.BytesIO()
    _image(picture).save(image, format="PNG", optimize=True)
    target.write_bytes(with_png_mark(image.getvalue()))
    progress("export", 1, 1)
    low, high = field.limits
    report = {"picture": f"{picture.shape[1]} x {picture.shape[0]} pixels"}
    return report | ({"colours": f"{low:.4g} to {high:.4g} {field.unit}"} if field.colors else {})


def write_glb(
    radio_map: RadioMap,
    target: Path,
    progress: Progress,
    *,
    metric: Annotated[str, METRIC_HELP] = "rss",
    transmitter: Annotated[str, TX_HELP] = "",
    with_scene: Annotated[bool, "the buildings and the ground as well"] = False,
    scene: Annotated[str, "recipe of the scene, where its geometry is in files of its own"] = "",
) -> Report:
    """Write a model in 3D: the map as a surface at its height, with a texture of one metric.

    Args:
        radio_map: What `open_radio_map` returns.
        target: A .glb file.
        progress: Called with stage ("export"), steps done and in all.
        metric: As in `plot_radio_map`.
        transmitter: Name or row of one; "" for the best of all in each cell.
        with_scene: Add every object of the scene as a mesh of its name.
        scene: The scene's recipe, where its geometry is in files of its own.
    Raises:
        OutOfRangeError: if there is no such metric or transmitter.
        StoreError: if the scene is asked for and is another one by now.
        MissingExtraError: if matplotlib or Pillow is not installed.
    Source: glTF 2.0; y is up there, so that x is east and -z is north. Checked
        by tests/export/maps/test_images.py.
    """
    import trimesh
    from trimesh.visual import TextureVisuals
    from trimesh.visual.material import PBRMaterial

    tx = tx_row(radio_map, transmitter)
    field = map_field(radio_map, metric, tx)
    vertices, faces, uv = surface(radio_map)
    material = PBRMaterial(
        name="radio map",
        baseColorTexture=_image(pixels(field)[::-1]),
        alphaMode="MASK",
        doubleSided=True,
        metallicFactor=0.0,
        roughnessFactor=1.0,
    )
    model = trimesh.Scene(metadata=described(radio_map, field, tx))
    model.add_geometry(
        trimesh.Trimesh(
            _y_up(vertices), faces, process=False, visual=TextureVisuals(uv=uv, material=material)
        ),
        geom_name=f"radio map, {field.title}",
    )
    num_objects = 0
    if with_scene:
        attributes = radio_map.attributes
        recipe = recipe_from_dict(attributes["recipe"], str(attributes["scene"]))
        num_objects = _add_scene(model, scene_mesh(recipe, attributes, scene))
    data = trimesh.exchange.gltf.export_glb(model, tree_postprocessor=_unlit)
    target.write_bytes(data)
    progress("export", 1, 1)
    return {"cells": field.values.size, **({"objects": num_objects} if with_scene else {})}


def surface(radio_map: RadioMap) -> tuple[Floats, Ints, Floats]:
    """The surface of a map: vertices [m], triangles and places in a picture of it.

    One rectangle where the map is flat, else two triangles for each cell.
    """
    west, east, south, north = map_extent(radio_map)
    z = corner_heights_m(radio_map)
    if np.ptp(z) < 0.01:
        z = z[:: z.shape[0] - 1, :: z.shape[1] - 1]
    num_y, num_x = z.shape[0] - 1, z.shape[1] - 1
    u, v = np.meshgrid(np.linspace(0, 1, num_x + 1), np.linspace(0, 1, num_y + 1))
    x, y = west + (east - west) * u, south + (north - south) * v
    first = (np.arange(num_y)[:, None] * (num_x + 1) + np.arange(num_x)).ravel()
    a, b, c, d = first, first + 1, first + num_x + 2, first + num_x + 1
    faces = np.stack([np.stack([a, b, c], 1), np.stack([a, c, d], 1)], axis=1).reshape(-1, 3)
    return (
        np.stack([x, y, z], axis=-1).reshape(-1, 3),
        faces,
        np.stack([u, v], axis=-1).reshape(-1, 2),
    )


def _y_up(vertices: NDArray[Any]) -> Floats:
    """East, north, up as glTF counts: x, -z, y."""
    return np.asarray(vertices, np.float64)[..., [0, 2, 1]] * [1.0, 1.0, -1.0]


def _add_scene(model: Any, mesh: SceneMesh) -> int:
    import trimesh

    for row, name in enumerate(mesh.object_name):
        corners = mesh.vertices_m[mesh.object == row]
        if not len(corners):
            continue
        # Triangles keep corners of their own, so that flat faces look flat.
        solid = trimesh.Trimesh(
            _y_up(corners.reshape(-1, 3)), np.arange(3 * len(corners)).reshape(-1, 3), process=False
        )
        solid.visual = trimesh.visual.ColorVisuals(solid, face_colors=SCENE_COLOR)
        model.add_geometry(solid, geom_name=name)
    return len(model.geometry) - 1


def _unlit(tree: dict[str, Any]) -> None:
    """Show the map's colours as they are, whatever the light, and cells with sharp borders."""
    tree["asset"]["generator"] = MARK
    used = tree.setdefault("extensionsUsed", [])
    used.append("KHR_materials_unlit")
    nearest, clamp = 9728, 33071
    tree["samplers"] = [
        {"magFilter": nearest, "minFilter": nearest, "wrapS": clamp, "wrapT": clamp}
    ]
    for texture in tree.get("textures", []):
        texture["sampler"] = 0
    for material in tree.get("materials", []):
        if "baseColorTexture" in material.get("pbrMetallicRoughness", {}):
            material.setdefault("extensions", {})["KHR_materials_unlit"] = {}


def _image(pixels: Bytes) -> Any:
    with needs("pictures need Pillow", "'rtwin[viz]'"):
        from PIL import Image
    return Image.fromarray(np.ascontiguousarray(pixels))
