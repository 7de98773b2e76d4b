"""Links that diffraction reaches and what it costs, and closed forms of edges.

    python benchmarks/diffraction.py [SCENE ...] [--receivers N]

Of each scene: links without a path, paths and seconds with 0, 1, 2, 3 diffractions, traced
warm (a first trace of a few receivers compiles the kernels), and the share of receivers
that no transmitter reaches.
"""

import argparse
import time

import numpy as np

from rtwin.channel import knife_edge_loss_db, knife_edge_nu, knife_edges
from rtwin.scene import load_recipe, recipe_dict, recipe_from_dict
from rtwin.trace import Tracer, load_world, place
from rtwin.units import to_db

CITIES = ("munich", "etoile", "florence", "san_francisco")


def city(name: str, receivers: int) -> None:
    """One line per number of diffractions."""
    for most in (0, 1, 2, 3):
        data = recipe_dict(load_recipe(name, num_receivers=receivers))
        data["solver"] |= {"diffraction": most > 0, "max_diffractions": most}
        recipe = recipe_from_dict(data, name)
        world = load_world(recipe)
        if most:
            len(world.triangles.edges)
        placed = place(world)
        Tracer(world).trace(placed)
        start, used = time.perf_counter(), time.process_time()
        traced = Tracer(world).trace(placed)
        seconds, used = time.perf_counter() - start, time.process_time() - used
        dark = (traced.num_paths == 0).reshape(len(placed), -1)
        print(
            f"{name:14} {most}  {dark.mean():6.1%} links dark  {dark.all(axis=1).mean():6.1%} "
            f"receivers dark  {len(traced.a):7} paths  {seconds:6.1f} s  {used:6.1f} s of CPU",
            flush=True,
        )


def closed_forms() -> None:
    """The integral over screens against what has a closed form."""
    wavelength = 299792458.0 / 3.5e9
    nu = knife_edge_nu(1.0, 5.05, 5.05, 3.5e9)
    print(f"one edge 1 m above ends 5.05 m away: {float(knife_edge_loss_db(nu)):.2f} dB", end="")
    step, bend = np.hypot(5.05, 1.0), 2 * np.sin(np.arctan2(1.0, 5.05))
    found = knife_edges([[step, step]], [[bend]], wavelength)[0]
    print(f", by the integral {-2 * float(to_db(abs(found))):.2f} dB")
    for count in (2, 3, 10):
        found = knife_edges(np.full((1, count + 1), 50.0), np.zeros((1, count)), wavelength)[0]
        exact = 2 * float(to_db(count + 1))
        print(
            f"{count} equal screens: {-2 * float(to_db(abs(found))):.3f} dB, exact {exact:.3f} dB"
        )
    for angle in (0.004, 0.008, 0.012):
        way, bends = np.full((1, 61), 40.0), np.zeros((1, 60))
        way[0, 0], bends[0, 0] = 200e3, -angle
        found = abs(knife_edges(way, bends, wavelength)[0])
        settled = 2.35 * (angle * np.sqrt(40.0 / wavelength)) ** 0.9
        print(
            f"60 roofs at {angle} rad: {-2 * float(to_db(found)):.2f} dB, "
            f"Walfisch and Bertoni {-2 * float(to_db(settled)):.2f} dB"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scenes", nargs="*", default=CITIES)
    parser.add_argument("--receivers", type=int, default=300)
    options = parser.parse_args()
    closed_forms()
    for name in options.scenes:
        city(name, options.receivers)


if __name__ == "__main__":
    main()
