"""The study on tiles: what policies make of the same seconds, in quality and for slices."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import xarray

from rtwin.arrays import Floats
from rtwin.deployment.selection import TASKS
from rtwin.deployment.tiles.city import City, Tile, TileStudy, build_city
from rtwin.deployment.tiles.picture import plot_stream
from rtwin.deployment.tiles.serving import Served
from rtwin.deployment.tiles.stream import CHOICES, POLICIES, Course, accuracies, moved, run_policy
from rtwin.experiments.study_files import Cell, StudyResults, StudyTable, mean_rows
from rtwin.experiments.table import figure_of
from rtwin.progress import Progress, count_of, silent

REFERENCE = "periodic rebuilding"
_HORIZON = 10.0  # slots in which freshness falls to 1/e
_NAMES = ("accuracy", "freshness", "trust")


@dataclass(frozen=True, eq=False)
class TileRun:
    """A run of the stream.

    Attributes:
        courses: What was done and what came of it, by policy.
        earned: Reward of an epoch over the slots that are served, by policy, [tile].
        quality: Quality of the twins, mean over slots, by policy, [tile].
        blind, best: Reward of constant shares, and of deciding on the world itself, [tile].
    """

    courses: Mapping[str, Course]
    earned: Mapping[str, Floats]
    quality: Mapping[str, Floats]
    blind: Floats
    best: Floats


@dataclass(frozen=True, eq=False)
class TileFindings:
    """What the study found.

    Attributes:
        study: What was asked.
        city: Tiles and rungs.
        runs: Of the stream.
    """

    study: TileStudy
    city: City
    runs: Sequence[TileRun]

    def courses(self, name: str) -> list[Course]:
        """What a policy made of each run."""
        return [run.courses[name] for run in self.runs]

    def earned(self, name: str) -> Floats:
        """Reward on a policy's twins, [run, tile]."""
        return np.array([run.earned[name] for run in self.runs])

    def quality(self, name: str) -> Floats:
        """Of a policy's twins, [run, tile]."""
        return np.array([run.quality[name] for run in self.runs])

    @property
    def blind(self) -> Floats:
        """Reward of constant shares, [run, tile]."""
        return np.array([run.blind for run in self.runs])

    @property
    def best(self) -> Floats:
        """Reward of deciding on the world itself, [run, tile]."""
        return np.array([run.best for run in self.runs])


def run_tiles(study: TileStudy, progress: Progress = silent) -> TileFindings:
    """Build the tiles, and run every policy through every run of the stream.

    Args:
        study: What is asked.
        progress: Called with stage ("trace", "experiment"), steps done and in all.
    Raises:
        RecipeError, GeometryError, OutOfRangeError: if the scene cannot be used.
        MissingExtraError: if cvxpy is not installed.
    Checked by tests/deployment/tiles/test_tiles.py.
    """
    from threadpoolctl import threadpool_limits

    with tempfile.TemporaryDirectory(prefix="rtwin-") as folder:
        city = build_city(study, Path(folder), count_of(progress, "trace"))
    runs = []
    # Small matrices: threads would only wait for each other.
    with threadpool_limits(1):
        for run in range(study.runs):
            runs.append(run_stream(study, city, run))
            progress("experiment", run + 1, study.runs)
    return TileFindings(study, city, runs)


def run_stream(study: TileStudy, city: City, run: int) -> TileRun:
    """Every policy on a run of the stream."""
    tiles = moved(study, city, run)
    served = {
        (slot, n): Served(study, tile, slot, (study.seed, run, slot, n))
        for slot in range(study.served - 1, study.slots, study.served)
        for n, tile in enumerate(tiles)
    }
    courses = {name: run_policy(study, city, tiles, name, run) for name in POLICIES}
    earned = {
        name: _by_tile(
            {
                at: served[at].earned(gain, float(course.error_db[at]))
                for at, gain in course.gain.items()
            },
            len(tiles),
        )
        for name, course in courses.items()
    }
    return TileRun(
        courses,
        earned,
        {name: _quality(tiles, course) for name, course in courses.items()},
        _by_tile({at: s.blind() for at, s in served.items()}, len(tiles)),
        _by_tile({at: s.best() for at, s in served.items()}, len(tiles)),
    )


def _by_tile(rewards: Mapping[tuple[int, int], float], tiles: int) -> Floats:
    """Mean over slots, [tile]."""
    return np.array([np.mean([v for (_, n), v in rewards.items() if n == t]) for t in range(tiles)])


def _quality(tiles: Sequence[Tile], course: Course) -> Floats:
    """Mean over slots of the utility for slicing, [tile]."""
    age, inferred = course.facts[..., 0], course.facts[..., 1]
    values = [accuracies(tiles, course.error_db), np.exp(-age / _HORIZON), 1 - inferred]
    known = TASKS["slicing"].checked
    names = tuple(name for name in _NAMES if known.weights.get(name, 0))
    shown = np.stack([v for v, n in zip(values, _NAMES, strict=True) if n in names], axis=-1)
    return np.asarray(known(shown, names).mean(axis=0), np.float64)


def tile_results(found: TileFindings) -> StudyResults:
    """Everything that the study writes."""
    study, city = found.study, found.city
    worth = {name: _worth(found, name) for name in POLICIES}
    rows: list[dict[str, Cell]] = []
    for name in POLICIES:
        courses = found.courses(name)
        error = np.array([np.sqrt(np.mean(c.error_db**2)) for c in courses])
        quality = found.quality(name).mean(axis=1)
        done = np.array([c.choice for c in courses])
        rows.append(
            {
                "policy": name,
                "seconds a slot": float(np.mean([c.seconds for c in courses])),
                "error [dB]": figure_of(error.tolist()),
                "quality": figure_of(quality.tolist()),
                "slicing earns": figure_of(worth[name].tolist()),
                "more than rebuilding": figure_of((worth[name] - worth[REFERENCE]).tolist()),
                **{
                    f"{choice}s a slot": float((done == n).sum(axis=(1, 2)).mean() / study.slots)
                    for n, choice in enumerate(CHOICES)
                    if n
                },
            }
        )
    ladder = mean_rows(
        [
            {
                "rung": r.rung,
                "processor [s]": r.seconds,
                "error before [dB]": r.before_db,
                "error after [dB]": r.after_db,
            }
            for r in city.rungs
        ],
        ["rung"],
        ["processor [s]", "error before [dB]", "error after [dB]"],
    )
    for row in ladder:
        row["times"] = sum(r.rung == row["rung"] for r in city.rungs)
    shown = ("left as built", REFERENCE, "periodic updating", "deploy, every slot")
    return StudyResults(
        "tiles",
        f"Tiles of {study.scene}: the same seconds, spent by plan",
        asdict(study),
        [
            StudyTable(
                "policies",
                f"{len(city.tiles)} tiles, {study.budget:g} full traces a slot for all of them",
                rows,
                {"error [dB]": 2, "quality": 3, "slicing earns": 3, "more than rebuilding": 3}
                | {f"{choice}s a slot": 2 for choice in CHOICES}
                | {"seconds a slot": 2},
                f"± is half the 95 % interval over {study.runs} runs, in which other things "
                "that rays do not explain change. What slicing earns is 0 with constant shares "
                "and 1 where the world itself is known. Every edit and rebuild takes the slot's "
                "measurements over, too.",
            ),
            StudyTable(
                "ladder",
                "The ladder, measured on the tiles' twins",
                ladder,
                {"processor [s]": 2, "error before [dB]": 2, "error after [dB]": 2},
                "Every rung was made on twin folders, with all that reading and writing them "
                "takes. Of edits the error is that of not knowing of them.",
            ),
        ],
        _arrays(found),
        {"stream": plot_stream({name: found.courses(name) for name in shown}, city)},
    )


def _worth(found: TileFindings, name: str) -> Floats:
    """0 with constant shares, 1 where the world is known; tiles together, [run]."""
    span = (found.best - found.blind).mean()
    return np.asarray((found.earned(name) - found.blind).mean(axis=1) / span, np.float64)


def _arrays(found: TileFindings) -> xarray.Dataset:
    names = list(POLICIES)
    at = ("policy", "run", "slot", "tile")
    stacked = {
        name: np.array([[getattr(c, name) for c in found.courses(p)] for p in names])
        for name in ("choice", "error_db", "seconds")
    }
    data = {
        "choice": (at, stacked["choice"].astype(np.int8), {"meanings": ", ".join(CHOICES)}),
        "error_db": (at, stacked["error_db"], {"units": "dB"}),
        "seconds": (at[:3], stacked["seconds"], {"units": "s"}),
        "reward": (("policy", "run", "tile"), np.array([found.earned(p) for p in names])),
        "quality": (("policy", "run", "tile"), np.array([found.quality(p) for p in names])),
        "reward_blind": (("run", "tile"), found.blind),
        "reward_best": (("run", "tile"), found.best),
        "rung_seconds": ("rung", [r.seconds for r in found.city.rungs], {"units": "s"}),
        "rung_before_db": ("rung", [r.before_db for r in found.city.rungs], {"units": "dB"}),
        "rung_after_db": ("rung", [r.after_db for r in found.city.rungs], {"units": "dB"}),
    }
    return xarray.Dataset(
        data,
        coords={
            "policy": names,
            "rung": [r.rung for r in found.city.rungs],
            "rung_tile": ("rung", [r.tile for r in found.city.rungs]),
        },
    )
