"""The stacked engine and processes of Ray: ray_rounds.py OUT.npz STATIONS ROUNDS."""

import os
import sys
from pathlib import Path

import numpy as np

from rtwin.dataset.cluster import connected
from rtwin.federation.defence import rules
from rtwin.federation.learning import LinearModel, learn_in_rounds, learn_on_ray

SEED = 5


class Rows:
    """Reads a station's rows where it runs, and leaves a note of the process."""

    def __init__(self, number, note):
        self.number, self.note = number, note

    def __call__(self):
        self.note.write_text(str(os.getpid()))
        rng = np.random.default_rng(self.number)
        x = rng.normal(size=(50, 6))
        return LinearModel(6), x, x @ np.arange(6) + rng.normal(self.number, 1.0, 50)


if __name__ == "__main__":
    out, stations, rounds = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    notes = [out.with_suffix(f".{number}") for number in range(stations)]
    loads = [Rows(number, note) for number, note in enumerate(notes)]
    start, found = LinearModel(6).initial(1), {}
    chosen = {"mean": rules.mean, "median": rules.median}
    with connected("local"):
        for name, rule in chosen.items():
            found[name] = learn_on_ray(loads, start, rounds, SEED, aggregate=rule)
    processes = {int(note.read_text()) for note in notes} - {os.getpid()}
    models, x, y = zip(*(load() for load in loads), strict=True)
    for name, rule in chosen.items():
        rng = np.random.default_rng(SEED)
        found[f"stacked {name}"] = learn_in_rounds(
            models[0], start, np.stack(x), np.stack(y), rounds, rng, aggregate=rule
        )
    np.savez(out, processes=len(processes), **found)
