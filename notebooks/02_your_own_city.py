# %% [markdown]
# # Your own city
#
# A map becomes a scene, the scene is checked, traced and drawn: what `rtwin scene build`,
# `rtwin scene lint`, `rtwin generate` and `rtwin radiomap` do, step by step. Put the name of your
# own extract where the little town is drawn below; openstreetmap.org saves one under *Export*.
# Needs `pip install 'rtwin[viz]'`.

# %%
import json
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import shapely

from rtwin.channel import path_gain
from rtwin.dataset import evaluate, generate, generate_radio_map, open_dataset
from rtwin.plot import plot_file
from rtwin.scene import georeference_at, lengths_m, load_recipe, vegetation_volumes
from rtwin.scene.build import build_scene
from rtwin.scene.lint import lint_scene
from rtwin.units import to_db

workspace = tempfile.TemporaryDirectory(prefix="rtwin-")  # gone when Python ends
folder = Path(workspace.name)

# %% [markdown]
# ## A map
#
# GeoJSON as Overpass exports it: outlines in longitude and latitude with OpenStreetMap's tags. This
# town has three rows of houses, a hall, a park with trees and a walk. With an extract of your own,
# set `source` to its path and leave the rest out.

# %%
town = georeference_at(50.0, 8.0)


def feature(corners, kind="Polygon", **tags):
    place = town.to_geographic(np.column_stack([np.array(corners, float), np.zeros(len(corners))]))
    line = place[:, 1::-1].tolist()
    coordinates = [[*line, line[0]]] if kind == "Polygon" else line
    geometry = {"type": kind, "coordinates": coordinates}
    return {"type": "Feature", "properties": tags, "geometry": geometry}


def block(x, y, width, depth):
    return [(x, y), (x + width, y), (x + width, y + depth), (x, y + depth)]


features = [
    feature(
        block(22 * i, 30 * row, 16, 12),
        building="house",
        **{
            "building:levels": str(2 + (i + row) % 3),
            "roof:shape": "gabled" if row else "flat",
        },
    )
    for row in range(3)
    for i in range(5)
]
features += [
    feature(block(-50, 10, 30, 50), building="yes", height="18", name="Hall"),
    feature(block(0, 95, 90, 40), natural="wood", name="Park"),
    feature([(-60, 87), (115, 87)], "LineString", highway="footway", name="Park walk"),
    feature(block(120, 20, 10, 8), building="shed"),
]
source = folder / "town.geojson"
source.write_text(json.dumps({"type": "FeatureCollection", "features": features}))

# %% [markdown]
# ## The scene
#
# One call writes a folder: a recipe with a first deployment, meshes, streets and a report of what
# was assumed.

# %%
report = build_scene([source], folder / "town")
print(sorted(p.name for p in (folder / "town").iterdir()))
print(report["buildings"], "buildings,", report["heights_defaulted"], "of an assumed height")
print(report["materials"])

# %%
recipe = load_recipe(folder / "town", num_receivers=200)
print(recipe.georeference)
for line in lint_scene(recipe):
    print(line)

# %% [markdown]
# Every building is a table of `scene.toml`, under the id that it has in the map. So a person can
# correct a height, and a program can say which building a path has touched.

# %%
print((folder / "town" / "scene.toml").read_text().split("[[object]]")[2])

# %% [markdown]
# ## Trace it
#
# Receivers in the streets; the mast stands on the highest roof of the middle.

# %%
file = generate(recipe, folder / "town.h5")
with open_dataset(file) as dataset:
    receivers = dataset.read("rx_position_m")
    gain_db = to_db(path_gain(dataset.paths()))
    loss_db = dataset.read("vegetation_loss_db")
    objects = dataset.read("object_name")[dataset.read("object")[:, 0]]
    first = dataset.read("object")[:, 0] >= 0
names, counts = np.unique(objects[first], return_counts=True)
print("met first most often:", names[np.argsort(-counts)[:3]])
print(f"{(loss_db > 0).mean():.0%} of the paths pass through trees, at most {loss_db.max():.1f} dB")

# %%
figure, axes = plt.subplots(figsize=(8, 5))
for item in recipe.object:
    if item.shape == "extrude":
        ring = np.array([*item.footprint, item.footprint[0]])
        axes.fill(*ring.T, color="#c9d8b6" if item.material == "vegetation" else "#b9b9b9")
seen = np.isfinite(gain_db)
dots = axes.scatter(*receivers[seen, :2].T, c=gain_db[seen], s=14)
axes.plot(*receivers[~seen, :2].T, "x", color="black", markersize=4)
axes.plot(*recipe.transmitter[0].position_m[:2], "^", color="tab:red")
figure.colorbar(dots, label="path gain [dB]")
axes.set(aspect="equal", xlabel="x, east [m]", ylabel="y, north [m]", title="The mast's reach")
plt.show()

# %% [markdown]
# ## What the park costs
#
# Vegetation takes its share from every path by the length inside. The lengths are those of
# straight lines, so they can be checked by hand: here for the line of sight of each receiver.

# %%
volumes = vegetation_volumes(recipe)
mast = np.broadcast_to(recipe.transmitter[0].position_m, receivers.shape)
inside_m = lengths_m(volumes, mast, receivers)["vegetation"]
park = shapely.union_all([volume.polygon for volume in volumes])
print(f"the park covers {park.area:.0f} m2; the longest way through it is {inside_m.max():.0f} m")

# %% [markdown]
# How much is it with half as dense trees? That needs no new trace: fields are evaluated from the
# paths that are stored.

# %%
(folder / "sparse.toml").write_text(
    "[materials.vegetation]\nspecific_attenuation_db_per_m = 0.35\nmax_attenuation_db = 30.0\n"
)
sparse = evaluate(
    file, folder / "sparse.h5", materials=folder / "sparse.toml", scene=folder / "town"
)
with open_dataset(sparse) as dataset:
    difference = to_db(path_gain(dataset.paths()))[seen] - gain_db[seen]
print(f"up to {difference.max():.1f} dB more reaches a receiver")
assert (difference > -0.01).all()

# %% [markdown]
# ## A radio map
#
# The default method sees surfaces only: it does not know the park, and says so in a remark. Method
# `paths` finds the paths to the middle of every cell, and these lose in the park.

# %%
radio_map = generate_radio_map(recipe, folder / "town-map.h5", method="paths")
plot_file(radio_map)

# %% [markdown]
# ## Go on
#
# `docs/scenes.md` has the rules for heights, roofs and materials; `rtwin scene lint --fix` mends
# meshes; `rtwin evaluate --frequency 2.1e9` asks for another band.
