"""A picture of a scene with the contents of its files on it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from rtwin.arrays import Floats, Ints
from rtwin.dataset.reading import PathDataset, open_dataset, open_radio_map, world_of
from rtwin.errors import OutOfRangeError, StoreError
from rtwin.progress import Progress, count_of, silent
from rtwin.scene import Recipe, recipe_from_dict
from rtwin.trace.pictures import MapOverlay, PathLines, check_picture, render

PATHS_PER_LINK = 6  # more would hide the scene


def render_scene(
    recipe: Recipe,
    file: str | Path,
    *,
    paths: str | Path | None = None,
    radio_map: str | Path | None = None,
    num_links: int = 12,
    resolution: tuple[int, int] = (1280, 800),
    samples: int = 64,
    progress: Progress = silent,
    finish: Callable[[bytes], bytes] | None = None,
) -> Path:
    """Take a ray-traced picture of a scene, with paths and radio map on it.

    Args:
        recipe: The scene; its [camera] is where the picture is taken from.
        file: Where to, a PNG.
        paths: Dataset of this scene whose receivers and paths are drawn.
        radio_map: Radio map of this scene, received power of the strongest transmitter.
            That of a twin shows the scene after the twin's edits.
        num_links: Links whose paths are drawn.
        resolution: Width and height in pixels.
        samples: Rays of light per pixel.
        finish: Makes the PNG that is written of the one that was drawn.
        progress: Called with stage ("render"), steps done and in all.
    Returns:
        The path of the file.
    Raises:
        StoreError: if a file cannot be read, is of another scene, or the
            picture cannot be written.
    """
    if num_links < 0:
        raise OutOfRangeError(f"num_links is {num_links}; it must be 0 or more")
    check_picture(Path(file), resolution, samples)  # before the engine starts
    lines, receivers, overlay = None, None, None
    hashes: dict[str | Path, str] = {}
    edited: dict[str, Any] = {}
    if paths is not None:
        with open_dataset(paths) as dataset:
            hashes[paths] = dataset.attributes["scene_hash"]
            receivers = dataset.read("rx_position_m")
            lines = _lines(dataset, num_links)
    if radio_map is not None:
        twin = open_radio_map(radio_map)
        hashes[radio_map] = twin.attributes["scene_hash"]
        if twin.attributes.get("edits"):
            edited = twin.attributes
            recipe = recipe_from_dict(edited["recipe"], recipe.name, recipe.folder)
        overlay = MapOverlay(
            twin.rss_dbm.max(axis=0), twin.cell_centers_m, float(twin.attributes["cell_size_m"])
        )
    world = world_of(edited, recipe)
    for given, found in hashes.items():
        _check_scene(given, found, world.scene_hash)
    return render(
        world,
        file,
        receivers_m=receivers,
        paths=lines,
        radio_map=overlay,
        resolution=resolution,
        samples=samples,
        progress=count_of(progress, "render"),
        finish=finish,
    )


def _far_apart(points: Floats, count: int) -> Ints:
    """Rows of up to `count` points, each as far from those before it as can be."""
    chosen: list[int] = []
    distance = np.full(len(points), np.inf)
    while len(chosen) < min(count, len(points)):
        chosen.append(int(np.argmax(distance)))
        distance = np.minimum(distance, np.linalg.norm(points - points[chosen[-1]], axis=1))
    return np.array(chosen, np.int64)


def _check_scene(file: str | Path, found: str, wanted: str) -> None:
    if found != wanted:
        raise StoreError(
            f"{file}: is of another scene (hash {found[:12]}, this one is {wanted[:12]}); "
            "give the scene that it was traced from"
        )


def _lines(dataset: PathDataset, num_links: int) -> PathLines | None:
    """The strongest paths of some links, one link per receiver, receivers far from each other."""
    by_receiver = dataset.num_paths.reshape(-1, dataset.num_tx)
    best = by_receiver.argmax(axis=1)
    rich = np.flatnonzero(by_receiver.max(axis=1) >= min(3, by_receiver.max(initial=0)))
    receivers = rich[_far_apart(dataset.read("rx_position_m")[rich], max(num_links, 0))]
    if len(receivers) == 0:
        return None
    tx, rx, vertices, kinds = [], [], [], []
    tx_m, rx_m = dataset.read("tx_position_m"), dataset.read("rx_position_m")
    for receiver in receivers:
        link = dataset.link(int(receiver), int(best[receiver]))
        rows = dataset.path_rows(link, link + 1)
        keep, _ = dataset.paths(link, link + 1).strongest_rows(PATHS_PER_LINK)
        kinds.append(dataset.read("interactions", rows)[keep])
        vertices.append(dataset.read("vertex_m", rows)[keep])
        tx.append(np.repeat(tx_m[[best[receiver]]], len(kinds[-1]), axis=0))
        rx.append(np.repeat(rx_m[[receiver]], len(kinds[-1]), axis=0))
    return PathLines(*(np.concatenate(part) for part in (tx, rx, vertices, kinds)))
