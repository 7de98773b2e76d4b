# %% [markdown]
# # Keep a twin current
#
# A twin keeps the paths behind its map. When a container is moved or a mast is tilted,
# it traces again only what the change can touch, and the result is that of a full trace. Run
# the cells in order; files go to a temporary folder. Needs `pip install 'rtwin[viz]'`.

# %%
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from rtwin.horizontal import (
    DECISIONS,
    RUNGS,
    apply_edits,
    create_twin,
    edits_from_dict,
    history,
    open_twin,
    plot_twin,
    retrace,
    trace_state,
    update_twin,
)
from rtwin.scene import load_recipe

workspace = tempfile.TemporaryDirectory(prefix="rtwin-")  # gone when Python ends
folder = Path(workspace.name) / "courtyard.twin"


def show(figure):
    plt.figure(figsize=(9, 9))
    figure.canvas.draw()
    plt.imshow(np.asarray(figure.canvas.buffer_rgba()))
    plt.axis("off")
    plt.show()


# %% [markdown]
# ## The first build
#
# A folder with one snapshot: the map, and every path to the middle of every cell.

# %%
first = create_twin(load_recipe("courtyard", cell_size_m=4.0), folder)
print(first.news, first.is_inside.shape, [len(t) for t in first.state().traces], "paths")

# %% [markdown]
# ## A container is moved
#
# What was decided, and why. Cells that no new path touches hold the very bits of before.

# %%
container = {"kind": "move_object", "object": "container", "by_m": [-9.0, 4.0, 0.0]}
moved = update_twin(folder, edits_from_dict({"edit": [container]}))
for name, decision, reason in zip(
    moved.radio_map.tx_name, moved.tx_decision, moved.tx_reason, strict=True
):
    print(f"{name}: {DECISIONS[decision]}. {reason}")
same = moved.decision == 0
assert np.array_equal(moved.maps["path_gain"][same], first.maps["path_gain"][same])
print(f"{100 * same.mean():.0f} % of the cells stayed as they were")
show(plot_twin(folder))

# %% [markdown]
# ## It is what a full trace gives
#
# Path by path; only quicker. On a small scene shooting the rays is most of what is left.

# %%
before = first.state()
world = apply_edits(edits_from_dict({"edit": [container]}), before.recipe, before.parts)
partial, full = retrace(before, *world), trace_state(*world, before.grid)
for tx, name in enumerate(full.tx_names):
    one, two = partial.state.paths(tx), full.paths(tx)
    assert np.array_equal(one.num_paths, two.num_paths)
    assert np.allclose(one.delay_s, two.delay_s, rtol=1e-6)
    effort = partial.effort[tx]
    print(
        f"{name}: {effort.num_kept} paths kept, {effort.num_dropped} dropped, "
        f"{effort.num_found} found"
    )

# %% [markdown]
# ## Cheaper and dearer answers
#
# The same edit by every rung of the ladder: seconds, and how far its map is from the full one.

# %%
found = {name: rung(before, *world) for name, rung in RUNGS.items()}


def floored_db(maps):
    return 10 * np.log10(np.maximum(maps["path_gain"], 1e-13))


truth = floored_db(found["full"].maps)
changed = np.abs(floored_db(found["stale"].maps) - truth) > 1.0
for name, rung in found.items():
    error = floored_db(rung.maps) - truth
    print(
        f"{name:9} {rung.seconds:6.2f} s, {np.sqrt(np.mean(error[changed] ** 2)):6.2f} dB where "
        f"it changed, {np.sqrt(np.mean(error[~changed] ** 2)):5.2f} dB elsewhere"
    )

# %% [markdown]
# ## A mast is tilted, another one moved
#
# Tilt and pattern weight stored paths anew; a mast that moves is traced alone.

# %%
tilt = {
    "kind": "set_transmitter",
    "transmitter": "roof",
    "downtilt_deg": 20.0,
    "antenna": {"pattern": "tr38901"},
}
move = {"kind": "move_transmitter", "transmitter": "pole", "by_m": [3.0, 0.0, 0.0]}
last = update_twin(folder, edits_from_dict({"edit": [tilt, move]}))
print(dict(zip(last.radio_map.tx_name, last.tx_reason, strict=True)))
show(plot_twin(folder))

# %% [markdown]
# ## The history
#
# Snapshots are appended and never written again; any of them can be read back.

# %%
for row in history(folder):
    print(f"{row['snapshot']:06d} {row['news']}: {100 * row['share_changed']:.0f} % of the cells")
age = last.number - open_twin(folder, 1).traced_snapshot
print(f"oldest cell of snapshot 1: {age.max()} snapshots ago")
