"""What hypotheses and measurements say of each cell: all that the cells' network reads.

A cell hears the weighed worlds (their mean at three temperatures, the two likeliest)
and the measured cells (kriging, the library's covariance, the nearest). Nothing in it
belongs to a scene, so that no weight does.
"""

import numpy as np
from scipy.special import softmax

from rtwin.arrays import Floats
from rtwin.horizontal.learned.network.graph import SCALE_DB, library_covariance
from rtwin.horizontal.unknown_change import Posterior, fields_of, krige_rest

# The fields that the update is mixed of, in 10 dB, which the network is not shown as they are.
FIELDS = ("mean", "rest", "kriging", "covariance")
LEVELS = (
    *(*FIELDS, "mild_mean", "sharp_mean", "spread", "likeliest", "second", "effect"),
    *("nearest_residual", "noise", "residual", "left"),
)
OTHERS = ("moved", "gain", "nearest", "chance", "p_none", "p_left", "p_change", "num_rows")
SUMMARY = (*(f"{name}_field" for name in FIELDS), *LEVELS, *OTHERS)
NUM_FIELDS = len(FIELDS)
_STEP_DB = 3.0  # from which on levels are shown by their logarithm
FIRST_SHARES = (1.5, -1.0, -2.0, -2.0)  # logits of what fields count before anything is learned
MILD, SHARP = 0.4, 2.5  # exponents of the likelihood beside the posterior's own
_NEAR_M, _FAR = 50.0, 3.0
_ROWS, _MANY = 50.0, 1.0
_LEAST_P = 1e-9


def cell_summary(posterior: Posterior, cells_m: Floats, gain_db: Floats) -> Floats:
    """What the posterior and its evidence say of each cell, [tx, cell, SUMMARY].

    Args:
        posterior: By library_posterior.
        cells_m: Middle of each cell [m], [cell, 3].
        gain_db: The twin's map [dB], [tx, cell].
    Returns:
        The fields in 10 dB; then levels as asinh(level / 3 dB), so that large changes look
        as those that were learned from; distances in 50 m, chances as they are.
    """
    evidence, worlds = posterior.evidence, posterior.worlds
    num_tx, num_cells = gain_db.shape
    changes, weight = posterior.changes_db, posterior.weight.astype(np.float32)
    mean = weight @ changes
    square = weight @ np.square(changes)
    order = np.argsort(-weight, kind="stable")
    tempered = [
        softmax(worlds.log_prior + power * posterior.log_likelihood).astype(np.float32) @ changes
        for power in (MILD, SHARP)
    ]
    covariance, effect = library_covariance(posterior)
    rest, _ = krige_rest(evidence, posterior.rest_db, cells_m, num_tx, np.inf)
    kriged, _ = fields_of(posterior.places, cells_m, num_tx, np.inf)
    second = order[min(1, len(order) - 1)]
    nearest_m, residual = _nearest(posterior, cells_m, num_tx)
    levels_db = {
        "mean": mean,
        "rest": rest.ravel(),
        "kriging": kriged.ravel(),
        "covariance": covariance,
        "mild_mean": tempered[0],
        "sharp_mean": tempered[1],
        "spread": np.sqrt(np.maximum(square - np.square(mean), 0.0)),
        "likeliest": changes[order[0]],
        "second": changes[second],
        "effect": effect,
        "nearest_residual": residual,
        "noise": _rms(evidence.sd_db),
        "residual": _rms(evidence.value_db),
        "left": _rms(posterior.rest_db),
    }
    columns = {
        **{f"{name}_field": levels_db[name] / SCALE_DB for name in FIELDS},
        **{name: np.arcsinh(values / _STEP_DB) for name, values in levels_db.items()},
        "moved": weight @ (np.abs(changes) > 1.0),
        "gain": gain_db.ravel() / 100 + 1,
        "nearest": np.minimum(nearest_m / _NEAR_M, _FAR),
        "chance": posterior.weight.max(),
        "p_none": posterior.p_none,
        "p_left": np.log(max(posterior.p_left, _LEAST_P)) / 20,
        "p_change": posterior.p_change,
        "num_rows": min(len(evidence) / max(num_tx, 1) / _ROWS, _MANY),
    }
    found = np.empty((num_tx * num_cells, len(SUMMARY)), np.float32)
    for place, name in enumerate(SUMMARY):
        found[:, place] = columns[name]
    return found.reshape(num_tx, num_cells, len(SUMMARY))


def _rms(values: Floats) -> float:
    return float(np.sqrt(np.mean(np.square(values)))) if len(values) else 0.0


def _nearest(posterior: Posterior, cells_m: Floats, num_tx: int) -> tuple[Floats, Floats]:
    """Distance [m] to the nearest measurement of the same transmitter and what it says [dB]."""
    from scipy.spatial import KDTree

    evidence = posterior.evidence
    far, said = np.full((num_tx, len(cells_m)), np.inf), np.zeros((num_tx, len(cells_m)))
    for tx in np.unique(evidence.tx):
        rows = np.flatnonzero(evidence.tx == tx)
        far[tx], which = KDTree(cells_m[evidence.cell[rows], :2]).query(cells_m[:, :2])
        said[tx] = evidence.value_db[rows[which]]
    return far.ravel(), said.ravel()
