"""Which paths carry what the data know of each parameter."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Bools, Floats
from rtwin.calibration.physics.fitting.fit import PhysicalFit
from rtwin.calibration.physics.fitting.loss import Problem
from rtwin.calibration.physics.model import Bundle, Parameter, PhysicalModel
from rtwin.channel import InteractionType

_STEP = 1e-2  # prior standard deviations
_SHOWN = 6  # objects that are named, the others together
_LETTERS = {
    InteractionType.SPECULAR: "reflection",
    InteractionType.REFRACTION: "refraction",
    InteractionType.DIFFRACTION: "diffraction",
    InteractionType.DIFFUSE: "scattering",
}


def information_table(model: PhysicalModel, fit: PhysicalFit, spec: Any) -> list[dict[str, Any]]:
    """For each fitted parameter, where the Fisher information about it comes from.

    The information of a row about a parameter is its squared slope over the
    noise, offsets projected out; one parameter at a time, the others known. It
    is shared out to the row's paths as their powers change with the parameter.

    Args:
        model: The rows that were fitted.
        fit: Their fit.
        spec: Of the fit.
    Returns:
        One dict for each parameter: `information` in units of the prior's (1:
        as much as the prior), its shares `by_interaction`, `by_transmitter` and
        `by_object` (of all paths that touch it, so that these overlap), the
        largest ones, and `rows_of_half`: how many rows hold half of it.
    Source: Fisher information of a normal likelihood; checked by
    tests/calibration/physics/test_fisher_information.py.
    """
    problem = Problem(model, fit.parameters, spec)
    problem.adopt_noise(fit.z)
    residual, slope, weight = problem.linearised(fit.z)
    worth = problem.scatter.share / problem.noise(residual) ** 2
    of_row = worth * weight[:, None] * slope**2
    kinds = [_kinds(bundle) for bundle in model.bundles]
    things = [_objects(bundle) for bundle in model.bundles]
    names = [link.name for link in model.data.transmitters]
    here = model.pair_powers(fit.parameters, fit.z)
    table = []
    for i, parameter in enumerate(fit.parameters):
        rows = of_row[:, i]
        total = float(rows.sum())
        found: dict[str, Any] = {"parameter": parameter.name, "information": total}
        if total > 0 and parameter.kind not in ("scale", "floor_db"):
            shares = _path_shares(model, fit.parameters, fit.z, i, here)
            by_kind: dict[str, float] = {}
            by_thing: dict[str, float] = {}
            for bundle, share, kind, thing in zip(
                model.bundles, shares, kinds, things, strict=True
            ):
                held = share * rows[bundle.rows[bundle.row]] / total
                for name in np.unique(kind):
                    part = float(held[kind[bundle.path] == name].sum())
                    by_kind[str(name)] = by_kind.get(str(name), 0.0) + part
                for name, touches in thing.items():
                    part = float(held[touches[bundle.path]].sum())
                    by_thing[name] = by_thing.get(name, 0.0) + part
            found["by_interaction"] = _largest(by_kind)
            found["by_object"] = _largest(by_thing)
        if total > 0:
            per_tx = np.bincount(model.data.tx, rows, minlength=len(names)) / total
            found["by_transmitter"] = _largest(dict(zip(names, map(float, per_tx), strict=True)))
            falling = np.cumsum(np.sort(rows)[::-1]) / total
            found["rows_of_half"] = int(np.searchsorted(falling, 0.5) + 1)
        table.append(found)
    return table


def _largest(shares: dict[str, float]) -> dict[str, float]:
    kept = sorted(((v, n) for n, v in shares.items() if v >= 0.005), reverse=True)
    return {name: round(value, 4) for value, name in kept[:_SHOWN]}


def _kinds(bundle: Bundle) -> NDArray[Any]:
    """What happens on each path, in words, [path]."""
    found = np.full(len(bundle.length_m), "", dtype=object)
    for code, word in _LETTERS.items():
        has = (bundle.paths.interactions == code).any(axis=1)
        found[has] = [f"{before} + {word}" if before else word for before in found[has]]
    found[found == ""] = "line of sight"
    return found.astype(str)


def _objects(bundle: Bundle) -> dict[str, Bools]:
    """Which paths touch each object that any touches."""
    world = bundle.world
    used = bundle.paths.interactions != 0
    thing = world.triangles.object[np.where(used, bundle.paths.triangle, 0)]
    return {
        world.object_names[n]: ((thing == n) & used).any(axis=1) for n in np.unique(thing[used])
    }


def _path_shares(
    model: PhysicalModel, parameters: tuple[Parameter, ...], z: Floats, i: int, here: list[Floats]
) -> list[Floats]:
    """Each pair's part of what a row's power changes with one parameter, by bundle."""
    moved = z.copy()
    moved[i] += _STEP
    shares = []
    for bundle, old, new in zip(
        model.bundles, here, model.pair_powers(parameters, moved), strict=True
    ):
        change = np.abs(new - old)
        total = np.bincount(bundle.row, change, minlength=len(bundle.rows))
        shares.append(change / np.maximum(total[bundle.row], 1e-300))
    return shares
