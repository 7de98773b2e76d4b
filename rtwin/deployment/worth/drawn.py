"""Twins of a world that lack something: how good they are, as an operator would measure it.

A twin starts from what somebody traced or fitted. It was corrected towards the world as it was
when it was last looked at, the world went on, parts of it were lost or are only inferred, and it
states an error that need not hold.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rtwin.arrays import Bools, Floats
from rtwin.dataset import RadioMap
from rtwin.deployment.quality import Z90, accuracy_of, calibration_of, free_space_error_db, rms
from rtwin.experiments.fitted_maps import SparsePoints
from rtwin.experiments.worlds import WorldSettings, correlated_fields, with_gain
from rtwin.units import from_db, to_db

BASES = ("log-distance", "ray-traced twin", "updated twin")
STALE, INFERRED = "stale twin", "log-distance"
MOST_CORRECTED = 0.9  # of what differs from the world, where a twin was last corrected
MOST_LOST = 0.6  # of the cells that a twin has lost, and of those that are inferred
STATED_SD = 0.7  # of the logarithm of the stated over the true error
PATCH_M = 20.0  # how large parts are that are lost or inferred


@dataclass(frozen=True, eq=False)
class DrawnTwin:
    """A twin, and what is known of it.

    Attributes:
        radio_map: Its map.
        stated_db: The error that it states, standard deviation [dB].
        stated: Attributes as they are known without check points, by name.
        measured: The same with check points.
    """

    radio_map: RadioMap
    stated_db: float
    stated: dict[str, float]
    measured: dict[str, float]


def drawn_twin(
    reference: RadioMap,
    maps: Mapping[str, RadioMap],
    check: SparsePoints,
    check_db: float,
    world: WorldSettings,
    rng: np.random.Generator,
) -> DrawnTwin:
    """Draw a twin of a world.

    Its freshness f is drawn evenly. What rays do not explain had another shape when it was looked
    at: a difference of variance 2 (1 - f) of the residual's, as of a process whose correlation
    has fallen to f. With a chance of 1 - f what was built since is not in it, where the world
    knows of such objects.

    Args:
        reference: The world as it is.
        maps: What others have of it: BASES, and STALE where something was built.
        check: Check points, measured now.
        check_db: Their standard deviation [dB].
        world: How the residual is.
        rng: Draws everything.
    """
    freshness = float(rng.uniform())
    base = BASES[int(rng.integers(len(BASES)))]
    if base != INFERRED and STALE in maps and rng.uniform() > freshness:
        base = STALE
    truth = reference.path_gain
    step = float(reference.attributes["cell_size_m"])
    since = correlated_fields(len(truth), truth.shape[1:], step, world.residual_distance_m, rng)
    both = (truth > 0) & (maps[base].path_gain > 0)
    gain = maps[base].path_gain.copy()
    then_db = to_db(truth[both]) + np.sqrt(2 * (1 - freshness)) * world.residual_db * since[both]
    off_db = to_db(gain[both]) - then_db
    off_db *= 1 - rng.uniform(0.0, MOST_CORRECTED)
    gain[both] = from_db(then_db + off_db)
    made_db = rms(off_db)
    inferred = patches(truth.shape[1:], step, _some(rng), rng)
    gain = np.where(inferred, maps[INFERRED].path_gain, gain)
    gain = np.where(patches(truth.shape[1:], step, _some(rng), rng), 0.0, gain)
    twin = with_gain(reference, np.minimum(gain, 1.0))
    stated_db = made_db * float(np.exp(STATED_SD * rng.standard_normal()))

    reached: Bools = np.asarray(gain > 0)
    real = (truth > 0).any(axis=0)
    worst_db = free_space_error_db(twin, reached)
    off = misses_db(twin, check)
    known = {
        "freshness": freshness,
        "coverage": float(np.asarray(reached.any(axis=0))[real].mean()),
        "trust": float(1 - inferred[real].mean()),
    }
    inside = np.abs(off) <= Z90 * np.hypot(stated_db, check_db)
    return DrawnTwin(
        twin,
        stated_db,
        {"accuracy": accuracy_of(stated_db, worst_db), **known},
        {
            "accuracy": accuracy_of(rms(off) if off.size else worst_db, worst_db),
            "calibration": calibration_of(float(inside.mean()) if off.size else 0.0),
            **known,
        },
    )


def misses_db(radio_map: RadioMap, points: SparsePoints) -> Floats:
    """What a map is off by at points and transmitters where both have something [dB], [n]."""
    gain, _ = radio_map.path_gain_at(points.xy_m)
    off = to_db(np.nan_to_num(gain)) + radio_map.tx_power_dbm - points.rss_dbm
    return np.asarray(off[np.isfinite(off)], np.float64)


def patches(shape: tuple[int, int], step_m: float, share: float, rng: np.random.Generator) -> Bools:
    """Parts of a map that hang together and are a share of it, [cell_y, cell_x]."""
    (field,) = correlated_fields(1, shape, step_m, PATCH_M, rng)
    return np.asarray(field < np.quantile(field, share)) if share > 0 else np.zeros(shape, bool)


def _some(rng: np.random.Generator) -> float:
    """Every second twin lacks nothing of a kind."""
    return float(max(rng.uniform(-MOST_LOST, MOST_LOST), 0.0))
