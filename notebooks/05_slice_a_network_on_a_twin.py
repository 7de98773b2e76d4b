# %% [markdown]
# # Slice a network on a twin
#
# A radio map becomes a link trace of walking users, the users' services become slices, and policies
# share out resource blocks. In the end a policy decides on a stale twin. Run the cells in order;
# files go to a temporary folder. Needs `pip install 'rtwin[viz,experiments]'`.

# %%
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from rtwin.dataset import SampleSettings, generate_radio_map, open_radio_map, sample, sample_map
from rtwin.experiments import (
    Optimised,
    ProportionalToDemand,
    SimulatorSettings,
    SlicedNetwork,
    SlicingEnv,
    StaticShares,
    make_slices,
    run_episode,
)
from rtwin.experiments.worlds import without_objects
from rtwin.plot import plot_link_trace
from rtwin.scene import Tracks, Walk, load_recipe

workspace = tempfile.TemporaryDirectory(prefix="rtwin-")  # gone when Python ends
folder = Path(workspace.name)

# %% [markdown]
# ## A radio map, and users that walk on it

# %%
recipe = load_recipe("courtyard", map_rays=200_000)
map_file = generate_radio_map(recipe, folder / "map.h5")
link = SampleSettings(bandwidth_hz=100e6)
walk = Walk(num_ues=24, duration_s=20.0, seed=4)
trace = sample(map_file, "random-waypoint", folder / "trace.h5", walk=walk, settings=link)
print(trace.counts())

# %%
figure = plot_link_trace(trace, "serving")
plt.figure(figsize=(7, 6.4))
figure.canvas.draw()
plt.imshow(np.asarray(figure.canvas.buffer_rgba()))
plt.axis("off")
plt.show()

# %% [markdown]
# ## What a link gives
#
# SINR becomes a CQI by the tables of 3GPP TS 38.214, the CQI an MCS, the MCS a rate.

# %%
user = 0
fig, (top, bottom) = plt.subplots(2, 1, figsize=(8, 4.5), sharex=True)
top.plot(trace.time_s, trace.sinr_db[:, user], label=trace.tx_name)
top.plot(trace.time_s, trace.of_serving("sinr_db")[:, user], "k--", label="serving")
top.set(ylabel="SINR [dB]", title=trace.ue_name[user])
top.legend()
bottom.step(trace.time_s, trace.of_serving("rate_mbps")[:, user], where="post")
bottom.set(xlabel="time [s]", ylabel="rate, all blocks [Mbit/s]")
fig.tight_layout()
plt.show()

# %% [markdown]
# ## Slices and policies
#
# Virtual reality needs 30 Mbit/s within 10 ms, short video 2.5 Mbit/s within a second, URLLC little
# but at once. Every half second a policy shares out the blocks of both cells.

# %%
slices = make_slices({"vr": 3, "short_video": 11, "urllc": 10})
settings = SimulatorSettings(epoch_s=0.5)
policies = {
    "static": StaticShares(),
    "proportional": ProportionalToDemand(),
    "optimised": Optimised(),
}
episodes = {
    name: run_episode(SlicedNetwork(trace, slices, settings), policy, seed=1)
    for name, policy in policies.items()
}
for name, episode in episodes.items():
    by_slice = ", ".join(
        f"{s.service.name} {100 * v:.0f} %"
        for s, v in zip(slices, episode.sla_violation_by_slice, strict=True)
    )
    print(f"{name}: {100 * episode.reserved_share:.0f} % reserved, promises broken: {by_slice}")

# %% [markdown]
# ## The same in Gymnasium
#
# An agent sees the same network through observations, actions and rewards.

# %%
env = SlicingEnv(trace, slices, settings=settings)
observation, _ = env.reset(seed=1)
rewards, delays = [], []
over = False
while not over:
    action = env.action_of(policies["optimised"](env.view()))
    observation, reward, _, over, info = env.step(action)
    rewards.append(reward)
    delays.append(info["vr"]["delay_p99_ms"])
print(observation.shape, f"mean reward {np.mean(rewards):.3f}")

# %%
fig, (top, bottom) = plt.subplots(2, 1, figsize=(8, 4.5), sharex=True)
top.plot(rewards)
top.set(ylabel="reward")
bottom.plot([np.nan if d is None else d for d in delays], "o")
bottom.set(xlabel="epoch", ylabel="99 % delay of VR [ms]")
fig.tight_layout()
plt.show()

# %% [markdown]
# ## Deciding on a stale twin
#
# The office was not there when this twin was traced. Its map is sampled at the same places; the
# policy sees what it says, and users live in the world as it is.

# %%
before = without_objects(recipe, ["office", "office_front"])
stale_map = open_radio_map(generate_radio_map(before, folder / "stale.h5"))
tracks = Tracks(trace.time_s, trace.ue_name, trace.ue_position_m.copy())
stale = sample_map(stale_map, tracks, link)
right = (stale.serving_tx == trace.serving_tx).mean()
print(f"the stale twin names the right cell {100 * right:.0f} % of the time")
fooled = SlicedNetwork(trace, slices, settings, knowledge=stale)
episode = run_episode(fooled, policies["optimised"], seed=1)
known = episodes["optimised"]
print(
    f"promises broken: {100 * episode.sla_violation:.1f} %, with the true map "
    f"{100 * known.sla_violation:.1f} %"
)
assert right < 1.0
assert episode.reward < known.reward

# %% [markdown]
# One world is one world. `rtwin experiment slicing` repeats this with reference worlds that no twin
# equals, and says how sure the figures are; docs/experiments.md has its table.
