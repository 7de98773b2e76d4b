"""What the link layer of paths costs per second of a user, and what it says beside the simple one.

    python benchmarks/link_layer.py

Users walk at 1.2 m/s among 40 drawn paths from each of two transmitters; a row is 0.1 s. Processor
time of one core, least of three runs; rates are means over users, times and 10 to 20 dB of SINR.
"""

import time

import numpy as np

from rtwin.channel import AntennaArray, PathSet, planar_array_positions_m
from rtwin.link import LinkAdaptation
from rtwin.link.layer import FadedLink, Sounding, faded_link
from rtwin.units import from_db, to_db, wavelength_m

CARRIER_HZ = 3.5e9
USERS, ROWS, PATHS, CELLS = 10, 20, 40, 2
NOISE_W = 1e-12


def drawn(num_ports: int) -> PathSet:
    """Paths of all users and transmitters: exponential in power and delay."""
    rng = np.random.default_rng(1)
    links = USERS * CELLS
    power = rng.exponential(1.0, (links, PATHS))
    wanted_db = np.tile(np.stack([np.linspace(10, 20, USERS), np.full(USERS, -20.0)], 1), 1).ravel()
    power *= (NOISE_W * from_db(wanted_db) / power.sum(axis=1))[:, None]
    phase = np.exp(2j * np.pi * rng.random((links * PATHS, num_ports, num_ports)))
    a = np.sqrt(power.reshape(-1, 1, 1) / num_ports) * phase

    def angle() -> np.ndarray:
        return rng.uniform(-np.pi, np.pi, links * PATHS)

    return PathSet(
        num_paths=np.full(links, PATHS),
        a=a,
        delay_s=3e-7 + rng.exponential(1e-7, links * PATHS),
        aod_azimuth=angle(),
        aod_zenith=np.full(links * PATHS, np.pi / 2),
        aoa_azimuth=angle(),
        aoa_zenith=np.full(links * PATHS, np.pi / 2),
        doppler_hz=np.zeros(links * PATHS),
        interactions=np.ones((links * PATHS, 1), np.uint8),
        frequency_hz=CARRIER_HZ,
    )


def main() -> None:
    """Print the table."""
    link = np.broadcast_to(np.arange(USERS * CELLS).reshape(USERS, CELLS), (ROWS, USERS, CELLS))
    velocity = np.broadcast_to(np.array([1.2, 0.0, 0.0]), (ROWS, USERS, 3))
    panel = AntennaArray(planar_array_positions_m(2, 4, 0.5, 0.5, wavelength_m(CARRIER_HZ)))
    print("| carrier | antennas | effective SINR | ms per UE-second | Mbit/s | simple link |")
    print("|---|---|---|---|---|---|")
    for bandwidth_hz, ports, mapping in (
        (20e6, 1, "miesm"),
        (20e6, 1, "eesm"),
        (100e6, 1, "miesm"),
        (20e6, 2, "miesm"),
    ):
        carrier = LinkAdaptation(bandwidth_hz)
        paths = drawn(ports)
        arrays = (panel if ports == 2 else None,) * CELLS
        sounding = Sounding(paths, link, velocity, 0.1, arrays)
        spent = []
        for _ in range(3):
            start = time.process_time()
            found = faded_link(
                sounding,
                np.ones(CELLS),
                np.zeros((ROWS, CELLS)),
                NOISE_W,
                carrier,
                FadedLink(mapping),
            )
            spent.append(time.process_time() - start)
        rate = carrier.rate_mbps(found.spectral_efficiency[:, :, 0]).mean()
        mean_db = to_db(np.add.reduceat(paths.power, paths.offsets[:-1])[::CELLS] / NOISE_W)
        simple = carrier.rate_mbps(carrier.spectral_efficiency(carrier.cqi(mean_db))).mean()
        cost_ms = min(spent) / (USERS * ROWS * 0.1) * 1e3
        elements = "2x4 crossed, 2 ports" if ports == 2 else "one element each"
        print(
            f"| {bandwidth_hz / 1e6:g} MHz | {elements} | {mapping} | {cost_ms:.1f} "
            f"| {rate:.1f} | {simple:.1f} |"
        )


if __name__ == "__main__":
    main()
