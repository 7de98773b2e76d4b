"""What `rtwin update --measurements` makes of unknown changes, from a twin folder and a table.

    python benchmarks/measured_update.py [--edits 200] [--changes 12] [--ways kriging,library]
        [--shares 0.01,0.03] [--cell-size 3] [--folder twins] [SCENE ...]

A twin with its default uncertainty rehearses, the world changes (materials, what is gone, masts
that move or turn, boxes, two changes at once; drawn apart from the library), a share of the cells
of each transmitter outside of objects is measured with 1.5 dB of noise, and each way updates a
copy of the twin. RMSE of the path gain against the changed world, floored at -130 dB, over cells
that moved by more than 1 dB and over the others. Observable are changes that moved at least three
measured cells by more than 3 dB. Seconds are by the clock, per update. The twin's folder stays, so
that a second run rehearses nothing.
"""

import argparse
import shutil
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from rtwin.arrays import Bools, Floats
from rtwin.errors import RtwinError
from rtwin.horizontal import (
    TwinState,
    apply_edits,
    create_twin,
    edits_from_dict,
    open_twin,
    rehearse,
    retrace,
    update_measured,
)
from rtwin.horizontal.rehearsal import Enumeration
from rtwin.scene import load_recipe
from rtwin.units import to_db

FLOOR_DB, SEEN_DB, NOISE_DB = -130.0, -115.0, 1.5
KINDS = ("material", "tx_moved", "gone", "tx_fed", "two", "added")
MATERIALS = ("brick", "marble", "metal", "glass", "wood")
Tables = list[dict[str, Any]]


class Changes:
    """Draws what happens to a world."""

    def __init__(self, state: TwinState, seed: int) -> None:
        known = Enumeration(state)
        self._state, self._rng = state, np.random.default_rng(seed)
        self._ranked, self._members = known.ranked[:12], known.members
        self._solid = {part.name for part in state.parts.parts}

    def draw(self, kind: str) -> Tables:
        """Edit tables of a kind of KINDS."""
        rng = self._rng
        if kind == "two":
            return self.draw("material") + self.draw("tx_moved")
        if kind in ("material", "gone"):
            parts = self._members[str(rng.choice(self._ranked))]
            if kind == "gone":
                return [{"kind": "remove_object", "object": name} for name in parts]
            table = {"kind": "set_material", "material": str(rng.choice(MATERIALS))}
            return [table | {"object": name} for name in parts if name in self._solid]
        mast = {"transmitter": str(rng.choice(self._state.tx_names))}
        if kind == "tx_moved":
            turn, far = rng.uniform(0, 2 * np.pi), rng.uniform(1, 7)
            by = [float(far * np.cos(turn)), float(far * np.sin(turn)), 0.0]
            return [{"kind": "move_transmitter", "by_m": by, **mast}]
        if kind == "tx_fed":
            aim = {"azimuth_deg": rng.uniform(0, 360), "downtilt_deg": rng.uniform(0, 20)}
            return [{"kind": "set_transmitter", **{k: float(v) for k, v in aim.items()}, **mast}]
        cells = self._state.grid.centers_m.reshape(-1, 3)[~self._state.is_inside.ravel()]
        x, y, z = rng.choice(cells)
        box = {"name": "box_x", "shape": "box", "material": "brick", "size_m": [8.0, 5.0, 4.6]}
        box["center_m"] = [float(x), float(y), float(z) + 0.5]
        return [{"kind": "add_object", "object": box | {"yaw_deg": float(rng.uniform(0, 90))}}]


def gain_db(maps: Any, num_tx: int) -> Floats:
    """Path gain, floored, [tx, cell] dB."""
    return np.maximum(to_db(maps["path_gain"]), FLOOR_DB).reshape(num_tx, -1)


def write_rows(file: Path, state: TwinState, gain: Floats, share: float, seed: int) -> Any:
    """A table of measurements; the rows' transmitters and cells."""
    rng, free = np.random.default_rng(seed), ~state.is_inside.ravel()
    cells = state.grid.centers_m.reshape(-1, 3)
    count, lines, rows = max(6, round(share * len(free))), ["tx,x_m,y_m,path_gain_db"], []
    for tx, name in enumerate(state.tx_names):
        heard = np.flatnonzero((gain[tx] > FLOOR_DB + 5) & free)
        for cell in rng.choice(heard, min(count, len(heard)), replace=False):
            x, y, _ = cells[cell]
            level = gain[tx, cell] + rng.normal(0, NOISE_DB)
            lines.append(f"{name},{x:.2f},{y:.2f},{level:.2f}")
            rows.append((tx, cell))
    file.write_text("\n".join(lines) + "\n")
    return tuple(np.array(rows).T)


def sums_of(found: Floats, truth: Floats, changed: Bools, judged: Bools) -> Floats:
    """Squared errors and cells, changed and unchanged."""
    square, still = np.square(found - truth), judged & ~changed
    return np.array([square[changed].sum(), changed.sum(), square[still].sum(), still.sum()])


def run(scene: str, options: argparse.Namespace, folder: Path) -> None:
    """Every change of one scene, every way."""
    twin = folder / f"{Path(scene).stem}.twin"
    if not twin.exists():
        create_twin(load_recipe(scene, cell_size_m=options.cell_size), twin)
    rehearse(twin, num_edits=options.edits)
    state = open_twin(twin).state()
    before, changes = gain_db(state.maps, len(state.tx_names)), Changes(state, options.seed)
    sums: dict[Any, Floats] = defaultdict(lambda: np.zeros(4))
    seconds: dict[str, list[float]] = defaultdict(list)
    for number in range(options.changes):
        tables = changes.draw(KINDS[number % len(KINDS)])
        try:
            edits = edits_from_dict({"edit": tables})
            after = retrace(state, *apply_edits(edits, state.recipe, state.parts)).state
        except RtwinError:
            continue  # such as a mast inside a house
        truth = gain_db(after.maps, len(state.tx_names))
        judged = (np.maximum(before, truth) > SEEN_DB) & ~state.is_inside.ravel()
        changed = judged & (np.abs(truth - before) > 1)
        for share in options.shares:
            table = folder / "news.csv"
            rows = write_rows(table, state, truth, share, number)
            is_seen = (np.abs(truth - before)[rows] > 3).sum() >= 3
            groups = ["all", "observable"] if is_seen else ["all"]
            maps = {"stale": before}
            for way in options.ways:
                own = folder / "own.twin"
                shutil.rmtree(own, ignore_errors=True)
                shutil.copytree(twin, own)
                start = time.perf_counter()
                made = update_measured(own, table, how=None if way == "auto" else way)
                seconds[way].append(time.perf_counter() - start)
                maps[way] = gain_db(made.snapshot.maps, len(state.tx_names))
            for way, found in maps.items():
                for group in groups:
                    sums[share, group, way] += sums_of(found, truth, changed, judged)
    for (share, group, way), (moved, count, still, others) in sorted(sums.items()):
        off, quiet = np.sqrt(moved / max(count, 1)), np.sqrt(still / max(others, 1))
        took = f"{np.mean(seconds[way]):.1f}" if way in seconds else "-"
        print(f"| {scene} | {share:g} | {group} | {way} | {off:.2f} | {quiet:.2f} | {took} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scenes", nargs="*", default=["courtyard", "street_canyon"])
    parser.add_argument("--edits", type=int, default=200, help="of the library")
    parser.add_argument("--changes", type=int, default=12)
    parser.add_argument("--ways", default="kriging,library", help="auto: what rtwin chooses")
    parser.add_argument("--shares", default="0.01,0.03")
    parser.add_argument("--cell-size", type=float, default=3.0)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="where twins stay; default: a temporary one")
    options = parser.parse_args()
    options.ways = options.ways.split(",")
    options.shares = [float(share) for share in options.shares.split(",")]
    print("| scene | share measured | changes | way | changed dB | unchanged dB | seconds |")
    print("|---|---|---|---|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for scene in options.scenes:
            run(scene, options, folder)


if __name__ == "__main__":
    main()
