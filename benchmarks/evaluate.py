"""A fresh trace against the evaluation of stored paths, in one process.

    python benchmarks/evaluate.py [--receivers 1000] [--max-depth 5] [SCENE ...]

Warm: the best of five runs each, after one that compiles. The recipe's rays, and
1e6 rays, with the switches of the recipe. "Equal" is the largest relative
difference between the coefficients of both at a new frequency.
"""

import argparse
import time

import numpy as np

from rtwin.scene import load_recipe
from rtwin.trace import Tracer, evaluate_paths, load_world, place

NEW_FREQUENCY_HZ = 5e9


def best(run, times=5):
    run()
    durations = []
    for _ in range(times):
        start = time.perf_counter()
        result = run()
        durations.append(time.perf_counter() - start)
    return min(durations), result


def benchmark(scene, num_receivers, max_depth, rays):
    recipe = load_recipe(
        scene, num_receivers=num_receivers, max_depth=max_depth, rays=rays, refraction=False
    )
    world = load_world(recipe)
    receivers = place(world)
    stored = Tracer(world).trace(receivers)
    num_tx = len(recipe.transmitter)
    link = np.repeat(np.arange(len(stored.num_paths)), stored.num_paths)
    world = world.at_frequency(NEW_FREQUENCY_HZ)
    trace_s, fresh = best(lambda: Tracer(world).trace(receivers))
    evaluate_s, (a, *_) = best(
        lambda: evaluate_paths(
            world,
            receivers,
            link % num_tx,
            link // num_tx,
            stored.interactions,
            stored.triangle,
            stored.edge,
            stored.vertex_m,
        )
    )
    assert a.shape == fresh.a.shape
    scale = np.abs(fresh.a).max(axis=(1, 2), keepdims=True)
    error = np.divide(np.abs(a - fresh.a), scale, out=np.zeros(a.shape), where=scale > 0)
    return len(a), trace_s, evaluate_s, error.max()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scenes", nargs="*", default=["munich", "etoile", "florence"])
    parser.add_argument("--receivers", type=int, default=1000)
    parser.add_argument("--max-depth", type=int, default=5)
    options = parser.parse_args()
    print(f"{options.receivers} receivers, depth {options.max_depth}, reflections only\n")
    print("| scene | rays | paths | trace s | evaluate s | ratio | largest difference |")
    print("|---|---|---|---|---|---|---|")
    for scene in options.scenes:
        for rays in (100_000, 1_000_000):
            paths, trace_s, evaluate_s, error = benchmark(
                scene, options.receivers, options.max_depth, rays
            )
            print(
                f"| {scene} | {rays:.0e} | {paths} | {trace_s:.3f} | {evaluate_s:.4f} "
                f"| {trace_s / evaluate_s:.0f} | {error:.1e} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
