"""Which of several twins serves a task best: by its quality for that task.

Candidates are twins (their newest snapshot), older snapshots by their file, radio maps, and
datasets of paths. Each is judged in the task's area, by what is known of all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from rtwin.arrays import Bools
from rtwin.dataset import RadioMap, open_dataset, open_radio_map
from rtwin.dataset.inspection import open_checked
from rtwin.dataset.schema import MAP_FORMAT, PATHS_FORMAT
from rtwin.deployment.quality import (
    ATTRIBUTES,
    HORIZON_S,
    WEIGHTS,
    Area,
    Quality,
    accuracy_of,
    cells_within,
    free_space_error_db,
    judged,
    note_checks,
    twin_quality,
)
from rtwin.deployment.utility import Utility
from rtwin.errors import OutOfRangeError, RtwinError, nearest
from rtwin.horizontal import open_twin
from rtwin.horizontal.levels import floored_db
from rtwin.horizontal.twin import UNCERTAINTY_DB
from rtwin.horizontal.unknown_change import MapTwin
from rtwin.scene import recipe_from_dict

_ALIKE = 0.005  # of the utility: qualities are printed with two digits
_GRID = 40  # places along each side of an area, at which coverage is compared


@dataclass(frozen=True)
class Task:
    """What a twin is wanted for.

    Attributes:
        says: In words.
        needs: "map" or "paths".
        utility: What quality means for it, without check points.
        checked: The same with check points.
    """

    says: str
    needs: str
    utility: Utility
    checked: Utility


def _plain() -> Utility:
    return Utility(dict(WEIGHTS))


def _fitted(**weights: float) -> Utility:
    return Utility({name: weights.get(name, 0.0) for name in ATTRIBUTES})


# Streaming's are fitted: `rtwin experiment quality`, docs/deployment.md. Of slicing no weights
# predicted more than others in worlds that they were not fitted to.
TASKS = {
    "slicing": Task("sharing resource blocks among slices", "map", _plain(), _plain()),
    "streaming": Task(
        "grouping and serving viewers of videos",
        "map",
        _fitted(accuracy=0.46, freshness=0.01, coverage=0.44, trust=0.09),
        _fitted(accuracy=0.48, coverage=0.52),
    ),
    "channels": Task("paths, delays and angles of links", "paths", _plain(), _plain()),
}


@dataclass(frozen=True, eq=False)
class Candidate:
    """A twin that might serve a task.

    Attributes:
        source: As it was named.
        kind: "twin", "older snapshot", "radio map", "paths"; "" of what cannot be read.
        quality: For the task; None where it cannot serve.
        why: In a line.
    """

    source: Path
    kind: str
    quality: Quality | None
    why: str


def select_twin(
    sources: Sequence[str | Path],
    task: str,
    *,
    measurements: str | Path | None = None,
    area_m: Area | None = None,
    horizon_s: float = HORIZON_S,
    now: datetime | None = None,
) -> list[Candidate]:
    """Rank twins by their quality for a task, the best first; those that cannot serve last.

    Qualities are compared by the attributes that are known of all who can serve. Coverage is the
    share of the places in the area that a candidate reaches, of those that any of them does.

    Args:
        sources: Folders of twins, files of their older snapshots, radio maps, datasets.
        task: Of TASKS.
        measurements: Check points of the area; see twin_quality.
        area_m: West, south, east and north end [m]; default: the map of the first that has one.
        horizon_s: After which a cell counts 1/e as fresh [s]; see twin_quality.
        now: Time of the decision; default: now.
    Raises:
        OutOfRangeError: if there is no such task, or nobody can serve it.
    Checked by tests/deployment/test_selection.py.
    """
    if task not in TASKS:
        raise OutOfRangeError(f"no task '{task}'; {nearest(task, tuple(TASKS))}")
    if area_m is not None and not (area_m[0] < area_m[2] and area_m[1] < area_m[3]):
        raise OutOfRangeError(f"the area is {area_m}; give west, south, east, north, in metres")
    wanted = TASKS[task]
    utility = wanted.utility if measurements is None else wanted.checked
    opened = [_opened(Path(source), wanted.needs) for source in sources]
    maps = [found for _, found, _ in opened if found is not None]
    if area_m is None and maps:
        area_m = _extent(maps[0])
    now = now or datetime.now(UTC)
    measured: list[Candidate] = []
    for source, (kind, found, why) in zip(sources, opened, strict=True):
        source, quality = Path(source), None
        try:
            if kind and not why:
                quality = _quality(
                    source,
                    kind,
                    found,
                    measurements=measurements,
                    horizon_s=horizon_s,
                    now=now,
                    area_m=area_m,
                )
        except RtwinError as error:
            why = str(error)
        measured.append(Candidate(source, kind, quality, why))
    serving = {n: each.quality for n, each in enumerate(measured) if each.quality is not None}
    if not serving:
        reasons = "; ".join(f"{each.source}: {each.why}" for each in measured)
        raise OutOfRangeError(f"nobody can serve {task}: {reasons}")
    covered = _covered([opened[number][1] for number in serving], area_m)
    known = [
        name
        for name in ATTRIBUTES
        if utility.weights.get(name, 0) and all(name in each.values for each in serving.values())
    ]
    for (number, quality), share in zip(serving.items(), covered, strict=True):
        values, facts = dict(quality.values), dict(quality.facts)
        if share is not None and area_m is not None:
            values["coverage"] = share
            facts["coverage"] = f"{100 * share:.0f} % of what any of them reaches in the area"
        quality = judged(quality.twin, values, facts, utility, known)
        measured[number] = replace(measured[number], quality=quality)
    return _explained(measured, utility, known)


def _opened(source: Path, needs: str) -> tuple[str, RadioMap | None, str]:
    """Kind, map where there is one, and why it cannot serve."""
    try:
        if source.is_dir():
            return "twin", open_twin(source).radio_map, ""
        with open_checked(source) as h5:
            form, is_snapshot = str(h5.attrs["format"]), "snapshot" in h5.attrs
        if form == MAP_FORMAT:
            kind = "older snapshot" if is_snapshot else "radio map"
            lacks = needs == "paths" and not is_snapshot
            return kind, open_radio_map(source), "holds power alone, no paths" if lacks else ""
        if form == PATHS_FORMAT:
            return "paths", None, "holds links, no map of the area" if needs == "map" else ""
        return "", None, f"holds {form}; give twins, radio maps or datasets"
    except RtwinError as error:
        return "", None, str(error)


def _quality(
    source: Path,
    kind: str,
    found: RadioMap | None,
    *,
    measurements: str | Path | None,
    horizon_s: float,
    now: datetime,
    area_m: Area | None,
) -> Quality:
    options: dict[str, Any] = {
        "measurements": measurements,
        "horizon_s": horizon_s,
        "now": now,
        "area_m": area_m,
    }
    if kind == "twin":
        return twin_quality(source, **options)
    if kind == "older snapshot":
        number = int(source.stem)
        return twin_quality(source.parent, number=number, **options)
    age_s = max(now.timestamp() - source.stat().st_mtime, 0.0)
    values = {"freshness": float(np.exp(-age_s / horizon_s)), "trust": 1.0}
    facts = {"freshness": f"written {age_s / 3600:.1f} h ago", "trust": "traced, not inferred"}
    if found is None:
        with open_dataset(source) as dataset:
            values["coverage"] = float(np.mean(dataset.read("num_paths") > 0))
        facts["coverage"] = f"{100 * values['coverage']:.0f} % of the links have paths"
        return judged(source, values, facts, _plain())
    counts: Bools = cells_within(found, area_m)
    reached: Bools = np.asarray((found.path_gain > 0) & counts)
    worst = free_space_error_db(found, reached)
    if measurements is not None:
        note_checks(_map_twin(found, source), measurements, worst, values, facts)
    else:
        values["accuracy"] = accuracy_of(UNCERTAINTY_DB, worst)
        facts["accuracy"] = f"{UNCERTAINTY_DB:g} dB, as of a world that nobody measured"
    values["coverage"] = float(np.asarray(reached.any(axis=0))[counts].mean())
    facts["coverage"] = f"{100 * values['coverage']:.0f} % of the cells are reached"
    return judged(source, values, facts, _plain())


def _map_twin(found: RadioMap, source: Path) -> MapTwin:
    """A radio map as what measurements are compared with."""
    recipe = recipe_from_dict(found.attributes["recipe"], str(found.attributes["scene"]), source)
    flat = found.path_gain.reshape(len(found.tx_name), -1)
    return MapTwin(
        recipe,
        found.cell_centers_m.reshape(-1, 3),
        float(found.attributes["cell_size_m"]),
        floored_db(flat),
        np.full(flat.shape, UNCERTAINTY_DB),
    )


def _extent(found: RadioMap) -> Area:
    half = float(found.attributes["cell_size_m"]) / 2
    low, high = found.cell_centers_m[0, 0, :2] - half, found.cell_centers_m[-1, -1, :2] + half
    return (float(low[0]), float(low[1]), float(high[0]), float(high[1]))


def _covered(maps: Sequence[RadioMap | None], area_m: Area | None) -> list[float | None]:
    """Share of the places that any map reaches in an area which each reaches; None without map."""
    if area_m is None:
        return [None] * len(maps)
    west, south, east, north = area_m
    part = (np.arange(_GRID) + 0.5) / _GRID
    x, y = np.meshgrid(west + part * (east - west), south + part * (north - south))
    places = np.column_stack([x.ravel(), y.ravel()])
    reached: list[Bools | None] = []
    for found in maps:
        if found is None:
            reached.append(None)
            continue
        gain, _ = found.path_gain_at(places)
        reached.append(np.asarray((np.nan_to_num(gain) > 0).any(axis=1)))
    known = [each for each in reached if each is not None]
    if not known:
        return [None] * len(maps)
    total = max(int(np.any(known, axis=0).sum()), 1)
    return [None if each is None else float(each.sum() / total) for each in reached]


def _explained(
    measured: Sequence[Candidate], utility: Utility, known: Sequence[str]
) -> list[Candidate]:
    """Candidates in their order, each with the reason for its place."""
    serving = [each for each in measured if each.quality is not None]
    serving.sort(key=lambda each: -each.quality.utility)  # type: ignore[union-attr]
    best = serving[0]
    told = []
    for each in serving:
        other = serving[1] if each is best and len(serving) > 1 else best
        if other is each:
            told.append(replace(each, why="the only one that can serve"))
            continue
        name, gain = _difference(each, other, utility, known)
        word = "better" if each is best else "worse"
        assert each.quality is not None
        assert other.quality is not None
        pair = f"{each.quality.values[name]:.2f} against {other.quality.values[name]:.2f}"
        why = f"{word} than {other.source.name} in {name} above all, {pair}"
        told.append(
            replace(each, why=why if abs(gain) >= _ALIKE else f"as good as {other.source.name}")
        )
    return [*told, *(each for each in measured if each.quality is None)]


def _difference(
    one: Candidate, other: Candidate, utility: Utility, known: Sequence[str]
) -> tuple[str, float]:
    """The attribute that sets two candidates apart most, and by how much of the utility."""
    assert one.quality is not None
    assert other.quality is not None
    sign = 1.0 if one.quality.utility >= other.quality.utility else -1.0
    mine, theirs = one.quality.values, other.quality.values
    names = tuple(known)
    whole = float(utility([mine[n] for n in names], names))
    steps = {
        name: whole - float(utility([theirs[n] if n == name else mine[n] for n in names], names))
        for name in names
    }
    name = max(steps, key=lambda n: sign * steps[n])
    return name, steps[name]
