"""Cases for nothing: edits that a twin rehearsed, hidden from its library as if they were news."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from rtwin.arrays import Bools, Floats, Ints
from rtwin.horizontal.learned.worlds.cases import Case, SceneCases
from rtwin.horizontal.learned.worlds.truths import Truth

_TWO = 0.2  # share of the cases that are two edits at once
_OTHER_WORLD = 0.5  # and of those that start from another world
# Whether those that are nearly the same are hidden, too, or nothing is.
_HIDES_LIKE, _HIDES_NOTHING = 0.3, 0.3
_LEVEL = 0.2  # share of the cases that are no edit: of one transmitter, louder or turned
_LEVEL_DB = (2.0, 25.0)
# Of a sector: TR 38.901 table 7.3-1.
_BEAM_DEG, _BACK_DB = 65.0, 30.0
_LIKE = 0.97  # cosine of two maps of changes that are nearly the same


def hidden_cases(
    scene: SceneCases, count: int, rng: np.random.Generator
) -> Iterator[tuple[SceneCases, Case]]:
    """Cases that are one or two edits of a scene's library, and the scene without them.

    Nothing is traced. In three of ten what was rehearsed nearly alike is hidden, too, so
    that the case lies between what is known; three of ten stay in the library. One in five
    is no edit: a transmitter is louder or fainter, or a sector points elsewhere.

    Args:
        scene: A scene whose library has two edits or more.
        count: How many.
        rng: Of draws.
    """
    library = scene.library
    alike = _alike(library.gain_db)
    for _ in range(count):
        if rng.random() < _LEVEL:
            yield scene, _level(scene, rng)
            continue
        chosen = rng.choice(len(library), 2 if rng.random() < _TWO else 1, replace=False)
        is_hidden = np.zeros(len(library), bool)
        is_hidden[chosen] = True
        luck = rng.random()
        if luck < _HIDES_LIKE:
            is_hidden |= (alike[chosen] > _LIKE).any(axis=0)
        elif luck < _HIDES_LIKE + _HIDES_NOTHING:
            is_hidden[:] = False
        yield _without(scene, is_hidden), _case(scene, chosen, rng.random() >= _OTHER_WORLD)


def _alike(changes: Any) -> Floats:
    """Cosine of each edit's changes with those of every other, [entry, entry]."""
    inner = (changes @ changes.T).toarray().astype(np.float64)
    size = np.sqrt(np.maximum(np.diag(inner), 1e-9))
    found: Floats = inner / size / size[:, None]
    return found


def _without(scene: SceneCases, is_hidden: Bools) -> SceneCases:
    kept = (e for e, hides in zip(scene.library.entries, is_hidden, strict=True) if not hides)
    return replace(scene, library=replace(scene.library, entries=tuple(kept)))


def _case(scene: SceneCases, chosen: Ints, of_twin: bool) -> Case:
    library, shape = scene.library, scene.gain_db.shape

    def summed(of_entries: Any) -> Floats:
        found: Floats = np.asarray(of_entries[chosen].sum(axis=0), np.float64).reshape(shape)
        return found

    entries = [library.entries[k].hypothesis for k in chosen]
    kind = "two" if len(entries) == 2 else entries[0].kind
    truth = Truth(kind, (), tuple(entry.subject for entry in entries))
    sight = np.sign(summed(library.sight)).astype(int)
    return Case(truth, summed(library.gain_db), summed(library.spread_ns), sight, of_twin, 0.0)


def _level(scene: SceneCases, rng: np.random.Generator) -> Case:
    tx = int(rng.integers(len(scene.gain_db)))
    change = np.zeros_like(scene.gain_db)
    change[tx] = rng.choice([-1.0, 1.0]) * rng.uniform(*_LEVEL_DB)
    if rng.random() < 0.5:
        x, y = (scene.cells_m - scene.tx_m[tx])[:, :2].T
        before, after = (
            _sector_db(np.arctan2(y, x), turn) for turn in rng.uniform(-np.pi, np.pi, 2)
        )
        change[tx] = after - before
    none = np.zeros_like(change)
    truth = Truth("level", (), (scene.library.tx_names[tx],))
    of_twin = bool(rng.random() >= _OTHER_WORLD)
    return Case(truth, change, none, none.astype(int), of_twin, 0.0)


def _sector_db(azimuth_rad: Floats, aim_rad: float) -> Floats:
    off_deg = np.degrees(np.angle(np.exp(1j * (azimuth_rad - aim_rad))))
    found: Floats = -np.minimum(12 * np.square(off_deg / _BEAM_DEG), _BACK_DB)
    return found
