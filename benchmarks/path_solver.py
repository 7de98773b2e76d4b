"""Time against recall: rtwin's tracer and Sionna's PathSolver in one process, on one scene.

    python benchmarks/path_solver.py [--receivers 1000] [--max-depth 5] [--default-rays] [SCENE ...]

One transmitter, reflections only, warm (second of two runs; compilation apart).
The reference is every path that any run found, each once. Recall counts paths,
energy recall weighs them by power. `--default-rays` adds PathSolver's default of
1e6 rays, which takes minutes.
"""

import argparse
import time

import numpy as np

from rtwin.scene import load_recipe, recipe_dict, recipe_from_dict
from rtwin.trace import Tracer, load_world, place

OWN_RAYS = (3_000, 10_000, 30_000, 100_000, 1_000_000)
PEER_RAYS = (1_000, 10_000, 30_000, 100_000)


def one_transmitter(scene, receivers, max_depth, rays):
    """The scene's recipe with its first transmitter alone and isotropic antennas."""
    data = recipe_dict(load_recipe(scene, num_receivers=receivers, max_depth=max_depth, rays=rays))
    data["transmitter"] = data["transmitter"][:1]
    data["transmitter"][0]["antenna"] = {}
    data["receivers"].pop("antenna", None)
    data["solver"] |= {"refraction": False}
    return recipe_from_dict(data, scene)


def own_paths(tracer, receivers):
    """Key and power of each path of rtwin."""
    traced = tracer.trace(receivers)
    rx = np.repeat(np.arange(len(receivers)), traced.num_paths)
    return keys(rx, traced.interactions, traced.delay_s, traced.aoa_zenith), power(traced.a)


def peer_paths(world, receivers, rays, max_depth):
    """Key and power of each path of PathSolver, for the receivers in the scene."""
    paths = world.engine.rt.PathSolver()(
        world.scene, max_depth=max_depth, samples_per_src=rays, refraction=False
    )
    valid, tau = paths.valid.numpy()[:, 0], paths.tau.numpy()[:, 0]
    a = paths.a[0].numpy()[:, 0, 0, 0] + 1j * paths.a[1].numpy()[:, 0, 0, 0]
    rx, row = np.nonzero(valid)
    kind = paths.interactions.numpy()[:, :, 0][:, rx, row].T
    zenith = paths.theta_r.numpy()[:, 0][rx, row]
    return keys(rx, kind, tau[rx, row], zenith), np.abs(a[rx, row]) ** 2


def power(a):
    return np.abs(a[:, 0, 0]) ** 2


def keys(rx, kind, delay_s, zenith):
    """Rows that tell paths apart: receiver, interactions, length to 2 cm, zenith to 1 mrad."""
    rough = np.column_stack([delay_s * 299792458.0 / 0.02, zenith / 1e-3])
    return np.column_stack([rx, (kind != 0).sum(axis=1), rough])


def timed(run):
    """First and second duration, and the second result."""
    start = time.perf_counter()
    run()
    middle = time.perf_counter()
    result = run()
    return middle - start, time.perf_counter() - middle, result


def found_in(reference, found):
    """Which reference paths are among the found ones; neighbours within the rounding count."""
    from scipy.spatial import cKDTree

    if not len(found):
        return np.zeros(len(reference), bool)
    scale = np.array([1e3, 1e3, 1.0, 1.0])  # receiver and depth must be equal
    distance, _ = cKDTree(found * scale).query(reference * scale, distance_upper_bound=3.0)
    return np.isfinite(distance)


def benchmark(scene, num_receivers, max_depth, default_rays):
    runs = []
    world = load_world(one_transmitter(scene, num_receivers, max_depth, OWN_RAYS[-1]))
    receivers = place(world)
    for rays in OWN_RAYS:
        own = load_world(one_transmitter(scene, num_receivers, max_depth, rays))

        def run(own=own):
            tracer = Tracer(own)
            return own_paths(tracer, receivers)

        runs.append(("rtwin", rays, *timed(run)))
    rt = world.engine.rt
    world.scene.tx_array = world.scene.rx_array = rt.PlanarArray(
        num_rows=1, num_cols=1, pattern="iso", polarization="V"
    )
    tx = world.recipe.transmitter[0]
    world.scene.add(rt.Transmitter("tx", list(tx.position_m), orientation=list(tx.orientation_rad)))
    for i, position in enumerate(receivers.position_m):
        world.scene.add(rt.Receiver(f"rx{i}", position.tolist()))
    for rays in (*PEER_RAYS, *([1_000_000] if default_rays else [])):

        def run(rays=rays):
            return peer_paths(world, receivers, rays, max_depth)

        runs.append(("PathSolver", rays, *timed(run)))

    every = np.concatenate([result[0] for *_, result in runs])
    weight = np.concatenate([result[1] for *_, result in runs])
    _, first = np.unique(np.round(every / [1, 1, 3, 3]), axis=0, return_index=True)
    reference, weight = every[first], weight[first]
    rows = []
    for name, rays, cold, warm, (found, _) in runs:
        hit = found_in(reference, found)
        rows.append((name, rays, cold, warm, hit.mean(), (weight * hit).sum() / weight.sum()))
    return rows, len(reference)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scenes", nargs="*", default=["munich", "etoile", "florence"])
    parser.add_argument("--receivers", type=int, default=1000)
    parser.add_argument("--max-depth", type=int, default=5)
    parser.add_argument("--default-rays", action="store_true")
    options = parser.parse_args()
    print(f"{options.receivers} receivers, depth {options.max_depth}, reflections only\n")
    print("| scene | tracer | rays | first s | warm s | recall | energy recall |")
    print("|---|---|---|---|---|---|---|")
    for scene in options.scenes:
        rows, _ = benchmark(scene, options.receivers, options.max_depth, options.default_rays)
        for name, rays, cold, warm, recall, energy in rows:
            print(
                f"| {scene} | {name} | {rays:.0e} | {cold:.2f} | {warm:.2f} "
                f"| {recall:.4f} | {energy:.4f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
