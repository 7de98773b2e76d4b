"""In the environment of CRRM and AIMM: system simulators that ask a radio map.

system_map.py MAP.h5 PACKAGES OUTPUT.json, where PACKAGES holds what rtwin itself needs
"""

import contextlib
import io
import json
import sys
from pathlib import Path

import AIMM_simulator
import CRRM
import numpy as np

POWER_DBM = 44.0


def crrm(radio_map, function, users):
    with contextlib.redirect_stdout(io.StringIO()):
        simulator = CRRM.Simulator(
            CRRM.Parameters(
                cell_locations=radio_map.tx_position_m,
                ue_initial_locations=users,
                n_ues=len(users),
                fc_GHz=3.5,
                bw_MHz=20.0,
                p_W=10 ** ((POWER_DBM - 30) / 10),
            )
        )
    simulator.g.pathgain_function = function
    simulator.g.antenna_gain = None
    # All are where the first was, and then go to their places; CRRM knows of one move at a time.
    everybody = list(range(len(users)))
    for indices, places in (
        (everybody, np.tile(users[0], (len(users), 1))),
        (everybody[1:3], users[1:3]),
        (everybody[3:], users[3:]),
    ):
        simulator.set_ue_locations(indices, places)
        simulator.update()
    return np.asarray(simulator.rsrp.data)[..., 0].tolist()


def aimm(radio_map, function, users):
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        sim = AIMM_simulator.Sim()
        for place in radio_map.tx_position_m:
            sim.make_cell(xyz=place, power_dBm=POWER_DBM, MIMO_gain_dB=0.0)
        for place in users:
            sim.make_UE(xyz=place, pathloss_model=function).attach_to_nearest_cell()
        sim.add_loggers([])
        sim.run(until=3)
        rsrp = [[cell.get_rsrp(ue.i) for cell in sim.cells] for ue in sim.UEs]
    return np.array(rsrp, float).tolist()


def main(map_file, packages, output):
    sys.path[:0] = [str(Path(__file__).parents[3])]
    sys.path.append(packages)
    from rtwin.dataset import open_radio_map
    from rtwin.export import RadioMapGains

    radio_map = open_radio_map(map_file)
    gains = RadioMapGains(radio_map)
    low, high = radio_map.cell_centers_m[0, 0], radio_map.cell_centers_m[-1, -1]
    users = low + np.random.default_rng(1).random((12, 3)) * (high - low)
    power_w = 10 ** ((POWER_DBM - 30) / 10)
    gain = np.nan_to_num(radio_map.path_gain_at(users[:, :2])[0])
    found = {
        "wanted_w": (power_w * gain).tolist(),
        "crrm_w": crrm(radio_map, gains.crrm, users),
        "aimm_dbm": aimm(radio_map, gains.aimm, users),
    }
    with open(output, "w") as file:
        json.dump(found, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
