"""In DeepMIMO's environment: load a scenario and write its channels as it computes them.

deepmimo_channels.py WORKDIR NAME OUTPUT: WORKDIR holds deepmimo_scenarios/NAME.
"""

import json
import os
import sys
from pathlib import Path

import deepmimo as dm
import numpy as np

NUM_SUBCARRIERS, BANDWIDTH_HZ = 256, 50e6
TIMES_S = [0.0, 1e-3, 4e-3]


def params(doppler, shape, rotation):
    return dm.ChannelParameters(
        bs_antenna={"shape": shape, "spacing": 0.5, "rotation": rotation},
        ue_antenna={"shape": [2, 1], "spacing": 0.4, "rotation": [5.0, -10.0, 40.0]},
        ofdm={
            "subcarriers": NUM_SUBCARRIERS,
            "bandwidth": BANDWIDTH_HZ,
            "selected_subcarriers": np.arange(NUM_SUBCARRIERS),
        },
        num_paths=1000,
        doppler=doppler,
    )


def main(workdir, name, output):
    os.chdir(workdir)
    folder = Path("deepmimo_scenarios") / name
    ours = json.loads((folder / "params.json").read_text())["rtwin"]
    found = {}
    loaded = dm.load(name, max_paths=ours["max_paths"])
    scenes = loaded.datasets if isinstance(loaded, dm.DynamicDataset) else [loaded]
    dynamic = len(scenes) > 1
    for s, scene in enumerate(scenes):
        sets = scene.datasets if isinstance(scene, dm.MacroDataset) else [scene]
        for t, one in enumerate(sets):
            rotation = ours["tx_rotation_deg"][t]
            still = one.compute_channels(params(0, [4, 2], rotation), times=0.0)
            found[f"channel_{s}_{t}"] = still * np.sqrt(NUM_SUBCARRIERS)
            found[f"los_{s}_{t}"] = np.asarray(one.los)
            found[f"num_paths_{s}_{t}"] = np.asarray(one.num_paths)
            inside = folder / (f"scene_{s:06d}" if dynamic else "")
            doppler = np.load(inside / f"doppler_t000_tx{t:03d}_r001.npz")["doppler"]
            one.set_doppler(doppler[:, : one.max_paths])
            moved = one.compute_channels(params(1, [4, 2], rotation), times=np.array(TIMES_S))
            found[f"moved_{s}_{t}"] = moved * np.sqrt(NUM_SUBCARRIERS)
            found[f"num_objects_{s}_{t}"] = len(one.scene.objects)
    # DeepMIMO derives velocities from positions for one transmitter at a time only.
    for t in range(len(ours["tx_name"]) if dynamic else 0):
        alone = dm.load(name, max_paths=ours["max_paths"], tx_sets={0: [t]})
        alone.set_timestamps(list(ours["time_s"]))
        for s, one in enumerate(alone.datasets):
            found[f"rx_vel_{s}_{t}"] = np.asarray(one.rx_vel)
    np.savez(output, **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
