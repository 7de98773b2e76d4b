"""What may have happened to a world: edits worth trying, the likeliest objects first."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Floats
from rtwin.horizontal.levels import floored_db
from rtwin.horizontal.rehearsal import PALETTE, SIZES_M, SMALL_M, Hypothesis
from rtwin.horizontal.unknown_change.cell_paths import StoredTwin, boxes_m, crosses_box
from rtwin.horizontal.unknown_change.residuals import Residuals
from rtwin.scene import MATERIAL_NAMES, Volume, is_vegetation
from rtwin.trace import Part

NUM_FREE = {"gone": 0, "material": 0, "moved": 2, "added": 4, "tx_fed": 2, "tx_moved": 3}
"""Continuous parameters of each kind of explanation."""
_REACH_M = 8.0  # typical shift of an object
_WALK_M = (4.0, 4.0, 1.0)  # typical shift of a transmitter


class Proposals:
    """Draws candidates: what stored paths speak for first, then at random around the best."""

    def __init__(self, twin: StoredTwin, found: Residuals, z: Floats, seed: int = 0) -> None:
        self._twin, self._found, self._z = twin, found, z
        self._rng = np.random.default_rng(seed)
        self._objects: list[Part | Volume] = [*twin.parts.parts, *twin.parts.volumes]
        self._boxes = boxes_m(self._objects)
        self.object_score = self._scored()
        self._ground = float(np.median(twin.cell_m[:, 2])) - twin.recipe.radio_map.height_m

    @property
    def num_objects(self) -> int:
        """How many objects an explanation might have named."""
        return max(len(self._objects), 1)

    def first(self, number: int) -> list[Hypothesis]:
        """What to try first: objects by their score, and draws of every other kind."""
        walks = self._walks()  # of transmitters, which change every cell: thrice as many draws
        sources = [
            self._gone(),
            walks,
            self._materials(),
            self._turned(),
            walks,
            self._moves(),
            self._added(),
            walks,
        ]
        out: list[Hypothesis] = []
        while len(out) < number and sources:
            for source in list(sources):
                found = next(source, None)
                if found is None:
                    sources.remove(source)
                elif len(out) < number:
                    out.append(found)
        return out

    def around(self, best: list[Hypothesis], number: int, scale: float) -> list[Hypothesis]:
        """Draws around candidates with continuous parameters, as far as `scale` says."""
        moving = [c for c in best if NUM_FREE[c.kind]]
        return [self._beside(moving[n % len(moving)], scale) for n in range(number) if moving]

    def _beside(self, c: Hypothesis, scale: float) -> Hypothesis:
        step = {
            "moved": (_REACH_M / 2,) * 2,
            "added": (4.0, 4.0, 30.0, 0.3),
            "tx_fed": (8.0, 3.0),
            "tx_moved": _WALK_M,
        }[c.kind]
        drawn = np.array(c.values) + scale * np.array(step) * self._rng.normal(size=len(step))
        if c.kind == "added":
            drawn[3] = np.clip(drawn[3], 0.4, 2.5)
        return Hypothesis(c.kind, c.subject, tuple(float(v) for v in drawn), c.detail)

    def _scored(self) -> Floats:
        """How much each object could explain, by stored paths and lines of sight, [object]."""
        score = np.zeros(len(self._objects))
        ground = set(self._twin.recipe.geometry.ground)
        for tx in np.unique(self._found.tx):
            rows = np.flatnonzero(self._found.tx == tx)
            paths = self._twin.paths[tx].take(self._found.cell[rows])
            z, value = self._z[rows], self._found.value_db[rows]
            sd = self._found.sd_db[rows]
            share = np.zeros((len(rows), len(self._objects)))
            share[:, : len(self._twin.parts.parts)] = paths.share(len(self._twin.parts.parts))
            # Explained by the object gone, duller or brighter: the best of these.
            for factor in (0.0, 0.3, 3.0):
                change = floored_db(np.maximum(1 - share + factor * share, 1e-3), -30.0)
                after = log_density((value[:, None] - change) / sd[:, None])
                gain = after - log_density(z)[:, None]
                score = np.maximum(score, gain.sum(axis=0))
            score += self._blocked(paths.tx_m, paths.cell_m, z)
        score[[item.name in ground for item in self._objects]] = -np.inf
        return score

    def _blocked(self, tx_m: Floats, cell_m: Floats, z: Floats) -> Floats:
        """What is in the way of cells that got brighter, or near that of darker ones."""
        out = np.zeros(len(self._objects))
        for number, box in enumerate(self._boxes):
            inside = crosses_box(np.broadcast_to(tx_m, cell_m.shape), cell_m, box)
            wide = box + np.array([[-1.0], [1.0]]) * [_REACH_M, _REACH_M, 0.0]
            near = crosses_box(np.broadcast_to(tx_m, cell_m.shape), cell_m, wide)
            bright = np.minimum(np.maximum(z[inside], 0), 4).sum()
            dark = np.minimum(np.maximum(-z[near & ~inside], 0), 4).sum()
            quiet = (np.abs(z[inside]) < 1).sum()
            out[number] = max(bright - 0.5 * quiet, 0) + 0.3 * dark / (1 + 0.1 * near.sum())
        return out

    @property
    def _ranked(self) -> list[int]:
        order = np.argsort(-self.object_score, kind="stable")
        return [int(n) for n in order if self.object_score[n] > 0]

    def _gone(self) -> Iterator[Hypothesis]:
        for number in self._ranked:
            yield Hypothesis("gone", self._objects[number].name)

    def _materials(self) -> Iterator[Hypothesis]:
        specs = {**self._twin.parts.specs}
        own = [n for n in specs if n in MATERIAL_NAMES and not is_vegetation(n, specs[n])]
        palette = list(dict.fromkeys([*PALETTE, *own]))
        for number in self._ranked:
            part = self._objects[number]
            if isinstance(part, Part):
                for name in palette[:4]:
                    if name != part.material:
                        yield Hypothesis("material", part.name, detail={"material": name})

    def _moves(self) -> Iterator[Hypothesis]:
        size = self._boxes[:, 1] - self._boxes[:, 0]
        ranked = [n for n in self._ranked if size[n, :2].max() <= SMALL_M]
        while ranked:
            for number in ranked[:8]:
                shift = self._rng.normal(0, _REACH_M, 2)
                yield Hypothesis("moved", self._objects[number].name, tuple(shift.tolist()))

    def _added(self) -> Iterator[Hypothesis]:
        """Boxes in the way of cells that got darker; now and then anywhere."""
        dark = np.flatnonzero(self._z < -2)
        low, high = self._twin.cell_m.min(axis=0), self._twin.cell_m.max(axis=0)
        count = 0
        while True:
            size = SIZES_M[self._rng.integers(len(SIZES_M))]
            middle = self._rng.uniform(low, high)
            if len(dark) and self._rng.random() < 0.9:
                row = dark[self._rng.integers(len(dark))]
                middle = self._on_the_way(row, size[2]) + self._rng.normal(0, 1.5, 3)
            yaw = float(self._rng.choice([0.0, 90.0, self._rng.uniform(0, 180)]))
            count += 1
            yield Hypothesis(
                "added",
                _free_name(f"new_{count}", self._objects),
                (float(middle[0]), float(middle[1]), yaw, float(self._rng.uniform(0.7, 1.4))),
                {
                    "size_m": size,
                    "ground_m": self._ground,
                    "material": "metal" if size[2] < 4 else "concrete",
                },
            )

    def _on_the_way(self, row: int, height_m: float) -> Floats:
        """A point on the strongest path to a row's cell, not above a height."""
        tx, cell = self._found.tx[row], self._found.cell[row]
        paths = self._twin.paths[tx].take(np.array([cell]))
        corners = np.stack([paths.tx_m, paths.cell_m[0]])
        if len(paths.power):
            power = paths.power / paths.power.sum()
            corners = paths.corners_m[self._rng.choice(len(power), p=power)]
        length = np.linalg.norm(np.diff(corners, axis=0), axis=1)
        along = np.concatenate([[0.0], np.cumsum(length)])
        for _ in range(20):
            at = self._rng.uniform(0, along[-1])
            point = np.array([np.interp(at, along, corners[:, axis]) for axis in range(3)])
            if point[2] <= self._ground + height_m:
                return point
        return corners[-1]

    def _turned(self) -> Iterator[Hypothesis]:
        steps = ((-15, 0), (15, 0), (0, 6), (0, -6), (-40, 0), (40, 0), (90, 0), (-90, 0))
        used = {self._twin.names[tx] for tx in np.unique(self._found.tx)}
        devices = [
            t
            for t in self._twin.recipe.transmitter
            if t.antenna.pattern == "tr38901" and t.name in used
        ]
        for step in steps:
            for tx in devices:
                aim = np.degrees(tx.orientation_rad[:2]) + step
                yield Hypothesis("tx_fed", tx.name, (float(aim[0]), float(aim[1])))

    def _walks(self) -> Iterator[Hypothesis]:
        used = np.unique(self._found.tx)
        while True:
            for tx in used:
                azimuth, far = self._rng.uniform(0, 2 * np.pi), self._rng.uniform(1, _WALK_M[0] * 2)
                up = self._rng.normal(0, _WALK_M[2])
                shift = (float(far * np.cos(azimuth)), float(far * np.sin(azimuth)), float(up))
                yield Hypothesis("tx_moved", self._twin.names[tx], shift)


def log_density(z: NDArray[Any]) -> NDArray[Any]:
    """Log density of Student's t with 4 degrees of freedom at z, up to a constant.

    Heavy tails: one measurement that nothing explains must not decide.
    """
    return -2.5 * np.log1p(np.square(z) / 4.0)


def _free_name(name: str, objects: list[Part | Volume]) -> str:
    taken = {item.name for item in objects}
    while name in taken:
        name += "_"
    return name
