# %% [markdown]
# # Learn from channels
#
# A base station with 16 antennas at 28 GHz has to choose one of 16 beams for a user. Trying all of
# them takes time. Two cheaper ways are learned here from one traced dataset: from where the user
# is, and from the user's channel at 3.5 GHz, which a phone has anyway. Everything is NumPy and
# scikit-learn, and takes a minute. Needs `pip install 'rtwin[viz]'`.

# %%
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.neural_network import MLPClassifier

import rtwin
from rtwin.dataset import LinkTensors, angle_delay, split_receivers
from rtwin.scene import recipe_dict, recipe_from_dict
from rtwin.units import to_db

workspace = tempfile.TemporaryDirectory(prefix="rtwin-")  # gone when Python ends
folder = Path(workspace.name)
NUM_BEAMS, NUM_DELAYS = 16, 16

# %% [markdown]
# ## One trace, two carriers
#
# The street canyon with one mast and an array of 16 columns. Paths are traced once; `evaluate`
# gives them the coefficients of another carrier.

# %%
scene = recipe_dict(rtwin.load_recipe("street_canyon", num_receivers=1500, frequency_hz=28e9))
scene["bandwidth_hz"] = 100e6
scene["transmitter"] = scene["transmitter"][:1]
scene["transmitter"][0]["antenna"]["num_cols"] = NUM_BEAMS
scene["transmitter"][0]["antenna"]["pattern"] = "iso"
high_file, low_file = folder / "28ghz.h5", folder / "3ghz5.h5"
with rtwin.generate(recipe_from_dict(scene, "canyon"), high_file) as high:
    print(high.num_rx, "receivers,", int((high.num_paths > 0).sum()), "with a path")
rtwin.evaluate(high_file, low_file, frequency_hz=3.5e9).close()

# %% [markdown]
# ## Which receivers are learned from
#
# Two users a metre apart have nearly the same channel. If one is learned from and the other is
# judged by, the network is asked to remember, not to understand. `split_receivers` keeps blocks of
# an area together; without `block_m` it draws receivers one by one, which leaks.

# %%
blocks = split_receivers(high_file, (0.7, 0.3), block_m=15.0, seed=1)
one_by_one = split_receivers(high_file, (0.7, 0.3), seed=1)


def links(rx):
    """Position, low-band picture, and power of each beam at 28 GHz; links with a path."""
    parts = [
        (low["rx_position_m"][:, :2], angle_delay(low["cfr"]), angle_delay(high["cfr"]).sum(-1))
        for low, high in zip(
            LinkTensors(low_file, rx=rx).batches(500),
            LinkTensors(high_file, rx=rx).batches(500),
            strict=True,
        )
    ]
    place, picture, beams = (np.concatenate(values) for values in zip(*parts, strict=True))
    heard = beams.sum(axis=(1, 2)) > 0
    # The level says little of the direction: each picture is measured from its strongest cell.
    decibel = to_db(picture[heard, 0, :, :NUM_DELAYS] + 1e-30)
    decibel -= decibel.max(axis=(1, 2), keepdims=True)
    return place[heard] / 50.0, np.maximum(decibel, -40.0) / 40.0 + 1.0, beams[heard, 0]


place, picture, beams = links(blocks[0])
print(place.shape, picture.shape, beams.shape)

# %% [markdown]
# What the network sees: power over beams and delays at 3.5 GHz.

# %%
fig, axes = plt.subplots(1, 3, figsize=(11, 3.2), sharey=True)
for each, number in zip(axes, (0, 40, 80), strict=True):
    each.imshow(picture[number], origin="lower", aspect="auto", cmap="viridis")
    each.axhline(beams[number].argmax(), color="#D55E00", linestyle="--")
    each.set(xlabel="delay bin", title="dashed: best beam at 28 GHz")
axes[0].set_ylabel("beam")
fig.tight_layout()
plt.show()

# %% [markdown]
# ## Train, and judge
#
# How often the best beam is named, how often it is among the first three, and what is lost against
# it in decibels.


# %%
def judge(score, beams):
    """Share of hits among the first one and three, and the mean and 90th percentile loss."""
    best = beams.argmax(axis=1)
    order = np.argsort(-score, axis=1)
    lost = to_db(beams.max(axis=1) / beams[np.arange(len(beams)), order[:, 0]])
    top = [(order[:, :k] == best[:, None]).any(axis=1).mean() for k in (1, 3)]
    return *top, float(np.mean(lost)), float(np.percentile(lost, 90))


def learned(train, test, sizes):
    """Scores of all beams for the links of a test."""
    network = MLPClassifier(sizes, max_iter=150, early_stopping=True, random_state=0)
    network.fit(train[0].reshape(len(train[0]), -1), train[1].argmax(axis=1))
    score = np.zeros((len(test[0]), NUM_BEAMS))
    score[:, network.classes_] = network.predict_proba(test[0].reshape(len(test[0]), -1))
    return score


table = {}
for name, (train_rx, test_rx) in {"blocks": blocks, "one by one": one_by_one}.items():
    train, test = links(train_rx), links(test_rx)
    often = np.bincount(train[2].argmax(axis=1), minlength=NUM_BEAMS)
    table[name, "the most frequent beam"] = judge(np.tile(often, (len(test[2]), 1)), test[2])
    for what, column in (("position", 0), ("channel at 3.5 GHz", 1)):
        score = learned((train[column], train[2]), (test[column], test[2]), (128, 64))
        table[name, f"network from {what}"] = judge(score, test[2])
print(f"{'split':<11} {'predictor':<32} top 1  top 3  mean loss  90 % loss")
for (name, what), (one, three, mean, most) in table.items():
    print(f"{name:<11} {what:<32} {one:5.2f}  {three:5.2f}  {mean:6.1f} dB  {most:6.1f} dB")

# %%
fig, axis = plt.subplots(figsize=(8, 3))
names = [f"{what}\n{name}" for name, what in table]
axis.barh(names, [row[0] for row in table.values()], color=["#0072B2"] * 3 + ["#E69F00"] * 3)
axis.set(xlabel="share of users whose best beam is named", xlim=(0, 1))
fig.tight_layout()
plt.show()
assert table["blocks", "network from channel at 3.5 GHz"][0] > 0.5

# %% [markdown]
# The orange bars are what a split one by one would report. From positions it flatters: the blue
# bar is what to expect in a street that was not measured.
#
# ## With PyTorch or TensorFlow
#
# `LinkTensors` has a length and gives one link by number, which is what a `DataLoader` takes; each
# worker opens the file for itself:
#
#     loader = torch.utils.data.DataLoader(LinkTensors(file, rx=train), batch_size=64, shuffle=True)
#
# `LinkTensors.batches` gives NumPy arrays, `rtwin.tf_dataset` ragged batches of paths.
