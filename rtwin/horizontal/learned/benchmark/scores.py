"""What a map after an update is judged by, summed so that scenes can be resampled."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from rtwin.arrays import Bools, Floats, Ints

CHANGED_DB = 1.0
RESAMPLES = 1000
LEVEL = 0.9
SUMS = (
    "changed2",
    "num_changed",
    "still2",
    "num_still",
    "map2",
    "num_map",
    "covered",
    "num_interval",
    "named",
    "num_named",
    "none",
    "num_none",
    "false_none",
    "num_inside",
    "seconds",
    "num_updates",
)
# Figure: the sums of which it is the quotient, its title and its form; rmse_db is of two of them.
FIGURES = {
    "changed_db": ("changed2", "num_changed", "changed dB", "{:.2f}"),
    "still_db": ("still2", "num_still", "unchanged dB", "{:.2f}"),
    "rmse_db": ("", "", "all dB", "{:.2f}"),
    "map_db": ("map2", "num_map", "map dB", "{:.2f}"),
    "coverage": ("covered", "num_interval", "coverage", "{:.2f}"),
    "named": ("named", "num_named", "cause right", "{:.2f}"),
    "none": ("none", "num_none", "none of these, outside", "{:.2f}"),
    "false_none": ("false_none", "num_inside", "none of these, inside", "{:.2f}"),
    "seconds": ("seconds", "num_updates", "seconds", "{:.3f}"),
}


@dataclass(frozen=True, eq=False)
class Update:
    """A map of changes as one way gives it.

    Attributes:
        change_db: [tx, cell] dB.
        seconds: Processor time [s].
        half_width_db: Of 90 % intervals, [tx, cell] dB; None where the way states none.
        is_named: Whether the named cause is right; None where nothing is named or asked.
        says_none: Whether none of the rehearsed edits is said to explain the measurements.
    """

    change_db: Floats
    seconds: float
    half_width_db: Floats | None = None
    is_named: bool | None = None
    says_none: bool | None = None


def sums_of(
    truth_db: Floats,
    judged: Bools,
    update: Update,
    is_outside: bool,
    world_db: Floats | None = None,
) -> Floats:
    """SUMS of one update.

    Args:
        truth_db: What changed, [tx, cell] dB.
        judged: Cells that count, [tx, cell].
        update: What a way says.
        is_outside: Whether what happened is of no kind that is rehearsed.
        world_db: The world after the change less the twin's map, what the two differed in
            before included, [tx, cell] dB; default: the change alone.
    """
    truth, error = truth_db[judged], (update.change_db - truth_db)[judged]
    changed = np.abs(truth) > CHANGED_DB
    out = dict.fromkeys(SUMS, 0.0)
    square = np.square(error)
    out |= {"changed2": square[changed].sum(), "num_changed": changed.sum()}
    out |= {"still2": square[~changed].sum(), "num_still": (~changed).sum()}
    world = truth if world_db is None else world_db[judged]
    out |= {"map2": np.square(update.change_db[judged] - world).sum(), "num_map": len(world)}
    out |= {"seconds": update.seconds, "num_updates": 1}
    if update.half_width_db is not None:
        width = update.half_width_db[judged]
        out |= {"covered": (np.abs(error) <= width).sum(), "num_interval": len(width)}
    if update.is_named is not None:
        out |= {"named": update.is_named, "num_named": 1}
    if update.says_none is not None:
        where = ("none", "num_none") if is_outside else ("false_none", "num_inside")
        out |= dict(zip(where, (float(update.says_none), 1.0), strict=True))
    return np.array([float(out[name]) for name in SUMS])


@dataclass
class Scores:
    """Sums by scene, way and group of cases."""

    sums: dict[tuple[str, str, str], Floats] = field(default_factory=dict)

    def add(self, scene: str, way: str, groups: Iterable[str], sums: Floats) -> None:
        """One more update of a scene."""
        for group in groups:
            key = scene, way, group
            self.sums[key] = self.sums.get(key, np.zeros(len(SUMS))) + sums

    @property
    def ways(self) -> list[str]:
        """In the order in which they were added."""
        return list(dict.fromkeys(way for _, way, _ in self.sums))

    @property
    def groups(self) -> list[str]:
        """Groups of cases, sorted."""
        return sorted({group for _, _, group in self.sums})

    def _by_scene(self, way: str, group: str) -> dict[str, Floats]:
        return {s: v for (s, w, g), v in self.sums.items() if (w, g) == (way, group)}

    def figures(self, way: str, group: str) -> dict[str, float]:
        """Figures of a way, pooled over the scenes; NaN where nothing was asked."""
        rows = self._by_scene(way, group)
        return _figures(np.sum(list(rows.values()), axis=0) if rows else np.zeros(len(SUMS)))

    def ratio(
        self, way: str, over: str, figure: str, group: str, seed: int = 0
    ) -> tuple[float, float, float]:
        """Ratio of a figure of two ways and its 90 % interval over resampled scenes."""
        one, other = self._by_scene(way, group), self._by_scene(over, group)
        scenes = [s for s in one if s in other]
        if not scenes:
            return (float("nan"),) * 3
        top, bottom = np.array([one[s] for s in scenes]), np.array([other[s] for s in scenes])
        rng = np.random.default_rng(seed)

        def value(rows: Ints) -> float:
            up = _figures(top[rows].sum(axis=0))[figure]
            return up / _figures(bottom[rows].sum(axis=0))[figure]

        draws = [value(rng.integers(len(scenes), size=len(scenes))) for _ in range(RESAMPLES)]
        low, high = np.nanquantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        return value(np.arange(len(scenes))), float(low), float(high)

    def interval(
        self, way: str, figure: str, group: str, seed: int = 0
    ) -> tuple[float, float, float]:
        """A figure and its 90 % interval over resampled scenes."""
        rows = np.array(list(self._by_scene(way, group).values()))
        if not len(rows):
            return (float("nan"),) * 3
        rng = np.random.default_rng(seed)
        draws = [
            _figures(rows[rng.integers(len(rows), size=len(rows))].sum(axis=0))[figure]
            for _ in range(RESAMPLES)
        ]
        low, high = np.nanquantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        return _figures(rows.sum(axis=0))[figure], float(low), float(high)


def _figures(sums: Floats) -> dict[str, float]:
    told = dict(zip(SUMS, sums, strict=True))
    out = {}
    for name, (part, whole, *_) in FIGURES.items():
        if not part:
            continue
        value = told[part] / told[whole] if told[whole] else float("nan")
        out[name] = float(np.sqrt(value)) if name.endswith("_db") else float(value)
    square, count = told["changed2"] + told["still2"], told["num_changed"] + told["num_still"]
    out["rmse_db"] = float(np.sqrt(square / count)) if count else float("nan")
    return out
