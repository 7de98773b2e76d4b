"""Time against recall: rtwin's tracer and Sionna's PathSolver in one process, on one scene.

    python benchmarks/path_solver.py [--receivers 1000] [--batch 100] [--peer-rays ...] [SCENE ...]
    python benchmarks/path_solver.py --everything [--receivers 200] [--max-depth 3] [SCENE ...]
    python benchmarks/path_solver.py --own [--everything] [SCENE ...]

One transmitter, reflections only. "First" is a first run with compilation, where
it is not in the cache; "warm" a second one. The reference is every path that any
run found, each once, and what rtwin finds with 1e7 rays. Recall counts paths,
energy recall weighs them by power. PathSolver takes the receivers in batches:
its receivers share a hash table, so the fewer at once the more it finds, and its
time per receiver is the same.

With --everything paths are refracted and diffracted once as well, rtwin's reference has
1e6 rays, and seconds are those of the processor. Powers of the reference are rtwin's where
it found a path: the engine's coefficient at edges is another.

With --own nothing but rtwin's seconds of processor time, best of five, at places that
are the same for every version of rtwin: for two versions one after the other.
"""

import argparse
import time
from pathlib import Path

import numpy as np

from rtwin.scene import load_recipe, recipe_dict, recipe_from_dict
from rtwin.trace import Tracer, load_world, place

OWN_RAYS = (1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000)
PEER_RAYS = (1_000, 10_000, 30_000, 100_000, 1_000_000)
REFERENCE_RAYS = 10_000_000
# With refraction and diffraction, where more rays cost much more.
EVERY_OWN_RAYS = (3_000, 10_000, 30_000, 100_000)
EVERY_PEER_RAYS = (10_000, 100_000)
EVERY_REFERENCE_RAYS = 1_000_000
LONG_S = 30.0  # runs that take longer are not repeated


def one_transmitter(scene, receivers, max_depth, rays, everything=False):
    """The scene's recipe with its first transmitter alone and isotropic antennas."""
    recipe = load_recipe(scene, num_receivers=receivers, max_depth=max_depth, rays=rays)
    data = recipe_dict(recipe)
    data["transmitter"] = data["transmitter"][:1]
    data["transmitter"][0]["antenna"] = {}
    data["receivers"].pop("antenna", None)
    data["solver"] |= {"refraction": everything, "diffraction": everything}
    if everything:
        data["solver"]["max_diffractions"] = 1  # as many as PathSolver knows
    return recipe_from_dict(data, recipe.name, recipe.folder)


def own_paths(tracer, receivers):
    """Key and power of each path of rtwin."""
    traced = tracer.trace(receivers)
    rx = np.repeat(np.arange(len(receivers)), traced.num_paths)
    return keys(rx, traced.interactions, traced.delay_s, traced.aoa_zenith), power(traced.a)


def peer_paths(world, receivers, rays, max_depth, batch, everything):
    """Key and power of each path of PathSolver, in batches of receivers."""
    rt, found = world.engine.rt, []
    solver = rt.PathSolver()
    for start in range(0, len(receivers), batch):
        for name in list(world.scene.receivers):
            world.scene.remove(name)
        for i, position in enumerate(receivers.position_m[start : start + batch]):
            world.scene.add(rt.Receiver(f"rx{i}", position.tolist()))
        paths = solver(
            world.scene,
            max_depth=max_depth,
            samples_per_src=rays,
            refraction=everything,
            diffraction=everything,
        )
        valid, tau = paths.valid.numpy()[:, 0], paths.tau.numpy()[:, 0]
        a = paths.a[0].numpy()[:, 0, 0, 0] + 1j * paths.a[1].numpy()[:, 0, 0, 0]
        rx, row = np.nonzero(valid)
        kind = paths.interactions.numpy()[:, :, 0][:, rx, row].T
        zenith = paths.theta_r.numpy()[:, 0][rx, row]
        found.append((keys(start + rx, kind, tau[rx, row], zenith), np.abs(a[rx, row]) ** 2))
    return tuple(np.concatenate(part) for part in zip(*found, strict=True))


def power(a):
    return np.abs(a[:, 0, 0]) ** 2


def keys(rx, kind, delay_s, zenith):
    """Rows that tell paths apart: receiver, interactions, length to 2 cm, zenith to 1 mrad."""
    rough = np.column_stack([delay_s * 299792458.0 / 0.02, zenith / 1e-3])
    return np.column_stack([rx, (kind != 0).sum(axis=1), rough])


def timed(run, clock=time.perf_counter):
    """First and second duration, and the result; a long run is not repeated."""
    start = clock()
    result = run()
    first = clock() - start
    if first > LONG_S:
        return first, first, result
    start = clock()
    result = run()
    return first, clock() - start, result


def found_in(reference, found):
    """Which reference paths are among the found ones; neighbours within the rounding count."""
    from scipy.spatial import cKDTree

    if not len(found):
        return np.zeros(len(reference), bool)
    scale = np.array([1e3, 1e3, 1.0, 1.0])  # receiver and depth must be equal
    distance, _ = cKDTree(found * scale).query(reference * scale, distance_upper_bound=3.0)
    return np.isfinite(distance)


def benchmark(scene, num_receivers, max_depth, peer_rays, batch, everything):
    runs = []
    clock = time.process_time if everything else time.perf_counter
    own = EVERY_OWN_RAYS if everything else OWN_RAYS
    most = EVERY_REFERENCE_RAYS if everything else REFERENCE_RAYS
    receivers = place(load_world(one_transmitter(scene, num_receivers, max_depth, 1000)))
    for rays in (*own, most):
        world = load_world(one_transmitter(scene, num_receivers, max_depth, rays, everything))

        def run(world=world):
            return own_paths(Tracer(world), receivers)

        runs.append(("rtwin", rays, *timed(run, clock)))
    rt = world.engine.rt
    world.scene.tx_array = world.scene.rx_array = rt.PlanarArray(
        num_rows=1, num_cols=1, pattern="iso", polarization="V"
    )
    tx = world.recipe.transmitter[0]
    world.scene.add(rt.Transmitter("tx", list(tx.position_m), orientation=list(tx.orientation_rad)))
    for rays in peer_rays:

        def run(rays=rays):
            return peer_paths(world, receivers, rays, max_depth, batch, everything)

        runs.append(("PathSolver", rays, *timed(run, clock)))

    every = np.concatenate([result[0] for *_, result in runs])
    weight = np.concatenate([result[1] for *_, result in runs])
    _, first = np.unique(np.round(every / [1, 1, 3, 3]), axis=0, return_index=True)
    reference, weight = every[first], weight[first]
    rows = []
    for name, rays, cold, warm, (found, _) in runs:
        hit = found_in(reference, found)
        rows.append((name, rays, cold, warm, hit.mean(), (weight * hit).sum() / weight.sum()))
    return rows


def own_seconds(scene, num_receivers, max_depth, everything):
    """Processor time of rtwin at fixed places on a grid, for every number of rays."""
    side = int(np.ceil(num_receivers**0.5))
    across = np.linspace(-150.0, 150.0, side)
    x, y = (axis.ravel()[:num_receivers] for axis in np.meshgrid(across, across))
    data = recipe_dict(one_transmitter(scene, 1, max_depth, 1000, everything))
    places = np.column_stack([x, y, np.full(num_receivers, 1.5)]).tolist()
    data["receivers"] = {"kind": "list", "keep_invalid": True, "positions_m": places}
    for rays in (100_000,) if everything else (10_000, 100_000, 1_000_000):
        data["solver"]["rays"] = rays
        world = load_world(recipe_from_dict(data, scene))
        receivers, best = place(world), np.inf
        for _ in range(3 if everything else 6):  # the first compiles
            start = time.process_time()
            traced = Tracer(world).trace(receivers)
            best = min(best, time.process_time() - start)
        print(f"{scene:14} {rays:8} rays  {len(traced.a):6} paths  {best:7.3f} s", flush=True)


def ratios(rows):
    """How much longer PathSolver takes at its best recall, and with its default rays.

    Against the quickest run of rtwin that finds as much: paths and energy, or energy alone.
    """
    peers = [row for row in rows if row[0] == "PathSolver"]
    default = max(peers, key=lambda row: row[1])
    for label, peer, paths in (
        ("best recall", max(peers, key=lambda row: row[4]), True),
        ("most rays", default, True),
        ("best energy recall alone", max(peers, key=lambda row: row[5]), False),
        ("most rays, energy recall alone", default, False),
    ):
        as_good = [r for r in rows if r[0] == "rtwin" and r[5] >= peer[5]]
        as_good = [r for r in as_good if not paths or r[4] >= peer[4]]
        if not as_good:
            continue
        own = min(as_good, key=lambda row: row[3])
        yield label, peer, own, peer[3] / own[3], peer[2] / own[2]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scenes", nargs="*", default=["munich", "etoile", "florence"])
    parser.add_argument("--receivers", type=int, default=1000)
    parser.add_argument("--max-depth", type=int, default=5)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--peer-rays", type=float, nargs="+")
    parser.add_argument("--everything", action="store_true")
    parser.add_argument("--own", action="store_true")
    options = parser.parse_args()
    if options.own:
        for scene in options.scenes:
            own_seconds(scene, options.receivers, options.max_depth, options.everything)
        return
    everything = options.everything
    peer_rays = options.peer_rays or (EVERY_PEER_RAYS if everything else PEER_RAYS)
    kinds = "with refraction and diffraction" if everything else "reflections only"
    print(
        f"{options.receivers} receivers, depth {options.max_depth}, {kinds}, "
        f"PathSolver in batches of {options.batch}\n"
    )
    print("| scene | tracer | rays | first s | warm s | ms per link | recall | energy recall |")
    print("|---|---|---|---|---|---|---|---|")
    told = []
    for scene in options.scenes:
        rows = benchmark(
            scene,
            options.receivers,
            options.max_depth,
            [int(rays) for rays in peer_rays],
            options.batch,
            everything,
        )
        for name, rays, cold, warm, recall, energy in rows:
            print(
                f"| {Path(scene).name} | {name} | {rays:.0e} | {cold:.2f} | {warm:.2f} "
                f"| {1e3 * warm / options.receivers:.3f} | {recall:.4f} | {energy:.4f} |",
                flush=True,
            )
        told += [(scene, *ratio) for ratio in ratios(rows)]
    print("\n| scene | against PathSolver's | s | recall | rtwin s | recall | warm | first |")
    print("|---|---|---|---|---|---|---|---|")
    for scene, label, peer, own, ratio, first in told:
        print(
            f"| {Path(scene).name} | {label}, {peer[1]:.0e} | {peer[3]:.2f} | {peer[4]:.4f} "
            f"| {own[3]:.3f} | {own[4]:.4f} | {ratio:.1f} | {first:.1f} |"
        )


if __name__ == "__main__":
    main()
