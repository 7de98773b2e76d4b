"""Made-up changes that stored paths alone answer: more to learn from than edits can be traced.

A level, a turned antenna, or one object that mirrors or passes anew; the last
moves a cell by 10 log10(1 - s + s g), s its share through the object. Only the
path gain is known then.
"""

import numpy as np

from rtwin.channel import tr38901_element_gain_db
from rtwin.horizontal.learned.pairs.files import Pair, ScenePairs
from rtwin.horizontal.learned.pairs.observed import FLOOR_DB
from rtwin.horizontal.levels import Floats

SYNTHETIC = "synthetic"
_MIRRORED_DB, _PASSED_DB = (-30.0, 12.0), (-20.0, 25.0)


def synthetic_pair(scene: ScenePairs, rng: np.random.Generator) -> Pair:
    """A made-up change of a scene; its spreads and line of sight stay those before."""
    kind = rng.random()
    if kind < 0.25:
        change = np.full(len(scene.index), rng.choice([-1, 1]) * rng.uniform(1, 9))
    elif kind < 0.45:
        change = _turned(scene, rng)
    else:
        change = _object(scene, rng)
    truth = np.array(scene.stale, np.float64)
    seen = truth[:, 0] > FLOOR_DB
    truth[:, 0] = np.where(seen, np.maximum(truth[:, 0] + change, FLOOR_DB), FLOOR_DB)
    count = len(scene.index)
    return Pair(
        kind=SYNTHETIC,
        edit="[]",
        truth=truth,
        valid=np.ones(count, bool),
        prior=truth,
        geometry=np.zeros((count, 10)),
        changed=np.zeros(len(scene.object_names), bool),
        slab_db=(0.0, 0.0),
        moved_m=(0.0, 0.0, 0.0),
        seconds={},
    )


def _turned(scene: ScenePairs, rng: np.random.Generator) -> Floats:
    """Another direction of the antenna, at the strongest path of each cell [dB]."""
    azimuth, zenith = np.degrees(scene.cells[:, 3:5].T)
    look = np.degrees(np.arctan2(*np.mean(scene.cells[:, :2] - scene.tx_m[:2], axis=0)[::-1]))
    gains = []
    for _ in range(2):
        off = (azimuth - look - rng.normal(0, 20) + 180) % 360 - 180
        gains.append(tr38901_element_gain_db(off, zenith - rng.uniform(-2, 18)))
    return gains[1] - gains[0]


def _object(scene: ScenePairs, rng: np.random.Generator) -> Floats:
    """One object mirrors or passes anew, or is gone [dB]."""
    mirrored, passed = (
        np.clip(s.astype(np.float64), 0, 1) for s in (scene.reflected, scene.passed)
    )
    carried = (mirrored + passed).sum(axis=0)
    if carried.sum() <= 0:
        return np.zeros(len(scene.index))
    row = int(rng.choice(len(carried), p=carried / carried.sum()))
    which = rng.random()
    first = 10 ** (rng.uniform(*_MIRRORED_DB) / 10) if which < 0.75 else 1.0
    second = 10 ** (rng.uniform(*_PASSED_DB) / 10) if which > 0.45 else 1.0
    rest = np.clip(1 - mirrored[:, row] - passed[:, row], 0, 1)
    after = rest + first * mirrored[:, row] + second * passed[:, row]
    before = rest + mirrored[:, row] + passed[:, row]
    return 10 * np.log10(np.maximum(after, 1e-6) / np.maximum(before, 1e-6))
