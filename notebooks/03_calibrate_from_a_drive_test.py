# %% [markdown]
# # Calibrate from a drive test
#
# Somebody measured received power along a street canyon. The scene is drawn with textbook
# materials; the real walls are different. How good is the twin, what did the measurements see of
# the walls, and where should one measure next? The campaign was made by rtwin itself, so the truth
# is known. Needs `pip install 'rtwin[viz]'`.

# %%
import matplotlib.pyplot as plt
import numpy as np

from rtwin.calibration import load_campaign, plan_route, validate_twin
from rtwin.calibration.physics.traced_campaign import trace_campaign
from rtwin.scene import load_recipe

campaign = load_campaign("canyon")
campaign = campaign.model_copy(
    update={"fit": campaign.fit.model_copy(update={"starts": 8, "refined": 1})}
)
part = trace_campaign(campaign, load_recipe("street_canyon"))
data = part.data
print(f"{len(data)} measurements of {data.transmitters[0].name}; set aside: {data.set_aside}")

# %% [markdown]
# ## The measurements, and what the drawn scene says

# %%
drawn = part.levels(None, np.arange(len(data)))["ray tracing + offset"]
figure, axes = plt.subplots(1, 2, figsize=(11, 3.6), layout="constrained", sharey=True)
for ax, values, title in (
    (axes[0], data.level_db, "measured [dBm]"),
    (axes[1], drawn - data.level_db, "drawn scene - measured [dB]"),
):
    seen = ax.scatter(*data.position_m[:, :2].T, c=values, s=14)
    ax.set(title=title, xlabel="x (east) [m]", ylabel="y (north) [m]", aspect="equal")
    figure.colorbar(seen, ax=ax)
plt.show()

# %% [markdown]
# ## Fit the physics to half of the points
#
# Paths stay as they were traced; the engine evaluates their fields for other materials.

# %%
rng = np.random.default_rng(1)
train = np.sort(rng.permutation(len(data))[: len(data) // 2])
held = np.setdiff1d(np.arange(len(data)), train)
fit = part.fit(train, seed=1)
for name, level in part.levels(fit, train).items():
    error = (level - data.level_db)[held]
    print(f"{name:22s} {np.sqrt(np.mean(error**2)):.2f} dB on points that were not used")

# %% [markdown]
# ## What the data could see
#
# A posterior almost as wide as the prior means that these measurements say nothing about the
# parameter: it keeps its value, and the fitted number is not "the material".

# %%
for row in fit.identifiability():
    print(
        f"{row['parameter']:34s} prior {row['prior']:7.3g}  fitted {row['fitted']:7.3g}  "
        f"width {row['posterior_over_prior']:.2f}  {row['verdict']}"
    )

# %% [markdown]
# ## Blocks that nobody saw
#
# Points next to each other are alike. Held-out blocks say what the twin is worth where nobody
# measured, against statistics that learned from the same points.

# %%
found = validate_twin(
    data,
    part.inputs(fit),
    "outdoor",
    10.0,
    share=0.4,
    repeats=1,
    points=100,
)
names = [score.model for score in found.scores]
figure, ax = plt.subplots(figsize=(8, 3.4), layout="constrained")
ax.barh(names[::-1], [score.rmse_db for score in found.scores][::-1], color="#0072B2")
ax.set_xlabel("held-out RMSE [dB]")
plt.show()
print(f"{100 * found.coverage:.0f} % of the held-out points lie in their 90 % intervals")

# %% [markdown]
# ## Where to measure next

# %%
for x, y, sd in plan_route(data, 5, part.in_the_open):
    print(f"x = {x:6.1f} m, y = {y:6.1f} m: the map is then uncertain to {sd:.2f} dB")
