# %% [markdown]
# # Rehearse, measure, update in milliseconds, slice
#
# A twin that is idle simulates what could happen to it. When measurements disagree with its map, it
# weighs what it has rehearsed instead of tracing, and the map is right before the slices are dealt
# out again. Run the cells in order; files go to a temporary folder. Needs
# `pip install 'rtwin[viz,experiments]'`.

# %%
import csv
import shutil
import tempfile
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from rtwin.dataset import SampleSettings, sample_map
from rtwin.experiments import Optimised, SimulatorSettings, SlicedNetwork, make_slices, run_episode
from rtwin.experiments.worlds import without_objects
from rtwin.horizontal import create_twin, open_twin, plot_twin, rehearse, update_measured
from rtwin.scene import Tracks, load_recipe

workspace = tempfile.TemporaryDirectory(prefix="rtwin-")  # gone when Python ends
folder = Path(workspace.name)
twin = folder / "yard.twin"

# %% [markdown]
# ## Build and rehearse
#
# Objects gone, moved or of other materials, newcomers, masts moved and turned: each is traced, and
# what it changes is kept beside the twin.

# %%
recipe = load_recipe("courtyard", cell_size_m=4.0)
create_twin(recipe, twin, uncertainty_db=2.0)
library = rehearse(twin, num_edits=24)
for entry in library.entries[:6]:
    changed = (np.abs(entry.gain_db) > 1.0).sum()
    print(f"{entry.hypothesis}: {changed} cells change by more than 1 dB")
print(f"{len(library)} edits in {library.num_bytes / 1024:.0f} KiB")

# %% [markdown]
# ## The world changes, and nobody says so
#
# The eastern building is torn down. A few phones measure 2 % of the cells.

# %%
truth = create_twin(without_objects(recipe, ["east"]), folder / "truth.twin")
level = 10 * np.log10(np.maximum(truth.radio_map.path_gain, 1e-13))
rng = np.random.default_rng(5)
free = np.flatnonzero(~open_twin(twin).is_inside.ravel())
centers = truth.radio_map.cell_centers_m.reshape(-1, 3)
news = folder / "news.csv"
with open(news, "w", newline="") as file:
    table = csv.writer(file)
    table.writerow(["tx", "x_m", "y_m", "path_gain_db", "uncertainty_db"])
    for tx, name in enumerate(truth.radio_map.tx_name):
        for cell in rng.choice(free, round(0.02 * len(free)), replace=False):
            value = level[tx].ravel()[cell] + rng.normal(0, 1.5)
            table.writerow([name, *np.round(centers[cell, :2], 2), round(value, 1), 1.5])

# %% [markdown]
# ## Update from what was rehearsed
#
# No ray is shot. Kriging spreads what differs over places, the library weighs the rehearsed edits
# and says what most likely happened, and the network mixes both in every cell, as it learned on
# other scenes, where the very edit was seldom rehearsed. Left alone, `rtwin update` takes the best
# that a second allows, by what each says of its own error. How far the map is from the truth:

# %%
stale = open_twin(twin)
before = 10 * np.log10(np.maximum(stale.radio_map.path_gain, 1e-13))
outside = ~stale.is_inside[None] & (np.maximum(level, before) > -115)
changed = outside & (np.abs(level - before) > 1.0)
print(f"before: {np.sqrt(np.mean((before - level)[changed] ** 2)):.1f} dB where it changed")
for way in ("kriging", "network", "library", None):
    updated = shutil.copytree(twin, folder / f"{way}.twin")
    start = time.perf_counter()
    made = update_measured(updated, news, how=way, within_s=1.0)
    seconds = time.perf_counter() - start
    new = open_twin(updated)
    after = 10 * np.log10(np.maximum(new.radio_map.path_gain, 1e-13))
    error = np.sqrt(np.mean((after - level)[changed] ** 2))
    by = way or f"decided, {made.way}"
    print(f"{by}: {error:.1f} dB, {seconds:.2f} s with reading and writing the twin")
for guess in made.correction.explanations:
    print(guess)
figure = plot_twin(updated)
plt.figure(figsize=(9, 9))
figure.canvas.draw()
plt.imshow(np.asarray(figure.canvas.buffer_rgba()))
plt.axis("off")
plt.show()

# %% [markdown]
# ## Slice
#
# Users walk across the yard. A policy deals out the blocks by the stale map, by the updated
# one, and by the truth.

# %%
count, steps = 18, 100
places = centers[rng.choice(free, (2, count))]
along = np.linspace(0, 1, steps)[:, None, None]
walk = places[0] + along * (places[1] - places[0])
tracks = Tracks(np.arange(steps) * 0.1, tuple(f"ue_{n}" for n in range(count)), walk)
link = SampleSettings(bandwidth_hz=100e6, line_of_sight=False)
traces = {
    name: sample_map(found.radio_map, tracks, link)
    for name, found in (("stale", stale), ("updated", new), ("truth", truth))
}
slices = make_slices({"vr": 3, "short_video": 9, "urllc": 6})
broken = {}
for name, knowledge in traces.items():
    network = SlicedNetwork(
        traces["truth"], slices, SimulatorSettings(epoch_s=0.5), knowledge=knowledge
    )
    broken[name] = 100 * run_episode(network, Optimised(), seed=1).sla_violation
    right = 100 * (knowledge.serving_tx == traces["truth"].serving_tx).mean()
    print(f"{name}: {broken[name]:.1f} % of the promises broken, {right:.0f} % in the right cell")

# %%
plt.figure(figsize=(5, 3))
plt.bar(list(broken), list(broken.values()))
plt.ylabel("promises broken [%]")
plt.tight_layout()
plt.show()
