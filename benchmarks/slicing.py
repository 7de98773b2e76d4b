"""Cost of a sliced network: milliseconds of one core per second of one user.

    python benchmarks/slicing.py

Users, cells and slots as the columns say; six services, made-up channels that
wander, proportional fair, epochs of 100 ms. The fastest of several runs counts,
since other work on the machine only ever adds time.
"""

import argparse
import time

import numpy as np
from numpy.typing import NDArray

from rtwin.dataset import LinkTrace, make_link_trace
from rtwin.experiments import SimulatorSettings, SlicedNetwork, make_slices
from rtwin.link import LinkAdaptation

TOGETHER = 20  # policies that decide for the same users, each for itself
USERS = {"short_video": 20, "vr": 10, "holographic": 5, "embb": 10, "urllc": 10, "mmtc": 5}


def wandering(num_cells: int, num_steps: int) -> LinkTrace:
    """A trace of 60 users whose gains wander."""
    rng = np.random.default_rng(0)
    shape = (num_steps, sum(USERS.values()), num_cells)
    gain: NDArray[np.float64] = 10.0 ** (
        np.cumsum(rng.normal(0, 0.02, shape), axis=0) + rng.uniform(-12, -8, shape[1:])
    )
    columns = {
        "tx_name": tuple(f"tx_{i}" for i in range(num_cells)),
        "tx_position_m": np.zeros((num_cells, 3)),
        "tx_orientation_rad": np.zeros((num_cells, 3)),
        "tx_velocity_m_s": np.zeros((num_cells, 3)),
        "tx_power_dbm": np.full(num_cells, 40.0),
    }
    return make_link_trace(
        columns,
        0.1 * np.arange(num_steps, dtype=np.float64),
        tuple(f"ue_{i}" for i in range(shape[1])),
        np.zeros((*shape[:2], 3)),
        np.minimum(gain, 1.0),
        noise_power_w=1e-13,
        adaptation=LinkAdaptation(100e6),
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--repeats", type=int, default=7)
    asked = parser.parse_args()
    print(f"| users | cells | slot | ms per UE-second | of {TOGETHER} runs side by side |")
    print("|---|---|---|---|---|")
    for num_cells in (2, 7):
        trace = wandering(num_cells, round(asked.seconds / 0.1))
        for slot_s in (1e-3, 2e-3):
            network = SlicedNetwork(trace, make_slices(USERS), SimulatorSettings(slot_s=slot_s))
            blocks = np.full((num_cells, len(USERS)), network.num_prb // len(USERS))
            costs = []
            for copies in (1, TOGETHER):
                best = np.inf
                for _ in range(asked.repeats):
                    network.reset(1, copies=copies)
                    start = time.process_time()
                    while not network.is_over:
                        network.step_together([blocks] * copies)
                    best = min(best, time.process_time() - start)
                costs.append(best / asked.seconds / network.num_ues / copies * 1e3)
            figures = " | ".join(f"{cost:.2f}" for cost in costs)
            print(f"| {network.num_ues} | {num_cells} | {slot_s * 1e3:g} ms | {figures} |")


if __name__ == "__main__":
    main()
