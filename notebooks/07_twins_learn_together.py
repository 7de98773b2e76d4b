# %% [markdown]
# # Twins learn together
#
# Stations that forecast their own traffic learn one model without handing over what they measured;
# some of them lie, and one sends false values. In the end a campaign with falsified rows is checked
# before a twin is calibrated with it. Run the cells in order; nothing is written. Needs
# `pip install 'rtwin[viz]'`.

# %%
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np

from rtwin.calibration.campaign import load_campaign
from rtwin.calibration.physics import trace_campaign
from rtwin.calibration.statistics import check_rows, trust_table
from rtwin.federation import RULES, LinearModel, check_series, learn_in_rounds, load_traffic
from rtwin.federation.defence import Trusted, believe, by_source
from rtwin.federation.learning import Cost, make_clusters, profiles_of
from rtwin.federation.traffic import DAY, NUM_INPUTS, TEST_DAYS, errors, standardised, windows_of
from rtwin.scene import load_recipe

# %% [markdown]
# ## Traffic of 25 cells of Milan
#
# Each cell is a station. Its inputs are the last three hours and the same hour of three days
# before; the last week is the test.

# %%
traffic = load_traffic()
days = traffic.num_days - TEST_DAYS
z, _, _ = standardised(traffic, days)
learn, test = windows_of(z, 0, days), windows_of(z, days, traffic.num_days)
model = LinearModel(NUM_INPUTS)
print(learn.x.shape, "[station, window, input]")

# %% [markdown]
# ## Built together, through heads of clusters
#
# Stations send to the head of their cluster, heads to the cloud: the weights are those of flat
# averaging, and a fifth of the bytes goes the long way.


# %%
def learned(**how):
    rng = np.random.default_rng(1)
    return learn_in_rounds(model, model.initial(1), learn.x, learn.y, 30, rng, **how)


clusters = make_clusters(traffic.position_m, profiles_of(z[: DAY * days]), 5, seed=1)
for name, among in (("flat", None), ("clustered", clusters)):
    cost = Cost()
    weights = learned(clusters=among, cost=cost)
    mae, mse = errors(model.predict(np.tile(weights, (25, 1)), test.x), test.y)
    print(f"{name}: MAE {mae:.3f}, core {cost.core_bytes / 1e6:.3f} MB")

# %%
figure, axes = plt.subplots(1, 2, figsize=(10, 3.5), layout="constrained")
axes[0].scatter(*(traffic.position_m / 1e3).T, c=clusters.of_station, cmap="tab10", s=120)
axes[0].set(title="clusters", xlabel="east [km]", ylabel="north [km]", aspect="equal")
axes[1].plot(test.y[0], label="measured")
axes[1].plot(model.predict(np.tile(weights, (25, 1)), test.x)[0], label="forecast")
axes[1].set(title=f"cell {traffic.cells[0]}", xlabel="hour of the test week", ylabel="[sd]")
axes[1].legend()
plt.show()

# %% [markdown]
# ## Ten of them lie
#
# Ten more participants join and pull the model away. The mean breaks; the biweight, which is the
# default where no clean data exist, does not.


# %%
def with_liars(rule):
    def aggregate(updates):
        fakes = np.full((10, updates.shape[1]), 50.0)
        return RULES[rule].apply(np.concatenate([updates, fakes]), Trusted(10))

    made = learned(aggregate=aggregate)
    return errors(model.predict(np.tile(made, (25, 1)), test.x), test.y)[0]


for rule in ("mean", "median", "biweight"):
    print(f"{rule}: MAE {min(with_liars(rule), 100.0):.3f}")

# %% [markdown]
# ## Values that nobody else supports
#
# One cell reports too much all week. Every value is predicted from what all others say; what does
# not fit is replaced, and whoever is off in one direction for long is named.

# %%
week = z[DAY * days :].copy()
week[:, traffic.cells.index(4446)] += 1.0
verdict = check_series(believe(z[: DAY * days]), week)
for row in by_source(verdict, [f"cell {cell}" for cell in traffic.cells])[:3]:
    print(
        row["source"], f"{100 * row['untrusted_share']:.0f} % not believed, liar: {row['is_liar']}"
    )

# %% [markdown]
# ## The same for measurements of a calibration
#
# 34 of 340 rows of the canyon campaign that lie together are falsified by 20 dB. `rtwin calibrate`
# compares every row with what physics and all other rows say of it, alone and with its neighbours,
# sets aside what everything else contradicts, and reports who sent it.

# %%
part = trace_campaign(load_campaign("canyon"), load_recipe("street_canyon"))
data = part.data
away = np.linalg.norm(data.position_m - data.position_m[100], axis=1)
liars = np.argsort(away)[:34]
level = data.level_db.copy()
level[liars] += 20.0
poisoned = replace(data, level_db=level)
found = check_rows(poisoned, part.inputs(), np.arange(len(data)))
hits = found.untrusted[liars].sum()
print(f"{found.untrusted.sum()} rows set aside, {hits} of the 34 falsified among them")
print(trust_table(poisoned, found)["by_transmitter"])
assert hits > 30

# %%
figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained", sharey=True)
x, y, _ = data.position_m.T
points = axes[0].scatter(x, y, c=poisoned.level_db, s=8)
figure.colorbar(points, ax=axes[0], label="measured [dB]")
points = axes[1].scatter(x, y, c=found.score, s=8, cmap="RdBu_r", vmin=-15, vmax=15)
figure.colorbar(points, ax=axes[1], label="distance from belief [robust sd]")
for axis in axes:
    axis.set(xlabel="x [m]", aspect="equal")
axes[0].set_ylabel("y [m]")
plt.show()
