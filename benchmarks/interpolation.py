"""How to interpolate a radio map: three ways against exact paths, in dB.

    python benchmarks/interpolation.py courtyard street_canyon munich

Receivers are placed at random and traced exactly; a radio map of the same scene
is read at their places. Links count that the map, whichever way it is read, and
the paths both know.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
from scipy.interpolate import RegularGridInterpolator

from rtwin.channel import has_line_of_sight, interpolate_path_gain, path_gain
from rtwin.dataset import RadioMap, generate, generate_radio_map, open_dataset, open_radio_map
from rtwin.scene import load_recipe
from rtwin.units import to_db


def exact(scene: str, receivers: int, folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Places [rx, 2], path gain and line of sight [rx, tx]."""
    recipe = load_recipe(scene, num_receivers=receivers, seed=5)
    with open_dataset(generate(recipe, folder / f"{scene}.h5")) as dataset:
        paths = dataset.paths()
        shape = (dataset.num_rx, dataset.num_tx)
        xy = dataset.read("rx_position_m")[:, :2]
        return xy, path_gain(paths).reshape(shape), has_line_of_sight(paths).reshape(shape)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("scenes", nargs="+")
    parser.add_argument("--receivers", type=int, default=1500)
    parser.add_argument("--rays", type=int, default=4_000_000)
    asked = parser.parse_args()
    print("| scene | cells | links | way | bias [dB] | RMSE [dB] | RMSE in line of sight [dB] |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        for scene in asked.scenes:
            xy, truth, sight = exact(scene, asked.receivers, Path(name))
            for cell_m in (2.0, 5.0):
                recipe = load_recipe(scene, cell_size_m=cell_m, map_rays=asked.rays)
                found = open_radio_map(
                    generate_radio_map(recipe, Path(name) / f"{scene}_{cell_m}.h5")
                )
                for way, gain in ways(found, xy).items():
                    both = (truth > 0) & np.all([g > 0 for g in ways(found, xy).values()], axis=0)
                    miss = to_db(gain[both]) - to_db(truth[both])
                    seen = miss[sight[both] > 0]
                    print(
                        f"| {scene} | {cell_m:g} m | {both.sum()} | {way} | {miss.mean():.2f} | "
                        f"{np.sqrt(np.mean(miss**2)):.2f} | {np.sqrt(np.mean(seen**2)):.2f} |"
                    )


def ways(radio_map: RadioMap, xy: np.ndarray) -> dict[str, np.ndarray]:
    """Path gain at places, [rx, tx], by each way of reading the map."""
    centers = radio_map.cell_centers_m
    x, y = centers[0, :, 0], centers[:, 0, 1]
    gain = radio_map.path_gain
    near = [
        np.clip(np.rint((xy[:, axis] - c[0]) / (c[1] - c[0])).astype(int), 0, len(c) - 1)
        for axis, c in ((1, y), (0, x))
    ]
    linear = [
        RegularGridInterpolator((y, x), one, bounds_error=False, fill_value=None)(xy[:, ::-1])
        for one in gain
    ]
    in_db, _ = interpolate_path_gain(gain, radio_map.path_gain_standard_error, x, y, xy)
    return {
        "nearest cell": gain[:, near[0], near[1]].T,
        "linear in power": np.stack(linear, axis=1),
        "linear in decibel": np.nan_to_num(in_db),
    }


if __name__ == "__main__":
    main()
