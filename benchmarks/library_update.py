"""What an update from the library costs on a large map.

    python benchmarks/library_update.py [--cells 40000] [--edits 200] [--share 0.01]

The library is drawn: every edit changes some cells near each other. What weighing it costs
does not depend on what stands in it, but on its numbers alone. Processor time, the best of
some updates; reading and writing the twin, and the check whether it still agrees, come on top.
"""

import argparse
import time

import numpy as np

from rtwin.horizontal.learned import SHIPPED, load_predictor
from rtwin.horizontal.rehearsal import Hypothesis, Library, Rehearsed
from rtwin.horizontal.unknown_change import (
    Evidence,
    krige_rest,
    library_map,
    library_posterior,
)

CHANGED = 0.05  # of the cells, by each edit


def drawn_library(cells_m: np.ndarray, num_edits: int, rng: np.random.Generator) -> Library:
    entries = []
    for number in range(num_edits):
        middle = cells_m[rng.integers(len(cells_m)), :2]
        far = np.square(cells_m[:, :2] - middle).sum(axis=1)
        cell = np.sort(np.argpartition(far, int(CHANGED * len(far)))[: int(CHANGED * len(far))])
        gain = rng.normal(0, 1) * 10 + rng.normal(0, 3, len(cell))
        none = np.zeros(len(cell))
        told = Hypothesis("gone", f"house_{number}")
        entries.append(Rehearsed(told, cell, gain, none, none.astype(np.int64)))
    return Library("drawn", ("tx_1",), len(cells_m), entries=tuple(entries))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=40_000)
    parser.add_argument("--edits", type=int, default=200)
    parser.add_argument("--share", type=float, default=0.01, help="of the cells, measured")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    rng, side = np.random.default_rng(1), int(np.sqrt(options.cells))
    x, y = np.meshgrid(2.0 * np.arange(side), 2.0 * np.arange(side))
    cells_m = np.column_stack([x.ravel(), y.ravel(), np.full(side**2, 1.5)])
    library = drawn_library(cells_m, options.edits, rng)
    cell = rng.choice(len(cells_m), int(options.share * len(cells_m)), replace=False)
    truth = np.zeros(len(cells_m))
    truth[library.entries[0].cell] = library.entries[0].gain_db
    value = truth[cell] + rng.normal(0, 1.5, len(cell))
    evidence = Evidence(np.zeros(len(cell), np.int64), cell, value, np.full(len(cell), 1.5))
    network, gain = load_predictor(SHIPPED), np.full((1, len(cells_m)), -90.0)
    took: dict[str, float] = {}

    def timed(name: str, start: float) -> float:
        now = time.process_time()
        took[name] = min(now - start, took.get(name, np.inf))
        return now

    for _ in range(options.repeats):
        start = time.process_time()
        posterior = library_posterior(library, evidence, cells_m)
        start = timed("worlds weighed", start)
        library_map(posterior, cells_m)
        start = timed("map of the library", start)
        network(posterior, cells_m, gain)
        start = timed("map of the network", start)
        krige_rest(evidence, value, cells_m, 1)
        timed("kriging alone", start)
    print(f"{len(cells_m)} cells, {len(cell)} measured, {len(library)} edits")
    print("| step | processor time [ms] |")
    print("|---|---|")
    for name, seconds in took.items():
        print(f"| {name} | {1000 * seconds:.0f} |")


if __name__ == "__main__":
    main()
