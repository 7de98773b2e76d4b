# %% [markdown]
# # How good is a twin, and which one to bring up to date?
#
# Two twins of a yard, in which a building is torn down. Qualities are measured, a task chooses
# among twins, and seconds are spent where they pay. Run the cells in order; files go to a temporary
# folder. Needs `pip install 'rtwin[viz]'`.

# %%
import shutil
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from rtwin.deployment import (
    MAPPINGS,
    POLICIES,
    Deployment,
    Utility,
    additive,
    carry_out,
    copula,
    drawn_regions,
    multiplicative,
    plan_deployment,
    select_twin,
    simulate,
    twin_quality,
)
from rtwin.deployment.picture import plot_quality
from rtwin.horizontal import create_twin, open_twin
from rtwin.scene import load_recipe

workspace = tempfile.TemporaryDirectory(prefix="rtwin-")  # gone when Python ends
folder = Path(workspace.name)

# %% [markdown]
# ## Two twins
#
# Check points are measured in the world as it is: without the eastern building.

# %%
recipe = load_recipe("courtyard", cell_size_m=8.0)
create_twin(recipe, folder / "east.twin", uncertainty_db=3.0)
shutil.copytree(folder / "east.twin", folder / "west.twin")
gone = folder / "gone.toml"
gone.write_text('[[edit]]\nkind = "remove_object"\nobject = "east"\n')
shutil.copytree(folder / "east.twin", folder / "truth.twin")
(order,) = plan_deployment([folder / "truth.twin"], {str(folder / "truth.twin"): gone}, 60.0)
truth = carry_out(order).radio_map
rng, rows = np.random.default_rng(2), ["tx,x_m,y_m,path_gain_db,uncertainty_db"]
for y, x in rng.permutation(np.argwhere((truth.path_gain > 0).all(axis=0)))[:60]:
    for tx, name in enumerate(truth.tx_name):
        level = 10 * np.log10(truth.path_gain[tx, y, x]) + rng.normal(0, 1)
        place = truth.cell_centers_m[y, x]
        rows.append(f"{name},{place[0]},{place[1]},{level},1")
checks = folder / "checks.csv"
checks.write_text("\n".join(rows) + "\n")

# %% [markdown]
# ## Quality
#
# What each attribute rests on, what all of them are worth, and what would raise it most.

# %%
found = [twin_quality(folder / f"{name}.twin", measurements=checks) for name in ("east", "truth")]
for quality in found:
    print(f"{quality.twin.name}: {quality.utility:.2f}")
    for name, fact in quality.facts.items():
        print(f"  {name}: {fact}")
    print(" ", quality.advice.replace(str(folder), "."))
plot_quality(found)

# %% [markdown]
# ## How attributes add up
#
# Where weights add up to more than 1 one good side is nearly enough; below, all of them count.

# %%
x = np.linspace(0, 1, 60)
grid = np.stack(np.meshgrid(x, x), axis=-1)
forms = {
    "additive": additive(grid, (0.5, 0.5)),
    "multiplicative, substitutes": multiplicative(grid, (0.8, 0.8)),
    "multiplicative, complements": multiplicative(grid, (0.2, 0.2)),
    "copula, Frank": copula(grid, (0.4, 0.4), "frank", 8.0),
}
figure, axes = plt.subplots(1, 4, figsize=(13, 3.2), layout="constrained", sharey=True)
for axis, (name, value) in zip(axes, forms.items(), strict=True):
    axis.contourf(x, x, value, levels=np.linspace(0, 1, 11))
    axis.set(title=name, xlabel="accuracy", aspect="equal")
axes[0].set_ylabel("freshness")
plt.show()

# %% [markdown]
# ## Which twin for a task?
#
# Weights for streaming are fitted to what decisions on twins earned (`rtwin experiment quality`).

# %%
sources = [folder / "east.twin", folder / "truth.twin", folder / "truth.twin" / "000000.h5"]
ranked = select_twin(sources, "streaming", measurements=checks)
for each in ranked:
    print(f"{each.source.name} ({each.kind}): {each.quality.utility:.2f}, {each.why}")
assert ranked[0].source.name == "truth.twin"

# %% [markdown]
# ## Seconds for one of two
#
# Both yards lost a building; there is time for one, and the western one has twice the users.

# %%
twins = [str(folder / name) for name in ("east.twin", "west.twin")]
news, west = dict.fromkeys(twins, gone), {twins[1]: 2.0}
budget = 0.7 * open_twin(twins[0]).full_s
utility = Utility({"accuracy": 0.5, "freshness": 0.5})
for order in plan_deployment(twins, news, budget, importance=west, utility=utility):
    made = carry_out(order)
    print(f"{order.twin.name}: {order.why}")
    print(
        "  now at snapshot", open_twin(order.twin).number, "because", made and made.more["because"]
    )

# %% [markdown]
# ## Ten regions, six units a slot
#
# The same question for long: what one gains by looking ahead, against a bound that nobody can beat.

# %%
plan = Deployment(drawn_regions(10), MAPPINGS, budget=6)
bound, price = plan.bound()
shown = ("periodic vertical", "both, greedy", "both, index")
runs = {name: simulate(plan, POLICIES[name], runs=3) for name in shown}
plt.figure(figsize=(7, 3))
plt.barh(list(runs), [run.loss.mean() for run in runs.values()])
plt.axvline(bound, color="C1", label=f"nobody can lose less than {bound:.1f}")
plt.xlabel("discounted loss")
plt.legend()
plt.show()

# %%
assert bound < runs["both, index"].loss.mean() < runs["periodic vertical"].loss.mean()

# %% [markdown]
# `rtwin quality`, `rtwin deploy`, `rtwin experiment quality`, `deployment` and `tiles` do this from
# the command line; docs/deployment.md has their tables.
