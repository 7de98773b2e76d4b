"""In the environment of CRRM and AIMM: system simulators on the gains of a loss table.

system_gains.py LOSS.csv DEVICES.json OUTPUT.json
"""

import contextlib
import csv
import io
import json
import sys

import AIMM_simulator
import CRRM
import numpy as np


def loss_table(file, num_tx, num_rx):
    """Loss [dB], [rx, tx]."""
    loss = np.full((num_rx, num_tx), np.inf)
    with open(file, newline="") as handle:
        for row in csv.DictReader(handle):
            loss[int(row["rx"]) - num_tx, int(row["tx"])] = float(row["loss_db"])
    return loss


def nearest(places, wanted):
    return np.linalg.norm(places - np.asarray(wanted)[..., None, :], axis=-1).argmin(axis=-1)


def crrm(loss, devices):
    gain = 10 ** (-loss / 10)
    tx_m, rx_m = np.array(devices["tx_m"]), np.array(devices["rx_m"])
    with contextlib.redirect_stdout(io.StringIO()):
        simulator = CRRM.Simulator(
            CRRM.Parameters(
                cell_locations=tx_m,
                ue_initial_locations=rx_m,
                n_ues=len(rx_m),
                fc_GHz=devices["frequency_hz"] / 1e9,
                bw_MHz=20.0,
                p_W=10 ** ((devices["tx_power_dbm"] - 30) / 10),
            )
        )

    def path_gain(d2d, d3d, ue_xyz, cell_xyz):
        return gain[nearest(rx_m, ue_xyz)][:, nearest(tx_m, cell_xyz[:])]

    simulator.g.pathgain_function = path_gain
    simulator.g.antenna_gain = None  # it would add 8 dB; ours are in the gains
    simulator.update()
    return {
        "rsrp_w": np.asarray(simulator.rsrp.data)[..., 0].tolist(),
        "sinr": np.asarray(simulator.sinr.data)[:, 0].tolist(),
        "noise_w": float(simulator.params.noise_power),
        "throughput_mbps": np.asarray(simulator.tp.data)[:, 0].tolist(),
    }


def aimm(loss, devices):
    tx_m, rx_m = np.array(devices["tx_m"]), np.array(devices["rx_m"])

    def path_loss_db(cell_xyz, ue_xyz):
        """Ray-traced."""
        return loss[nearest(rx_m, ue_xyz), nearest(tx_m, cell_xyz[:])]

    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        sim = AIMM_simulator.Sim()
        for place in tx_m:
            sim.make_cell(xyz=place, power_dBm=devices["tx_power_dbm"], MIMO_gain_dB=0.0)
        for place in rx_m:
            ue = sim.make_UE(xyz=place, pathloss_model=path_loss_db)
            ue.attach_to_nearest_cell()
        sim.add_loggers([])
        sim.run(until=3)
        rsrp = [[cell.get_rsrp(ue.i) for cell in sim.cells] for ue in sim.UEs]
    return {
        "rsrp_dbm": np.array(rsrp, float).tolist(),
        "serving": [ue.get_serving_cell_i() for ue in sim.UEs],
        "sinr_db": [float(np.atleast_1d(ue.get_SINR_dB())[0]) for ue in sim.UEs],
        "noise_dbm": sim.UEs[0].noise_power_dBm,
    }


def main(loss_file, devices_file, output):
    with open(devices_file) as file:
        devices = json.load(file)
    loss = loss_table(loss_file, len(devices["tx_m"]), len(devices["rx_m"]))
    with open(output, "w") as file:
        json.dump({"crrm": crrm(loss, devices), "aimm": aimm(loss, devices)}, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
