"""In DeepMIMO's environment: convert AODT tables and write the channels of the scenario.

aodt_to_deepmimo.py WORKDIR TABLES OUTPUT: TABLES is a folder of Parquet files.
"""

import os
import sys

import deepmimo as dm
import numpy as np

NUM_SUBCARRIERS, BANDWIDTH_HZ = 64, 50e6


def main(workdir, tables, output):
    os.chdir(workdir)
    name = dm.convert(tables, scenario_name="tables", overwrite=True, vis_scene=False)
    loaded = dm.load(name, max_paths=100)
    found = {}
    sets = loaded.datasets if isinstance(loaded, dm.MacroDataset) else [loaded]
    for tx, one in enumerate(sets):
        channel = one.compute_channels(
            dm.ChannelParameters(
                bs_antenna={"shape": [1, 1]},
                ue_antenna={"shape": [1, 1]},
                ofdm={
                    "subcarriers": NUM_SUBCARRIERS,
                    "bandwidth": BANDWIDTH_HZ,
                    "selected_subcarriers": np.arange(NUM_SUBCARRIERS),
                },
                num_paths=100,
            )
        )
        found[f"channel_{tx}"] = channel[:, 0, 0] * np.sqrt(NUM_SUBCARRIERS)
        found[f"rx_pos_{tx}"] = np.asarray(one.rx_pos)
        found[f"inter_{tx}"] = np.asarray(one.inter)
    np.savez(output, **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
