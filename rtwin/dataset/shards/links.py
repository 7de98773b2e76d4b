"""The links of a batch of receivers, as the variables of a dataset."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Floats
from rtwin.channel import PATH_GEOMETRY
from rtwin.scene import Receivers
from rtwin.trace import NO_TRIANGLE, TracedPaths, Tracer


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
    traced = tracer.trace(receivers, transmitter_done)
    dropped = np.zeros(len(traced.num_paths))
    strongest = tracer.world.recipe.solver.strongest_paths
    if strongest is not None:
        traced, dropped = _strongest(traced, strongest, tracer.world.recipe.frequency_hz)
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


def _strongest(traced: TracedPaths, count: int, frequency_hz: float) -> tuple[TracedPaths, Floats]:
    keep, dropped = traced.path_set(frequency_hz).strongest_rows(count)
    fields = {
        field.name: getattr(traced, field.name)[keep]
        for field in dataclasses.fields(traced)
        if field.name != "num_paths"
    }
    return TracedPaths(num_paths=np.minimum(traced.num_paths, count), **fields), dropped
