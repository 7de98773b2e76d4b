# %% [markdown]
# # From a scene to a dataset
#
# A courtyard block with two transmitters becomes a file of propagation paths, the paths become
# channels, and the channels are compared with Friis. Run the cells in order; files go to a
# temporary folder. Needs `pip install 'rtwin[viz]'`.

# %%
import tempfile
from pathlib import Path

import h5py
import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

from rtwin.channel import (
    cfr,
    free_space_path_loss_db,
    has_line_of_sight,
    path_gain,
    rician_k_factor,
    rms_delay_spread_s,
)
from rtwin.dataset import (
    generate,
    generate_radio_map,
    open_dataset,
    open_radio_map,
    validate_file,
)
from rtwin.scene import load_recipe, recipe_dict, recipe_from_dict
from rtwin.units import to_db

workspace = tempfile.TemporaryDirectory(prefix="rtwin-")  # gone when Python ends
folder = Path(workspace.name)

# %% [markdown]
# ## The recipe
#
# A recipe says what stands where, which devices there are and how to trace them. `load_recipe`
# takes a shipped scene or a path, and overrides.

# %%
recipe = load_recipe("courtyard", num_receivers=100)
print(recipe.title)
for tx in recipe.transmitter:
    print(tx.name, tx.position_m, tx.antenna.pattern)
print(recipe.receivers.count, "receivers, max_depth", recipe.solver.max_depth)

# %% [markdown]
# ## Trace it
#
# Every link of every transmitter and receiver. A run that is killed goes on where it stopped.

# %%
file = generate(recipe, folder / "courtyard.h5")
assert validate_file(file) == []
print(file.stat().st_size, "bytes")

# %% [markdown]
# ## Open it in h5py and in xarray
#
# The paths of all links lie one after the other; `num_paths` says how many belong to each link.

# %%
with h5py.File(file) as h5:
    print(h5.attrs["scene"], h5.attrs["content_hash"][:16])
    num_paths = h5["num_paths"][:]
    print(len(num_paths), "links,", num_paths.sum(), "paths, up to", num_paths.max(), "per link")

# %%
with xr.open_dataset(file, engine="h5netcdf") as ds:
    print(ds.sizes)
    print(ds.a.attrs["long_name"])

# %% [markdown]
# ## From paths to channels
#
# The frequency response of each link over 20 MHz, its delay spread and its K factor.

# %%
with open_dataset(file) as dataset:
    paths = dataset.paths()
    rx_m = dataset.read("rx_position_m")[dataset.read("link_rx")]
    tx_m = dataset.read("tx_position_m")[dataset.read("link_tx")]
frequencies_hz = np.linspace(-10e6, 10e6, 128)
response = cfr(paths, frequencies_hz)  # [link, rx_port, tx_port, time, frequency]
spread_s = rms_delay_spread_s(paths)
k_factor = rician_k_factor(paths)
in_sight = has_line_of_sight(paths)
print(response.shape, in_sight.sum(), "links in line of sight")
assert np.isfinite(spread_s[paths.num_paths > 0]).all()
# Links with the most paths.
richest = np.argsort(-paths.num_paths)[:3]

# %%
fig, (left, right) = plt.subplots(1, 2, figsize=(10, 3.5))
for link in richest:
    gain = to_db(np.abs(response[link, 0, 0, 0]) ** 2)
    left.plot(frequencies_hz / 1e6, gain, label=f"link {link}")
left.set(xlabel="frequency from the carrier [MHz]", ylabel="gain [dB]")
left.legend()
for sight, label in ((True, "line of sight"), (False, "no line of sight")):
    values = np.sort(spread_s[(in_sight == sight) & (paths.num_paths > 0)]) * 1e9
    right.step(values, np.arange(1, len(values) + 1) / len(values), label=label)
right.set(xlabel="RMS delay spread [ns]", ylabel="share of links")
right.legend()
fig.tight_layout()
plt.show()

# %% [markdown]
# ## K factor
#
# Line of sight over all other paths. It is 0 without line of sight and infinite without others.

# %%
usual = in_sight & np.isfinite(k_factor)
print(f"median K {np.median(to_db(k_factor[usual])):.1f} dB over {usual.sum()} links")
assert (k_factor[~in_sight & (paths.num_paths > 0)] == 0).all()

# %% [markdown]
# ## An array at the transmitter
#
# Coefficients hold one element; arrays are applied afterwards. With 8 columns and the best beam for
# each link, the gain over one element is 8 (9 dB) where one path rules, and more where that
# element fades.

# %%
data = recipe_dict(recipe)
for tx in data["transmitter"]:
    tx["antenna"]["num_cols"] = 8
with_array = generate(recipe_from_dict(data, "courtyard_array"), folder / "array.h5")
with open_dataset(with_array) as dataset:
    tx_array, rx_array = dataset.arrays(0, dataset.num_links)
    ports = cfr(dataset.paths(), [0.0], tx_array=tx_array, rx_array=rx_array)[:, 0, :, 0, 0]
one = np.abs(cfr(paths, [0.0])[:, 0, 0, 0, 0]) ** 2
# The best weights of unit power for a link are its conjugate: the power of all ports adds up.
best = (np.abs(ports) ** 2).sum(axis=1)
reached = paths.num_paths > 0
gain_db = to_db(best[reached] / one[reached])
low, middle, high = np.percentile(gain_db, [5, 50, 95])
print(f"beam gain: median {middle:.1f} dB, 5 to 95 % {low:.1f} to {high:.1f} dB")

# %% [markdown]
# ## Friis
#
# Between upright isotropic antennas a path in line of sight has the free-space path loss. Tilted
# ones lose a little, because their polarisations are no longer parallel.

# %%
for tx in data["transmitter"]:
    tx |= {"antenna": {"pattern": "iso"}, "downtilt_deg": 0.0}
data["solver"]["max_depth"] = 0
isotropic = generate(recipe_from_dict(data, "courtyard_iso"), folder / "isotropic.h5")
with open_dataset(isotropic) as dataset:
    direct = dataset.paths()
distance_m = np.linalg.norm(rx_m - tx_m, axis=1)
loss_db = -to_db(path_gain(direct)[in_sight])
friis_db = free_space_path_loss_db(distance_m[in_sight], recipe.frequency_hz)
print(f"largest difference from Friis {np.abs(loss_db - friis_db).max():.4f} dB")
assert np.abs(loss_db - friis_db).max() < 0.01

# %%
own_db = -to_db(path_gain(paths))
fig, axes = plt.subplots(figsize=(6, 4))
axes.semilogx(distance_m[in_sight], own_db[in_sight], "o", label="line of sight")
hidden = ~in_sight & (paths.num_paths > 0)
axes.semilogx(distance_m[hidden], own_db[hidden], ".", label="no line of sight")
line_m = np.geomspace(distance_m.min(), distance_m.max())
axes.semilogx(line_m, free_space_path_loss_db(line_m, recipe.frequency_hz), "k--", label="Friis")
axes.set(xlabel="distance [m]", ylabel="path loss [dB]")
axes.legend()
plt.show()

# %% [markdown]
# ## A radio map
#
# The power that arrives in every cell, and how far to trust it.

# %%
map_file = generate_radio_map(
    load_recipe("courtyard", cell_size_m=2.0, map_rays=400_000), folder / "map.h5"
)
radio_map = open_radio_map(map_file)
print(radio_map.path_gain.shape, radio_map.tx_name)
some = radio_map.path_gain > 0
relative = radio_map.path_gain_standard_error[some] / radio_map.path_gain[some]
print(f"median standard error {100 * np.median(relative):.0f} % of the value")

# %%
strongest_dbm = radio_map.rss_dbm.max(axis=0)
x, y = radio_map.cell_centers_m[0, :, 0], radio_map.cell_centers_m[:, 0, 1]
fig, axes = plt.subplots(figsize=(7, 5))
image = axes.pcolormesh(x, y, np.where(np.isfinite(strongest_dbm), strongest_dbm, np.nan))
axes.plot(*radio_map.tx_position_m[:, :2].T, "r^", label="transmitters")
axes.set(xlabel="x [m]", ylabel="y [m]", aspect="equal", title="RSS of the strongest transmitter")
fig.colorbar(image, label="dBm")
axes.legend()
plt.show()
