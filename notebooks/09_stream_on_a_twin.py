# %% [markdown]
# # Stream on a twin
#
# Users walk on a radio map and swipe through short videos. Twins of them learn where they are, how
# hasty they are and what they like; multicast groups and blocks follow, the network serves them.
# The walk is one line: radio map -> link trace -> user twins -> groups -> demand -> reservation ->
# simulator -> satisfaction, V. Run the cells in order; files go to a temporary folder. Needs
# `pip install 'rtwin[viz]'`.

# %%
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import xarray

from rtwin.dataset import SampleSettings, generate_radio_map, sample
from rtwin.scene import Walk, load_recipe
from rtwin.streaming import DemandModel, Setting, draw_catalogue, draw_population
from rtwin.streaming.decision import by_actions, fixed, heuristic
from rtwin.streaming.loop import Belief, ClosedLoop, World, write_feed
from rtwin.streaming.viewport import Tiles, angle_deg, read_heads, smallest_set

workspace = tempfile.TemporaryDirectory(prefix="rtwin-")  # gone when Python ends
folder = Path(workspace.name)

# %% [markdown]
# ## Radio map, link trace

# %%
recipe = load_recipe("courtyard", map_rays=50_000)
map_file = generate_radio_map(recipe, folder / "map.h5")
walk = Walk(num_ues=20, duration_s=120.0, interval_s=1.0, seed=4)
link = SampleSettings(bandwidth_hz=40e6, interference_load=0.1)
trace = sample(map_file, "random-waypoint", folder / "walks.h5", walk=walk, settings=link)
print(trace.counts())

# %% [markdown]
# ## Videos and people
#
# A catalogue is drawn from what 1,290 real videos have in common; people differ in taste and haste.

# %%
catalogue = draw_catalogue(200, seed=1)
people = draw_population(trace.num_ues, seed=1, num_types=catalogue.num_types)
seconds = np.arange(30)
for haste in (0.5, 1.0, 2.0):
    plt.plot(seconds, catalogue.survival(haste)[:, :30].mean(axis=0), label=f"haste {haste:g}")
plt.xlabel("second of the video")
plt.ylabel("chance that it is played")
plt.legend()
plt.show()

# %% [markdown]
# ## A closed loop
#
# Every 20 s twins decide who shares a multicast, which version it has, and how many blocks. The
# network serves it, people swipe, and what they did comes back to their twins.

# %%
setting = Setting(DemandModel(catalogue, 20.0), num_prb=int(trace.attributes["num_prb"]))
world = World(trace, catalogue, people, interval_s=20.0)
loops = {}
for name, scheme in (("heuristic", heuristic), ("k-means", fixed)):
    loops[name] = ClosedLoop(world, Belief(trace), setting, scheme)
    log = loops[name].run()
    content, spent = log.mean("satisfaction", 1), log.mean("consumption", 1)
    print(f"{name}: satisfaction {content:.2f} from {100 * spent:.0f} % of the blocks")
    for step in log.steps:
        expected = f"{step.emulated_utility:.2f} expected"
        print(
            f"  {step.time_s:3.0f} s: {step.groups} groups, utility {step.utility:.2f}, {expected}"
        )

# %% [markdown]
# ## What a twin knows
#
# One user's way from channel to block, and how its twin's belief about its haste narrows.

# %%
loop, user = loops["k-means"], 3
twin = loop.users[user]
low, high = twin.haste().interval()
print(f"haste {people.haste[user]:.2f}; its twin says {twin.haste().mean:.2f}")
print(f"and is 90 % sure of {low:.2f} to {high:.2f}")
print("taste ", np.round(people.taste[user], 2))
print("twin's", np.round(twin.preference(catalogue.num_types).mean, 2))
print("age of its swipes at 130 s:", twin.age_s("swipes", now_s=130.0), "s")
for number, (group, blocks, satisfaction) in enumerate(
    zip(loop.log.group, loop.log.prb, loop.log.satisfaction, strict=True)
):
    sinr_db = trace.of_serving("sinr_db")[20 * number, user]
    print(
        f"{20 * number:3d} s: SINR {sinr_db:5.1f} dB, group {group[user]:2d} with "
        f"{blocks[user]:2d} blocks, satisfaction {satisfaction[user]:.2f}"
    )

# %%
found = [t.haste() for t in loop.users]
low, high = np.array([h.interval() for h in found]).T
mean = np.array([h.mean for h in found])
plt.errorbar(people.haste, mean, [mean - low, high - mean], fmt="o")
plt.axline((1, 1), slope=1, color="grey")
plt.xlabel("haste of a user")
plt.ylabel("what its twin believes, 90 %")
plt.show()

# %% [markdown]
# ## A scheme of your own
#
# It is a function of what is set and what is known. This one makes four groups in every cell and
# weighs the channel more than the taste (see `rtwin.streaming.decision.ACTIONS`).


# %%
def mine(setting, known):
    return by_actions(setting, known, [8] * known.num_cells)


own = ClosedLoop(world, Belief(trace), setting, mine).run()
print(f"mine: utility {own.mean('utility', 1):.3f}, k-means {loop.log.mean('utility', 1):.3f}")

# %% [markdown]
# ## For others
#
# Users' twins for xarray, every view as a table, the catalogue; `rtwin export walks.h5 --to
# bandwidth` makes bandwidth traces of the same users.

# %%
files = write_feed(loop, folder / "feed")
print([file.name for file in files])
with xarray.open_dataset(files[0], engine="h5netcdf") as twins:
    print(twins.sizes, twins.attrs["catalogue_hash"][:12])
print(files[1].read_text().splitlines()[:3])

# %% [markdown]
# ## Where people look
#
# Of a sphere of video only some tiles are worth sending. Real heads (MIT data set, in the package)
# against a guess that they stay where they are. A guess that knows its own error sends more and
# misses less: `rtwin experiment viewport`.

# %%
heads, tiles = read_heads(), Tiles()
ahead = round(0.5 / heads.step_s)
now, later = heads.direction[:, :-ahead:10], heads.direction[:, ahead::10]
print(f"half a second ahead, off by {angle_deg(now, later).mean():.1f} degrees on average")
sent = smallest_set(tiles.seen(now[0]), 0.9)
seen = tiles.seen(later[0])
print(
    f"{100 * (sent @ tiles.area).mean():.0f} % of the sphere sent, "
    f"{100 * (1 - (seen * sent).sum() / seen.sum()):.0f} % of the view missed"
)

# %%
assert all(0 <= s.utility <= 1 for s in loop.log.steps)
assert loop.log.mean("utility", 1) > loops["heuristic"].log.mean("utility", 1)

# %% [markdown]
# `rtwin experiment streaming`, `viewport` and `userdata` do this with reference worlds that no twin
# equals, and say how sure the figures are; docs/streaming.md has their tables.
