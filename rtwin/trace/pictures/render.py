"""Pictures of a scene: ray traced by Mitsuba, with devices, paths and a radio map drawn in.

Sionna's own renderer draws paths as thousands of glowing cylinders and lays
them over the picture by comparing averaged depths, which frays their edges.
Here everything drawn in is one triangle mesh, and every ray through a pixel
decides for itself what it sees first. The colours drawn in are the ones asked
for, whatever the light.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from rtwin.arrays import Floats
from rtwin.errors import OutOfRangeError, StoreError
from rtwin.files import appearing, check_replaceable, with_png_mark
from rtwin.progress import Count, uncounted
from rtwin.scene import Camera, build_meshes
from rtwin.trace.pictures.drawing import (
    RX_COLOR,
    TX_COLOR,
    Drawing,
    MapOverlay,
    PathLines,
    draw_devices,
    draw_map,
    draw_paths,
)
from rtwin.trace.world import World, first_hit, material_color

FIELD_OF_VIEW_DEG = 45.0
MAX_PIXELS = 2**25
MAX_SAMPLES = 4096
SAMPLES_PER_PASS = 8  # bounds the memory of a pass
LIGHT_BOUNCES = 4
EDGE_SAMPLES = 3  # per pixel and axis, for what is drawn in
SUN, SKY = (1.9, 1.8, 1.6), (0.46, 0.50, 0.56)
BACKGROUND = ((0.70, 0.80, 0.90), (0.96, 0.97, 0.98))  # top, bottom


def render(
    world: World,
    file: str | Path,
    *,
    camera: Camera | None = None,
    receivers_m: ArrayLike | None = None,
    paths: PathLines | None = None,
    radio_map: MapOverlay | None = None,
    resolution: tuple[int, int] = (1280, 800),
    samples: int = 64,
    progress: Count = uncounted,
    finish: Callable[[bytes], bytes] | None = None,
) -> Path:
    """Take a picture of a scene with its transmitters.

    Args:
        world: The scene.
        file: Where to, a PNG; appears whole or not at all.
        camera: From where; default: the recipe's [camera], else from the air.
        receivers_m: Receivers to show [m], [rx, 3]; those of `paths` are shown anyway.
        paths: Paths to draw.
        radio_map: Radio map to lay over the ground.
        resolution: Width and height in pixels.
        samples: Rays of light per pixel; the grain falls with their square root.
        progress: Called with rays done and rays in all, per pixel.
        finish: Makes the PNG that is written of the one that was drawn.
    Returns:
        The path of the file.
    Raises:
        OutOfRangeError: if the resolution or samples cannot be worked with.
        ShapeError: if arrays do not fit together.
        StoreError: if the file is no PNG, there is one that rtwin did not make, or it cannot
            be written.
    Checked by tests/trace/pictures/test_render.py.
    """
    file, (width, height) = Path(file), resolution
    check_picture(file, resolution, samples)
    view = _View(world, camera or world.recipe.camera or default_camera(world), width, height)
    drawing = _drawing(world, view, receivers_m, paths, radio_map)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with appearing(file) as temporary:
            # A place that cannot be written is found before the work, not after it.
            temporary.touch()
            picture = _scene_picture(world, view, samples, progress)
            color, cover = _drawn_picture(world, view, drawing)
            picture = picture * (1.0 - cover) + color
            pixels = np.round(np.clip(picture, 0.0, 1.0) * 255.0).astype(np.uint8)
            world.engine.mi.Bitmap(np.ascontiguousarray(pixels)).write(
                str(temporary), world.engine.mi.Bitmap.FileFormat.PNG
            )
            png = temporary.read_bytes()
            temporary.write_bytes(with_png_mark(finish(png) if finish is not None else png))
    except OSError as error:
        raise StoreError(f"{file}: {os.strerror(error.errno or 0)}; choose another place") from None
    return file


def check_picture(file: Path, resolution: tuple[int, int], samples: int) -> None:
    """Refuse what no picture can be made of; see `render`."""
    width, height = resolution
    if not (width > 0 and height > 0 and width * height <= MAX_PIXELS):
        raise OutOfRangeError(
            f"resolution is {width} x {height}; allowed are 1 to {MAX_PIXELS} pixels in all"
        )
    if not 1 <= samples <= MAX_SAMPLES:
        raise OutOfRangeError(f"samples is {samples}; allowed are 1 to {MAX_SAMPLES}")
    if file.suffix.lower() != ".png":
        raise StoreError(f"{file}: pictures are PNG; choose a name that ends in .png")
    check_replaceable(file)


def default_camera(world: World) -> Camera:
    """A view from the south-west and above of the whole scene, its roof cut away indoors."""
    low, high = world.bounds_m
    center = (low + high) / 2
    forward, right, up = _axes(np.array([0.5, 0.8, -0.75]))
    corners = np.stack(np.meshgrid(*zip(low, high, strict=True)), -1).reshape(-1, 3) - center
    across = np.tan(np.radians(FIELD_OF_VIEW_DEG / 2)) * 0.95
    half_width = np.maximum(np.abs(corners @ right), 1.6 * np.abs(corners @ up))
    distance = float((half_width / across - corners @ forward).max())
    clip = high[2] - 0.05 * (high[2] - low[2]) if world.recipe.environment == "indoor" else None
    return Camera(
        position_m=tuple(center - distance * forward), look_at_m=tuple(center), clip_at_m=clip
    )


def _axes(direction: Floats) -> tuple[Floats, Floats, Floats]:
    """Forward, right and up of a camera that looks along a direction; north is up from above."""
    forward = direction / np.linalg.norm(direction)
    vertical = abs(forward[2]) > 0.9999
    right = np.cross(forward, [0.0, 1.0, 0.0] if vertical else [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    return forward, right, np.cross(right, forward)


class _View:
    """Where the camera stands and which rays go through its pixels."""

    def __init__(self, world: World, camera: Camera, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.clip_m = camera.clip_at_m
        self.position = np.array(camera.position_m)
        self.target = np.array(camera.look_at_m)
        self.forward, self.right, self.up = _axes(self.target - self.position)
        self.half = np.tan(np.radians(FIELD_OF_VIEW_DEG / 2))
        distance = float(np.linalg.norm(self.target - self.position))
        self.pixel_m = 2 * self.half * distance / 1280  # of the default width, at the target

    def directions(self, shift_x: float, shift_y: float) -> Floats:
        """Unit directions through a place in every pixel, [height * width, 3]."""
        x = ((np.arange(self.width) + shift_x) / self.width * 2 - 1) * self.half
        y = (1 - (np.arange(self.height) + shift_y) / self.height * 2) * self.half
        y *= self.height / self.width
        rays = self.forward + x[None, :, None] * self.right + y[:, None, None] * self.up
        return (rays / np.linalg.norm(rays, axis=-1, keepdims=True)).reshape(-1, 3)


def _vegetation(world: World) -> dict[str, Any]:
    """Vegetation as the renderer's own shapes: the engine's scene has none."""
    mi, recipe = world.engine.mi, world.recipe
    shapes = {}
    for item in build_meshes(recipe) if world.volumes else ():
        if item.material not in world.foliage_specs:
            continue
        color = {"type": "rgb", "value": list(material_color("vegetation"))}
        properties = mi.Properties()
        properties["mesh_bsdf"] = mi.load_dict({"type": "diffuse", "reflectance": color})
        properties["face_normals"] = True
        vertices, faces = np.asarray(item.mesh.vertices), np.asarray(item.mesh.faces)
        mesh = mi.Mesh(f"vegetation-{item.name}", len(vertices), len(faces), props=properties)
        parameters = mi.traverse(mesh)
        parameters["vertex_positions"] = (vertices - world.origin_m).astype(np.float32).ravel()
        parameters["faces"] = faces.astype(np.uint32).ravel()
        parameters.update()
        shapes[f"vegetation-{item.name}"] = mesh
    return shapes


def _scene_picture(
    world: World, view: _View, samples: int, progress: Callable[[int, int], None]
) -> Floats:
    """The scene in daylight, [height, width, 3], as a screen shows it."""
    from sionna.rt.renderer import visual_scene_from_wireless_scene

    mi = world.engine.mi
    # The sun stands behind the camera's left shoulder, so that walls differ.
    sun = view.forward * [1, 1, 0] if abs(view.forward[2]) < 0.99 else view.up
    sun = sun / np.linalg.norm(sun) + 0.9 * view.right - [0.0, 0.0, 1.4]
    total = np.zeros((view.height, view.width, 4))
    variant = world.engine.variant.replace("mono_polarized", "rgb")
    with mi.util.scoped_set_variant(variant):
        sensor = mi.load_dict(
            {
                "type": "perspective",
                "fov": FIELD_OF_VIEW_DEG,
                "fov_axis": "x",
                "near_clip": 0.01,
                "far_clip": 1e6,
                "to_world": mi.ScalarTransform4f().look_at(
                    (view.position - world.origin_m).tolist(),
                    (view.target - world.origin_m).tolist(),
                    view.up.tolist(),
                ),
                "film": {
                    "type": "hdrfilm",
                    "width": view.width,
                    "height": view.height,
                    "pixel_format": "rgba",
                    "rfilter": {"type": "box"},
                },
                "sampler": {"type": "multijitter"},
            }
        )
        scene = visual_scene_from_wireless_scene(
            world.scene, sensor=sensor, max_depth=LIGHT_BOUNCES
        )
        scene["emitter"] = {"type": "constant", "radiance": {"type": "rgb", "value": list(SKY)}}
        scene["sun"] = {
            "type": "directional",
            "direction": sun.tolist(),
            "irradiance": {"type": "rgb", "value": list(SUN)},
        }
        if view.clip_m is not None:
            scene["integrator"] = _cut_open(world, view.clip_m)
        scene |= _vegetation(world)
        loaded = mi.load_dict(scene)
        for start in range(0, samples, SAMPLES_PER_PASS):
            count = min(SAMPLES_PER_PASS, samples - start)
            total += count * mi.render(loaded, spp=count, seed=start).numpy()
            progress(start + count, samples)
    linear, cover = np.split(total / samples, [3], axis=-1)
    top, bottom = np.array(BACKGROUND)
    share = np.linspace(0.0, 1.0, view.height)[:, None, None]
    background = (top + (bottom - top) * share) ** 2.2
    linear = np.clip(linear + (1.0 - cover) * background, 0.0, 1.0)
    return np.where(linear < 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def _cut_open(world: World, clip_m: float) -> dict[str, Any]:
    """Integrator that sees nothing above a height; Sionna's own cut is centred on the origin."""
    mi, bounds = world.engine.mi, world.bounds_m
    center, size = bounds.mean(axis=0), np.ptp(bounds, axis=0)
    middle = np.array([center[0], center[1], clip_m]) - world.origin_m
    place = mi.ScalarTransform4f().translate(middle.tolist())
    plane = {"type": "rectangle", "to_world": place.scale([4 * size[0] + 1, 4 * size[1] + 1, 1])}
    return {
        "type": "sliced_path",
        "max_depth": LIGHT_BOUNCES,
        "hide_emitters": True,
        "slice1": plane,
    }


def _drawing(
    world: World,
    view: _View,
    receivers_m: ArrayLike | None,
    paths: PathLines | None,
    radio_map: MapOverlay | None,
) -> Drawing:
    """Everything drawn into a picture, sized to be seen in it."""
    parts = []
    if radio_map is not None:
        parts.append(draw_map(radio_map))
    receivers = [] if receivers_m is None else [np.asarray(receivers_m, np.float64).reshape(-1, 3)]
    if paths is not None:
        parts.append(draw_paths(paths, 0.6 * view.pixel_m))
        receivers.append(np.unique(np.asarray(paths.rx_m, np.float64).reshape(-1, 3), axis=0))
    if receivers:
        parts.append(draw_devices(np.concatenate(receivers), 2.2 * view.pixel_m, RX_COLOR))
    transmitters = [tx.position_m for tx in world.recipe.transmitter]
    parts.append(draw_devices(transmitters, 6.0 * view.pixel_m, TX_COLOR))
    return Drawing.join(parts)


def _drawn_picture(world: World, view: _View, drawing: Drawing) -> tuple[Floats, Floats]:
    """Premultiplied colour [height, width, 3] and cover [height, width, 1] of what is drawn.

    Several rays per pixel each ask what they meet first, so that edges are smooth.
    """
    mi, dr = world.engine.mi, world.engine.dr
    mesh = mi.Mesh("drawing", 3 * len(drawing.triangles), len(drawing.triangles))
    parameters = mi.traverse(mesh)
    parameters["vertex_positions"] = drawing.triangles.ravel()
    parameters["faces"] = np.arange(3 * len(drawing.triangles), dtype=np.uint32)
    parameters.update()
    scene = mi.load_dict({"type": "scene", "drawing": mesh})
    shape = (view.height, view.width)
    color, cover = np.zeros((*shape, 3)), np.zeros((*shape, 1))
    steps = (np.arange(EDGE_SAMPLES) + 0.5) / EDGE_SAMPLES
    for shift_x in steps:
        for shift_y in steps:
            direction = view.directions(shift_x, shift_y)
            origin = np.broadcast_to(view.position, direction.shape)
            ray = mi.Ray3f(world.points(origin), mi.Vector3f(world.points(direction)))
            drawn = scene.ray_intersect(ray, ray_flags=mi.RayFlags.Minimal, coherent=True)
            dr.eval(drawn.t, drawn.prim_index)
            near = np.where(drawn.is_valid().numpy(), drawn.t.numpy(), np.inf)
            visible = np.isfinite(near) & (near < _scene_distance(world, view, origin, direction))
            rgba = drawing.color[np.where(visible, drawn.prim_index.numpy(), 0)]
            share = np.where(visible, rgba[:, 3], 0.0)[:, None]
            color += (share * rgba[:, :3]).reshape(*shape, 3)
            cover += share.reshape(*shape, 1)
    return color / EDGE_SAMPLES**2, cover / EDGE_SAMPLES**2


def _scene_distance(world: World, view: _View, origin: Floats, direction: Floats) -> Floats:
    """How far each ray sees before the scene is in its way [m]; nothing above a cut counts."""
    start = origin
    if view.clip_m is not None:
        drop = np.where(direction[:, 2] < -1e-9, (view.clip_m - origin[:, 2]) / direction[:, 2], 0)
        start = origin + np.maximum(drop, 0.0)[:, None] * direction
    hit, _, point = first_hit(world, start, direction)
    return np.where(hit, np.linalg.norm(point - origin, axis=1) + 1e-3 * view.pixel_m, np.inf)
