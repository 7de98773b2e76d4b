"""A dataset with other materials, frequency or antennas, from its stored geometry: no tracing."""

import copy
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rtwin.channel import InteractionType
from rtwin.dataset.reading import PathDataset, open_dataset
from rtwin.dataset.schema import PATHS_FORMAT, SWEEP_FORMAT
from rtwin.dataset.shards import SHARD_VARIABLES, ShardFolder, assemble, part, shard_ranges
from rtwin.dataset.store import prepare_target, provenance
from rtwin.errors import OutOfRangeError, RecipeError, StoreError
from rtwin.files import check_not_input
from rtwin.progress import Progress, silent
from rtwin.scene import Receivers, Recipe, load_recipe, recipe_dict, recipe_from_dict
from rtwin.scene._model import read_toml
from rtwin.scene.library import MAX_RECIPE_BYTES
from rtwin.trace import World, evaluate_paths, load_world

RECEIVERS_PER_SHARD = 4096
_LAST_EDGE = 5  # of a triangle, see schema
_KEPT = (
    "delay_s",
    "aod_azimuth",
    "aod_zenith",
    "aoa_azimuth",
    "aoa_zenith",
    "interactions",
    "triangle",
    "edge",
    "object",
    "material",
    "vertex_m",
)
_COMPUTED = ("a", "doppler_hz", "vegetation_loss_db")


def evaluate(
    file: str | Path,
    output: str | Path,
    *,
    frequency_hz: float | None = None,
    frequencies_hz: Sequence[float] | None = None,
    materials: str | Path | None = None,
    tx_pattern: str | None = None,
    tx_downtilt_deg: float | None = None,
    rx_pattern: str | None = None,
    scene: str | Path | None = None,
    origin: Mapping[str, str] | None = None,
    overwrite: bool = False,
    progress: Progress = silent,
) -> Path:
    """Evaluate the fields of a dataset's paths anew, into another dataset.

    Paths keep their identity: row by row they are those of the old file. What
    depends on geometry is copied; coefficients and Doppler shifts are computed.
    Paths that a fresh trace would find only because other materials guide its
    rays elsewhere are not added.

    Args:
        file: Dataset to start from.
        output: Where to; appears whole or not at all.
        frequency_hz: Carrier frequency [Hz].
        frequencies_hz: Several of them [Hz], [frequency]: the output is a sweep, whose
            coefficients, Doppler shifts and materials have a dimension `frequency`.
        materials: TOML file with [materials.NAME] tables as in a recipe.
        tx_pattern: Antenna pattern of all transmitters.
        tx_downtilt_deg: Downtilt [deg] of all transmitters, azimuth and roll kept.
        rx_pattern: Antenna pattern of the receivers.
        scene: The recipe, where its geometry is in files of its own.
        origin: Root attributes that say where the materials come from, as those of a
            calibration do.
        overwrite: Replace a finished file of another content.
        progress: Called with stage ("evaluate", "write"), steps done and in all.
    Returns:
        The path of the file.
    Raises:
        StoreError: if the dataset holds scattered paths or is of another
            geometry than the scene, or a file cannot be read or written.
        RecipeError, MaterialRangeError: if a setting is impossible.
    """
    file, output = Path(file), Path(output)
    if frequencies_hz is not None:
        _check_frequencies(frequency_hz, frequencies_hz)
        frequency_hz = frequencies_hz[0]
    with open_dataset(file) as dataset:
        recipe = _changed(
            dataset, scene, frequency_hz, materials, tx_pattern, tx_downtilt_deg, rx_pattern
        )
        check_not_input(output, file, materials)
        if dataset.recipe.solver.diffuse_reflection:
            raise StoreError(
                f"{file}: holds scattered paths, and which of them exist depends on the "
                "materials; generate the dataset anew"
            )
        kind = PATHS_FORMAT if frequencies_hz is None else SWEEP_FORMAT
        request = _request_hash(recipe, dataset, frequencies_hz, origin)
        if prepare_target(output, kind, request, overwrite):
            ShardFolder(output).remove()
            progress("evaluate", 1, 1)
            return output
        world = load_world(recipe)
        if world.geometry_hash != dataset.attributes.get("geometry_hash"):
            raise StoreError(
                f"{file}: was traced in another geometry than {recipe.name!r} has now; "
                "generate it again"
            )
        receivers = _receivers(dataset)
        # Impossible frequencies are refused before the work.
        worlds = [world.at_frequency(f) for f in frequencies_hz or [recipe.frequency_hz]]
        ranges = shard_ranges(len(receivers), max(1, RECEIVERS_PER_SHARD // len(worlds)))
        folder = ShardFolder(output)
        plan = {"request": request, "shards": len(ranges)}
        with folder.opened(plan):
            for number, (start, stop) in enumerate(ranges):
                progress("evaluate", number, len(ranges))
                if not folder.is_finished(number):
                    shard = _shard(worlds, dataset, part(receivers, start, stop), start, stop)
                    if frequencies_hz is None:
                        shard |= {name: shard[name][:, 0] for name in _COMPUTED}
                    folder.write(number, shard)
            progress("evaluate", len(ranges), len(ranges))
            assemble(
                worlds,
                receivers,
                folder,
                len(ranges),
                request,
                progress,
                sweep=frequencies_hz is not None,
                attributes=origin,
            )
        folder.remove()
    return output


def _check_frequencies(frequency_hz: float | None, frequencies_hz: Sequence[float]) -> None:
    if frequency_hz is not None:
        raise OutOfRangeError("frequency and frequencies are both given; give one of them")
    if not len(frequencies_hz) or len(set(frequencies_hz)) < len(frequencies_hz):
        raise OutOfRangeError(
            f"frequencies are {list(frequencies_hz)}; give one or more, each once [Hz]"
        )


def _changed(
    dataset: PathDataset,
    scene: str | Path | None,
    frequency_hz: float | None,
    materials: str | Path | None,
    tx_pattern: str | None,
    tx_downtilt_deg: float | None,
    rx_pattern: str | None,
) -> Recipe:
    """The dataset's recipe with what is to be different."""
    old = dataset.recipe
    data = copy.deepcopy(recipe_dict(old))
    if frequency_hz is not None:
        data["frequency_hz"] = frequency_hz
    if materials is not None:
        data["materials"] = {**data["materials"], **_material_tables(Path(materials))}
    for tx in data["transmitter"]:
        if tx_pattern is not None:
            tx["antenna"]["pattern"] = tx_pattern
        if tx_downtilt_deg is not None:
            if tx.pop("look_at_m", None) is not None:
                spec = next(t for t in old.transmitter if t.name == tx["name"])
                tx["azimuth_deg"] = float(np.degrees(spec.orientation_rad[0]))
            tx["downtilt_deg"] = tx_downtilt_deg
    if rx_pattern is not None:
        data["receivers"]["antenna"]["pattern"] = rx_pattern
    folder = old.folder if scene is None else load_recipe(scene).folder
    made = recipe_from_dict(data, old.name, folder)
    antennas = [made.receivers.antenna, *(tx.antenna for tx in made.transmitter)]
    if any(antenna.is_file for antenna in antennas) and scene is None and folder == Path("."):
        raise RecipeError(
            f"{dataset.path}: antenna patterns of {old.name!r} are in files; name the recipe "
            "with scene"
        )
    if made.has_files and scene is None and folder == Path("."):
        raise RecipeError(
            f"{dataset.path}: the geometry of {old.name!r} is in files that are not where they "
            "were; name the recipe with scene"
        )
    return made


def _material_tables(file: Path) -> dict[str, Any]:
    # The folder of a calibration holds the materials that were fitted.
    file = file / "materials.toml" if file.is_dir() else file
    if not file.is_file():
        raise RecipeError(f"{file}: no such file")
    data = read_toml(file, MAX_RECIPE_BYTES, RecipeError)
    if set(data) != {"materials"} or not isinstance(data["materials"], dict):
        raise RecipeError(
            f"{file}: holds {', '.join(sorted(data)) or 'nothing'}; it must hold "
            "[materials.NAME] tables and nothing else"
        )
    return data["materials"]


def _request_hash(
    recipe: Recipe,
    dataset: PathDataset,
    frequencies_hz: Sequence[float] | None,
    origin: Mapping[str, str] | None,
) -> str:
    request = {
        **({} if origin is None else {"origin": dict(origin)}),
        "frequencies_hz": None if frequencies_hz is None else list(frequencies_hz),
        "evaluated": dataset.attributes["content_hash"],
        "recipe": recipe_dict(recipe),
        "versions": provenance(),
    }
    return hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()


def _receivers(dataset: PathDataset) -> Receivers:
    time_s = dataset.read("rx_time_s")
    counts = dataset.attributes
    return Receivers(
        position_m=dataset.read("rx_position_m"),
        velocity_m_s=dataset.read("rx_velocity_m_s"),
        orientation_rad=dataset.read("rx_orientation_rad"),
        time_s=None if np.isnan(time_s).all() else time_s,
        candidate=dataset.read("rx_candidate"),
        num_candidates=counts["num_candidates"],
        num_inside=counts["num_inside"],
        num_underground=counts["num_underground"],
        num_without_ground=counts["num_without_ground"],
    )


def _check_geometry(file: Path, kept: dict[str, Any], num_triangles: int) -> None:
    """Raise StoreError if paths point outside of the scene: the engine looks nothing up twice."""
    filled = kept["interactions"] != 0
    met = kept["triangle"][filled]
    ok = (
        (filled[:, 1:] <= filled[:, :-1]).all()
        and (met < num_triangles).all()
        and np.isfinite(kept["vertex_m"][filled]).all()
    )
    bent = (kept["interactions"] == InteractionType.DIFFRACTION).any(axis=1)
    if not (ok and (kept["edge"][bent] <= _LAST_EDGE).all()):
        raise StoreError(
            f"{file}: its paths meet what is not in the scene's {num_triangles} triangles; "
            "the file is damaged, generate it again"
        )


def _shard(
    worlds: list[World], dataset: PathDataset, receivers: Receivers, start: int, stop: int
) -> dict[str, Any]:
    """Variables of the links of some receivers; those of _COMPUTED as [path, frequency, ...]."""
    links = slice(start * dataset.num_tx, stop * dataset.num_tx)
    rows = dataset.path_rows(links.start, links.stop)
    kept = {name: dataset.read(name, rows) for name in _KEPT}
    _check_geometry(dataset.path, kept, len(worlds[0].triangles.material))
    per_link = {v.name: dataset.read(v.name, links) for v in SHARD_VARIABLES}
    link = np.repeat(np.arange(links.stop - links.start), per_link["num_paths"])
    fields = [
        evaluate_paths(
            world.at_frequency(world.recipe.frequency_hz),
            receivers,
            link % dataset.num_tx,
            link // dataset.num_tx,
            kept["interactions"],
            kept["triangle"],
            kept["edge"],
            kept["vertex_m"],
        )
        for world in worlds
    ]
    computed = (np.stack(values, axis=1) for values in zip(*fields, strict=True))
    return {**per_link, **kept, **dict(zip(_COMPUTED, computed, strict=True))}
