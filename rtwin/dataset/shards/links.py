"""The links of a batch of receivers, as the variables of a dataset."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Floats
from rtwin.channel import PATH_GEOMETRY
from rtwin.channel.segments import segment_sum
from rtwin.scene import Receivers, Recipe
from rtwin.trace import NO_TRIANGLE, TracedPaths, Tracer
from rtwin.units import from_db


def part(receivers: Receivers, start: int, stop: int, step: int = 1) -> Receivers:
    """Some of the receivers, as a batch of their own."""
    rows = slice(start, stop, step)
    return dataclasses.replace(
        receivers,
        position_m=receivers.position_m[rows],
        velocity_m_s=receivers.velocity_m_s[rows],
        orientation_rad=receivers.orientation_rad[rows],
        time_s=None if receivers.time_s is None else receivers.time_s[rows],
        candidate=receivers.candidate[rows],
    )


def trace_shard(
    tracer: Tracer, receivers: Receivers, transmitter_done: Callable[[], None] = lambda: None
) -> dict[str, NDArray[Any]]:
    """Variables of the links of a batch of receivers."""
    traced, dropped = _kept(tracer.trace(receivers, transmitter_done), tracer.world.recipe)
    triangles = tracer.world.triangles
    met = traced.triangle != NO_TRIANGLE
    row = np.where(met, traced.triangle, 0)
    return {
        "num_paths": traced.num_paths.astype(np.int32),
        "dropped_path_gain": dropped,
        **{
            name: getattr(traced, name)
            for name in ("a", *PATH_GEOMETRY, "triangle", "edge", "vertex_m", "vegetation_loss_db")
        },
        "object": np.where(met, triangles.object[row], -1).astype(np.int32),
        "material": np.where(met, triangles.material[row], -1).astype(np.int16),
    }


def _kept(traced: TracedPaths, recipe: Recipe) -> tuple[TracedPaths, Floats]:
    """The paths that the recipe's solver asks for, and the gain of the others, [link]."""
    solver = recipe.solver
    if solver.strongest_paths is None and solver.min_gain_db is None:
        return traced, np.zeros(len(traced.num_paths))
    paths = traced.path_set(recipe.frequency_hz)
    keep = np.ones(len(traced.a), bool)
    if solver.min_gain_db is not None:
        keep = paths.power >= from_db(solver.min_gain_db)
    if solver.strongest_paths is not None:
        rows, _ = paths.strongest_rows(solver.strongest_paths)
        keep &= np.isin(np.arange(len(keep)), rows)
    fields = {
        field.name: getattr(traced, field.name)[keep]
        for field in dataclasses.fields(traced)
        if field.name != "num_paths"
    }
    num_paths = np.bincount(paths.link_index[keep], minlength=len(traced.num_paths))
    lost = np.where(keep, 0.0, paths.power)
    dropped = segment_sum(lost, traced.num_paths)
    return TracedPaths(num_paths=num_paths, **fields), dropped
