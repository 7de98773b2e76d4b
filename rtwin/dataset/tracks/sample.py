"""A twin sampled along tracks: the link trace of moving users."""

import hashlib
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Floats
from rtwin.channel import PathSet, has_line_of_sight, path_gain, thermal_noise_w
from rtwin.dataset.generation import standing_at
from rtwin.dataset.reading import OF_EDITED, LinkTrace, RadioMap, write_link_trace
from rtwin.dataset.schema import TRACE_FORMAT
from rtwin.dataset.shards import part
from rtwin.dataset.store import prepare_place, provenance, transmitter_columns
from rtwin.dataset.tracks.faded import check_amount, with_faded_link
from rtwin.dataset.tracks.link_budget import make_link_trace
from rtwin.dataset.tracks.twin import SampleSettings, Twin, hash_of, open_twin, recipe_of
from rtwin.dataset.tracks.walks import RANDOM_WAYPOINT, height_above_ground, make_tracks
from rtwin.errors import OutOfRangeError
from rtwin.files import check_not_input
from rtwin.progress import Progress, silent
from rtwin.scene import Recipe, Tracks, Walk, check_separation, recipe_dict
from rtwin.trace import Tracer, World, ground_height_m, is_clear, is_inside, remarks

RECEIVERS_PER_BATCH = 512


def sample(
    twin: str | Path,
    tracks: Tracks | str | Path,
    file: str | Path,
    *,
    walk: Walk | None = None,
    settings: SampleSettings | None = None,
    scene: str | Path | None = None,
    overwrite: bool = False,
    progress: Progress = silent,
) -> LinkTrace:
    """Sample a twin along tracks into a link trace file.

    Args:
        twin: A radio map file; for exact paths also a dataset of paths (its
            scene is what counts) or a scene, as for load_recipe.
        tracks: Tracks, a CSV file of tracks, a GeoJSON file of ways to walk
            along, or "random-waypoint".
        file: Where to; appears whole or not at all.
        walk: Number, duration and speed of users that walk; of a CSV file its
            interval_s alone counts.
        settings: The radio link.
        scene: The recipe, where its geometry is in files of its own.
        overwrite: Replace a finished file of another content.
        progress: Called with stage ("sample"), steps done and in all.
    Returns:
        The link trace, as written.
    Raises:
        StoreError: if a file cannot be read or written.
        RecipeError, OutOfRangeError: if the twin, tracks or settings are impossible.
        GeometryError: if the scene has files of its own that are not there.
    Checked by tests/dataset/tracks/test_link_traces.py.
    """
    file = Path(file)
    check_not_input(file, twin, scene, None if isinstance(tracks, Tracks) else tracks)
    prepare_place(file, TRACE_FORMAT, overwrite)
    source = open_twin(twin, scene)
    walk, settings = walk or Walk(), settings or SampleSettings()
    trace = sample_twin(source, tracks, walk, settings, progress)
    write_link_trace(trace, file, overwrite=overwrite)
    return trace


def sample_map(
    radio_map: RadioMap,
    tracks: Tracks,
    settings: SampleSettings | None = None,
    *,
    attributes: dict[str, Any] | None = None,
) -> LinkTrace:
    """The link trace of a radio map in memory along tracks; no ray tracer is needed.

    Line of sight is unknown (-1), and heights are the map's.

    Checked by tests/dataset/tracks/test_link_traces.py.
    """
    settings = settings or SampleSettings()
    position = tracks.position_m.copy()
    flat = position.reshape(-1, 3)
    gain, error = radio_map.path_gain_at(flat[:, :2])
    flat[:, 2] = np.where(np.isnan(flat[:, 2]), _map_height(radio_map, flat[:, :2]), flat[:, 2])
    shape = (*position.shape[:2], len(radio_map.tx_name))
    recipe = recipe_of(radio_map.attributes, None)
    columns = transmitter_columns(recipe)
    columns["tx_name"] = radio_map.tx_name
    columns["tx_power_dbm"] = radio_map.tx_power_dbm
    return make_link_trace(
        columns,
        tracks.time_s,
        tracks.ue_name,
        position,
        gain.reshape(shape),
        path_gain_standard_error_db=error.reshape(shape),
        **_budget(recipe, settings),
        attributes={**_provenance(radio_map.attributes), **(attributes or {})},
    )


def sample_twin(
    twin: Twin,
    tracks: Tracks | str | Path,
    walk: Walk,
    settings: SampleSettings,
    progress: Progress = silent,
) -> LinkTrace:
    """The link trace of an opened twin, in memory."""
    if settings.method == "map" and twin.radio_map is None:
        raise OutOfRangeError(
            f"{twin.name}: has no radio map; trace one with `rtwin radiomap`, or ask for "
            "method paths"
        )
    world: World | None = None
    if not isinstance(tracks, Tracks) and str(tracks) == RANDOM_WAYPOINT:
        world = twin.world()
    tracks = make_tracks(twin, world, tracks, walk, settings)
    if settings.method == "paths":
        return _from_paths(twin, world or twin.world(), tracks, settings, progress)
    assert twin.radio_map is not None
    trace = sample_map(twin.radio_map, tracks, settings, attributes=_about(twin, tracks, settings))
    if not settings.line_of_sight:
        return trace
    world = world or twin.world()
    return replace(trace, line_of_sight=_sight(world, trace, progress))


def _map_height(radio_map: RadioMap, xy: Floats) -> Floats:
    """Height of the map at the cells nearest to points [m], [n]; NaN at points that are NaN."""
    centers = radio_map.cell_centers_m
    step = float(radio_map.attributes["cell_size_m"])
    known = np.asarray(np.isfinite(xy).all(axis=1))
    cell = np.rint((np.where(known[:, None], xy, 0.0) - centers[0, 0, :2]) / step).astype(np.int64)
    column = np.clip(cell[:, 0], 0, centers.shape[1] - 1)
    row = np.clip(cell[:, 1], 0, centers.shape[0] - 1)
    return np.where(known, centers[row, column, 2], np.nan)


def _budget(recipe: Recipe, settings: SampleSettings) -> dict[str, Any]:
    """What make_link_trace is told of noise, carrier, handover and interference."""
    carrier = settings.adaptation(recipe.bandwidth_hz)
    noise = thermal_noise_w(carrier.bandwidth_hz, recipe.temperature_k, recipe.noise_figure_db)
    return {
        "noise_power_w": noise,
        "adaptation": carrier,
        "handover": settings.handover,
        "interference_load": settings.interference_load,
        "demand_mbps": settings.demand_mbps,
        "uplink_power_dbm": settings.uplink_power_dbm,
    }


def _from_paths(
    twin: Twin, world: World, tracks: Tracks, settings: SampleSettings, progress: Progress
) -> LinkTrace:
    """Exact paths at every position of the tracks."""
    recipe = world.recipe
    position = tracks.position_m.copy()
    flat = position.reshape(-1, 3)
    there = np.isfinite(flat[:, :2]).all(axis=1)
    low = there & np.isnan(flat[:, 2])
    flat[low, 2] = ground_height_m(world, flat[low, :2]) + height_above_ground(twin, settings)
    there &= np.isfinite(flat[:, 2])
    # Standing users are traced once.
    places, row = np.unique(flat[there], axis=0, return_inverse=True)
    if settings.link == "paths":
        check_amount(len(places) * len(recipe.transmitter))
    check_separation(places, recipe)
    gain, sight, paths = _trace(Tracer(world), places, settings.link == "paths", progress)
    num_tx = len(recipe.transmitter)
    all_gain = np.full((len(flat), num_tx), np.nan)
    all_sight = np.full((len(flat), num_tx), -1, np.int8)
    all_gain[there], all_sight[there] = gain[row.ravel()], sight[row.ravel()]
    shape = (*position.shape[:2], num_tx)
    base = {
        "title": recipe.title,
        "scene": recipe.name,
        "source": recipe.source,
        "licence": recipe.licence,
        "recipe": recipe_dict(recipe),
        "seed": recipe.seed,
        "frequency_hz": recipe.frequency_hz,
        "geometry_hash": world.geometry_hash,
        "scene_hash": world.scene_hash,
        "variant": world.engine.variant,
        "remarks": remarks(world),
        "num_inside": int(is_inside(world, places).sum()),
        **{name: twin.attributes[name] for name in OF_EDITED if name in twin.attributes},
    }
    trace = make_link_trace(
        transmitter_columns(recipe),
        tracks.time_s,
        tracks.ue_name,
        position,
        all_gain.reshape(shape),
        line_of_sight=all_sight.reshape(shape),
        **_budget(recipe, settings),
        attributes={**base, **_about(twin, tracks, settings, world.scene_hash)},
    )
    if settings.link == "simple":
        return trace
    place = np.full(len(flat), -1)
    place[there] = row.ravel()
    return with_faded_link(trace, paths, place.reshape(shape[:2]), recipe, settings, progress)


def _trace(
    tracer: Tracer, places: Floats, keep_paths: bool, progress: Progress
) -> tuple[Floats, NDArray[np.int8], list[PathSet]]:
    """Path gain and line of sight of places [n, 3], [n, tx] each; and their paths, if kept."""
    num_tx = len(tracer.world.recipe.transmitter)
    receivers = standing_at(places.copy())
    gain = np.zeros((len(places), num_tx))
    sight = np.zeros((len(places), num_tx), np.int8)
    kept: list[PathSet] = []
    for start in range(0, len(places), RECEIVERS_PER_BATCH):
        progress("sample", start, len(places))
        stop = min(start + RECEIVERS_PER_BATCH, len(places))
        traced = tracer.trace(part(receivers, start, stop))
        paths = traced.path_set(tracer.world.recipe.frequency_hz)
        if keep_paths:
            kept.append(paths)
        gain[start:stop] = path_gain(paths).reshape(-1, num_tx)
        sight[start:stop] = has_line_of_sight(paths).reshape(-1, num_tx)
    progress("sample", len(places), max(len(places), 1))
    return gain, sight, kept


def _sight(world: World, trace: LinkTrace, progress: Progress) -> NDArray[np.int8]:
    """Whether nothing stands between users and transmitters; -1 where a user is nowhere."""
    flat = trace.ue_position_m.reshape(-1, 3)
    there = np.isfinite(flat).all(axis=1)
    sight = np.full((len(flat), trace.num_tx), -1, np.int8)
    for tx in range(trace.num_tx):
        progress("sample", tx, trace.num_tx)
        mast = np.tile(trace.tx_position_m[tx], (int(there.sum()), 1))
        sight[there, tx] = is_clear(world, mast, flat[there])
    progress("sample", trace.num_tx, trace.num_tx)
    return sight.reshape(trace.line_of_sight.shape)


def _provenance(attributes: dict[str, Any]) -> dict[str, Any]:
    """What a trace carries on from its radio map."""
    names = (
        "title",
        "scene",
        "source",
        "licence",
        "recipe",
        "seed",
        "frequency_hz",
        "variant",
        "geometry_hash",
        "scene_hash",
        "remarks",
        "scene_folder",
        *OF_EDITED,
    )
    kept = {name: attributes[name] for name in names if name in attributes}
    return kept | {"map_hash": attributes.get("content_hash", "")}


def _about(
    twin: Twin, tracks: Tracks, settings: SampleSettings, scene_hash: str = ""
) -> dict[str, Any]:
    placed = hashlib.sha256(np.ascontiguousarray(tracks.time_s, "<f8").tobytes())
    placed.update(np.ascontiguousarray(tracks.position_m, "<f8").tobytes())
    placed.update("\0".join(tracks.ue_name).encode())
    about = {"twin_hash": twin.hash, "tracks_hash": placed.hexdigest(), "method": settings.method}
    # A recipe alone does not tell what its files hold.
    request = {**about, "scene": scene_hash, "settings": asdict(settings), "versions": provenance()}
    return {**about, "twin": twin.name, "tracks": tracks.source, "request_hash": hash_of(request)}
