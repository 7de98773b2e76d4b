"""Tiles of a city as real twins: built, updated and measured once, with what each rung cost.

Every tile is a twin folder. What will be built in it is an edit; its partial re-trace makes the
map that every policy gets who makes this update, whenever that is, and what it took is charged.
"""

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np

from rtwin.arrays import Bools, Floats, Ints
from rtwin.dataset import RadioMap
from rtwin.errors import OutOfRangeError
from rtwin.experiments.worlds import correlated_fields
from rtwin.horizontal import (
    Edits,
    Snapshot,
    create_twin,
    edits_from_dict,
    open_twin,
    update_measured,
    update_twin,
)
from rtwin.scene import Recipe, load_recipe, recipe_dict, recipe_from_dict
from rtwin.settings import AtLeast, Count, NotNegative, Settings
from rtwin.units import from_db, to_db

UNCERTAINTY_DB = 2.0  # that tiles' twins state
_AWAY_M = 12.0  # what is built keeps from transmitters
_SIZE_M, _HEIGHT_M = (6.0, 16.0), (4.0, 14.0)  # of what is built
BUILD, EDIT, FULL = "first build", "edit, changed paths", "edit, full trace"
MEASURE = "measurements, kriged"
DISTANCE_M = 15.0  # over which the residual is alike


@dataclass(frozen=True)
class TileStudy(Settings):
    """What is asked.

    Attributes:
        scene: Of which tiles are cut, two by two around its transmitters.
        side_m, cell_size_m: Of a tile, of its cells.
        slots: Of the stream.
        budget: Seconds a slot for all tiles, in full traces of a tile.
        edits: Built in a slot in the busiest tile, on average; tile n has 1 / n of it.
        reports: Cells of a tile that are measured in a slot.
        report_db: Error of a measurement [dB].
        residual_db: What rays do not explain [dB].
        half_life: Slots in which half of the residual's variance is another, in the busiest
            tile; n times as many in tile n.
        runs: Of the stream, each with a residual and reports of its own; what is built is the same.
        served: Every so many slots slices are served in every tile.
        seed: Of all that is drawn.
    """

    scene: str | Path = "courtyard"
    side_m: Annotated[float, AtLeast(10)] = 40.0
    cell_size_m: Annotated[float, AtLeast(0.5)] = 3.0
    slots: Count = 24
    budget: NotNegative = 0.6
    edits: NotNegative = 0.15
    reports: Count = 25
    report_db: NotNegative = 2.0
    residual_db: NotNegative = 5.0
    half_life: Annotated[float, AtLeast(0.5)] = 4.0
    runs: Count = 6
    served: Count = 3
    seed: int = 0


@dataclass(frozen=True)
class Rung:
    """One operation on a real twin, as it was.

    Attributes:
        rung: What was done.
        tile: To which.
        seconds: Of the processor.
        before_db, after_db: Error over the tile's cells, before and after.
    """

    rung: str
    tile: int
    seconds: float
    before_db: float
    after_db: float


@dataclass(frozen=True, eq=False)
class Tile:
    """A tile, all that will be built in it, and the stream of what is true.

    Attributes:
        recipe: Of the first build.
        template: A radio map of its cells.
        outdoors: [cell_y, cell_x].
        versions: Path gain after so many edits, [version, tx, cell_y, cell_x].
        built: Slot from which on each version is true, [version].
        busy: How fast it changes, over the busiest tile.
        residual_db: What rays do not explain in each slot, [slot, tx, cell_y, cell_x].
    """

    recipe: Recipe
    template: RadioMap
    outdoors: Bools
    versions: list[Floats]
    built: list[int]
    busy: float
    residual_db: Floats = field(default_factory=lambda: np.zeros(0))

    def version(self, slot: int) -> int:
        """How many edits there are by a slot."""
        return int(np.searchsorted(self.built, slot, side="right")) - 1

    def truth(self, slot: int) -> Floats:
        """Path gain as it is in a slot, [tx, cell_y, cell_x]."""
        gain = self.versions[self.version(slot)] * from_db(self.residual_db[slot])
        return np.minimum(gain, 1.0)

    def error_db(self, gain: Floats, slot: int) -> float:
        """Root-mean-square error of a map where both it and the truth have something [dB]."""
        return error_db(gain, self.truth(slot), self.outdoors)


@dataclass(frozen=True, eq=False)
class City:
    """Tiles, and what was measured while they were made.

    Attributes:
        tiles: In their order; the first is the busiest.
        rungs: Every operation.
    """

    tiles: tuple[Tile, ...]
    rungs: tuple[Rung, ...]

    def seconds(self, rung: str) -> float:
        """What a rung takes of the processor, the median over all of it [s].

        Where nothing was built, a full trace takes what the first build took.
        """
        own = [r.seconds for r in self.rungs if r.rung == rung]
        return float(np.median(own or [r.seconds for r in self.rungs if r.rung == BUILD]))

    def shift_db(self, rung: str) -> float:
        """What one of it changes, root-mean-square over a tile [dB]; 0 where there was none."""
        own = [r.before_db for r in self.rungs if r.rung == rung]
        return float(np.sqrt(np.mean(np.square(own)))) if own else 0.0

    def left(self, rung: str) -> float:
        """Share of the error that a rung leaves, over all of it."""
        own = [r for r in self.rungs if r.rung == rung]
        before = np.sqrt(np.mean([r.before_db**2 for r in own]))
        return float(np.sqrt(np.mean([r.after_db**2 for r in own])) / max(before, 1e-9))


def error_db(gain: Floats, truth: Floats, counts: Bools) -> float:
    """Root-mean-square error where both have something and cells count [dB]."""
    both = (gain > 0) & (truth > 0) & counts
    off = to_db(gain[both]) - to_db(truth[both])
    return float(np.sqrt(np.mean(off**2))) if off.size else 0.0


def build_city(
    study: TileStudy, folder: Path, done: Callable[[int, int], None] = lambda n, m: None
) -> City:
    """Build the tiles' twins, make every edit of the stream in them, and measure each rung.

    Args:
        study: What is asked.
        folder: Where twins may be written.
        done: Called with tiles done and in all.
    Raises:
        RecipeError, GeometryError, OutOfRangeError: if the scene cannot be used.
    """
    tiles, rungs = [], []
    areas = tile_areas(load_recipe(study.scene), study.side_m)
    for number, area in enumerate(areas):
        rng = np.random.default_rng((study.seed, number))
        tile, made = _build(study, number, area, folder / f"{number}.twin", rng)
        tiles.append(tile)
        rungs += made
        done(number + 1, len(areas))
    return City(tuple(tiles), tuple(rungs))


def tile_areas(recipe: Recipe, side_m: float) -> list[tuple[float, float, float, float]]:
    """Two by two squares around the transmitters' middle: west, south, east, north [m]."""
    x, y = np.mean([tx.position_m[:2] for tx in recipe.transmitter], axis=0)
    return [
        (x + i * side_m, y + j * side_m, x + (i + 1) * side_m, y + (j + 1) * side_m)
        for j in (-1, 0)
        for i in (-1, 0)
    ]


def _build(
    study: TileStudy,
    number: int,
    area: Sequence[float],
    folder: Path,
    rng: np.random.Generator,
) -> tuple[Tile, list[Rung]]:
    data = recipe_dict(load_recipe(study.scene))
    data["radio_map"] |= {"area": [float(v) for v in area], "cell_size_m": study.cell_size_m}
    source = load_recipe(study.scene)
    recipe = recipe_from_dict(data, source.name, source.folder)
    first, build_s = _timed(create_twin, recipe, folder, uncertainty_db=UNCERTAINTY_DB)
    if not ((first.radio_map.path_gain > 0) & ~first.is_inside).any():
        raise OutOfRangeError(f"tile {number} of {study.scene} has no outdoor cell; change --side")
    busy = 1.0 / (number + 1)
    slots = np.flatnonzero(rng.uniform(size=study.slots) < study.edits * busy)
    slots = slots[slots > 0]
    if number == 0 and study.edits > 0 and not len(slots):
        slots = np.array([study.slots // 2])  # one at least, of which the rungs are measured
    tile = Tile(recipe, first.radio_map, ~first.is_inside, [first.radio_map.path_gain], [0], busy)
    rungs = [Rung(BUILD, number, build_s, np.nan, 0.0)]
    for slot in slots:
        edits = _something_built(tile, len(tile.built), rng)
        whole = folder.with_suffix(".full")
        if len(tile.built) == 1:
            shutil.copytree(folder, whole)
        new, seconds = _timed(update_twin, folder, edits, how="partial")
        before, gain = tile.versions[-1], new.radio_map.path_gain
        tile.versions.append(gain)
        tile.built.append(int(slot))
        tile.outdoors[new.is_inside] = False
        off = error_db(before, gain, tile.outdoors)
        rungs.append(Rung(EDIT, number, seconds, off, 0.0))
        if not whole.exists():
            continue  # a full trace takes as long every time: once in a tile is enough
        traced, full_s = _timed(update_twin, whole, edits, how="full")
        shutil.rmtree(whole)
        left = error_db(traced.radio_map.path_gain, gain, tile.outdoors)
        rungs.append(Rung(FULL, number, full_s, off, left))
    return tile, [*rungs, _measured(study, number, tile, folder, rng)]


def _timed(work: Callable[..., Snapshot], *given: Any, **options: Any) -> tuple[Snapshot, float]:
    start = time.process_time()
    return work(*given, **options), time.process_time() - start


def in_motion(study: TileStudy, tile: Tile, run: int) -> Tile:
    """A tile with a residual that forgets itself, drawn for a run."""
    num_tx, *shape = tile.template.path_gain.shape
    # Half of the variance is new after a half-life: the correlation's square has halved.
    kept = 0.5 ** (tile.busy / (2 * study.half_life))
    place = [int(v) & 0xFFFF for v in np.round(tile.template.cell_centers_m[0, 0, :2])]
    rng = np.random.default_rng((study.seed, run, *place))

    def drawn() -> Floats:
        size = study.cell_size_m
        return correlated_fields(num_tx, (shape[0], shape[1]), size, DISTANCE_M, rng)

    now, found = drawn(), []
    for _ in range(study.slots):
        found.append(study.residual_db * now)
        now = kept * now + np.sqrt(1 - kept**2) * drawn()
    return replace(tile, residual_db=np.array(found))


def _something_built(tile: Tile, number: int, rng: np.random.Generator) -> Edits:
    """A box somewhere outdoors, away from transmitters."""
    cells = tile.template.cell_centers_m[tile.outdoors]
    away = np.linalg.norm(
        cells[:, None, :2] - tile.template.tx_position_m[None, :, :2], axis=-1
    ).min(axis=1)
    free = cells[away > _AWAY_M]
    x, y, z = (free if len(free) else cells)[rng.integers(len(free) or len(cells))]
    height = rng.uniform(*_HEIGHT_M)
    box = {
        "name": f"built_{number}",
        "shape": "box",
        "material": "concrete",
        "center_m": [float(x), float(y), float(z - 1.5 + height / 2)],
        "size_m": [*rng.uniform(*_SIZE_M, size=2).tolist(), float(height)],
    }
    return edits_from_dict({"edit": [{"kind": "add_object", "object": box}]})


def reports(
    study: TileStudy, tile: Tile, slot: int, rng: np.random.Generator
) -> tuple[Ints, Ints, Floats]:
    """What users measure in a slot: transmitter and cell [row], path gain [row] dB."""
    truth = tile.truth(slot)
    truth = truth.reshape(len(truth), -1)
    heard = np.flatnonzero((truth > 0).all(axis=0) & tile.outdoors.ravel())
    cells = rng.choice(heard, min(study.reports, len(heard)), replace=False)
    tx = np.repeat(np.arange(len(truth)), len(cells))
    cell = np.tile(cells, len(truth))
    noise = study.report_db * rng.standard_normal(len(cell))
    return tx, cell, to_db(truth[tx, cell]) + noise


def _measured(
    study: TileStudy, number: int, tile: Tile, folder: Path, rng: np.random.Generator
) -> Rung:
    """The real twin corrected by a file of measurements of the last slot."""
    slot, tile = study.slots - 1, in_motion(study, tile, 0)
    tx, cell, level = reports(study, tile, slot, rng)
    centers = tile.template.cell_centers_m.reshape(-1, 3)
    rows = ["tx,x_m,y_m,path_gain_db,uncertainty_db"]
    rows += [
        f"{tile.template.tx_name[t]},{centers[c, 0]},{centers[c, 1]},{db},{study.report_db}"
        for t, c, db in zip(tx, cell, level, strict=True)
    ]
    file = folder.with_suffix(".csv")
    file.write_text("\n".join(rows) + "\n")
    before = tile.error_db(open_twin(folder).radio_map.path_gain, slot)
    start = time.process_time()
    made = update_measured(folder, file, how="kriging")
    seconds = time.process_time() - start
    after = tile.error_db(made.snapshot.radio_map.path_gain, slot)
    return Rung(MEASURE, number, seconds, before, after)
