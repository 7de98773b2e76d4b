"""Random scenes against PathSolver: none of its paths is missing, whatever stands there.

A handful in every run, hundreds with `pytest -m slow`. Where edges diffract, PathSolver
adds leftovers to its distances and rtwin has a coefficient of its own: there the paths
without a diffraction are compared.

PathSolver's rays step a centimetre off each face, which turns a path by about that over its
shortest piece: in a gap of centimetres what goes straight through two panes bends by a degree.
Coefficients may differ by what such a turn does, of the wave that would come along the same way
through free space, so that paths near a null of an antenna or a reflection count for what they
are. tests/trace/fields/test_thin_gaps.py holds ours to the image method and a closed form.
"""

import numpy as np
import pytest

from rtwin.scene import recipe_from_dict
from rtwin.trace import Tracer, load_world, place

from ...tables import box, plane, wall

SOLIDS = ("concrete", "brick", "glass", "metal", "wood", "plasterboard")
STEP_M = 0.015  # of the peer: 9e-5 (1 + the largest coordinate)
GROUNDS = ("concrete", "medium_dry_ground", "wet_ground", "asphalt_concrete")


def random_scene(seed):
    """A recipe as a dict, by its number: plates, boxes, rooms, panes close to each other."""
    rng = np.random.default_rng(seed)
    pick = lambda options: options[rng.integers(len(options))]  # noqa: E731
    off = np.round(rng.choice([0.0, 0.0, 400.0, -900.0], 2), 1)
    objects = [plane(90.0, pick(GROUNDS), center_m=[*off, 0.0])]
    for n in range(rng.integers(1, 4)):
        size = np.round(rng.uniform(2, 12, 3), 2)
        place_m = np.round(rng.uniform(-25, 25, 2), 2) + off
        center = [*place_m, size[2] / 2 - 0.3]
        objects.append(
            box(f"box_{n}", center, list(size), pick(SOLIDS), yaw_deg=float(rng.uniform(0, 90)))
        )
    gap = float(pick([0.004, 0.012, 0.03, 0.3]))
    at = np.round(rng.uniform(-20, 20, 2), 2) + off
    turn = rng.uniform(0, np.pi)
    along = np.array([np.cos(turn), np.sin(turn)])
    across = np.array([-along[1], along[0]])
    for n in range(2):
        ends = [list(at + n * gap * across + s * 9.0 * along) for s in (-1, 1)]
        objects.append(wall(f"pane_{n}", ends, -0.2, 8.0, pick(SOLIDS)))
    if rng.random() < 0.3:
        objects.append(plane(30.0, pick(SOLIDS), name="roof", center_m=[*off, 14.0]))
    antenna = {
        "pattern": pick(["iso", "dipole", "hw_dipole", "tr38901"]),
        "polarization": pick(["V", "H", "VH", "cross"]),
    }
    bends = rng.random() < 0.25
    solver = {
        "max_depth": 2 if bends else int(rng.integers(1, 5)),
        "rays": 10_000,
        "refraction": bool(rng.random() < 0.7),
        "line_of_sight": bool(rng.random() < 0.9),
        "diffraction": bool(bends),
    }
    mast = {
        "name": "mast",
        "position_m": [*(np.round(rng.uniform(-20, 20, 2), 2) + off), 11.0],
        "azimuth_deg": float(rng.uniform(-180, 180)),
        "downtilt_deg": float(rng.uniform(0, 40)),
        "antenna": antenna,
    }
    low, high = off - 28, off + 28
    receivers = {
        "kind": "random",
        "count": 4,
        "area": [*low, *high],
        "antenna": {"polarization": pick(["V", "H", "VH"])},
    }
    return {
        "title": f"random {seed}",
        "frequency_hz": float(pick([1e9, 3.5e9, 6e9])),
        "seed": int(seed),
        "geometry": {"ground": ["ground"]},
        "object": objects,
        "transmitter": [mast],
        "receivers": receivers,
        "solver": solver,
    }


def check(compare, seed):
    data = random_scene(seed)
    solver = data["solver"]
    found = compare(
        recipe_from_dict(data),
        max_depth=solver["max_depth"],
        samples_per_src=solver["rays"],
        los=solver["line_of_sight"],
        refraction=solver["refraction"],
        diffraction=solver["diffraction"],
    )
    missing = [path for path in found.missing if 8 not in path.interactions]
    assert missing == [], f"seed {seed}"
    if not solver["diffraction"]:
        turn = np.minimum(STEP_M / found.shortest_m, 1.0)
        off = found.errors * found.strength / turn
        assert off.max(initial=0) < 0.15, f"seed {seed}"
        assert found.errors[turn > 0.1].max(initial=0) < 0.1, f"seed {seed}"
    return found.num_peer


def test_a_few_scenes(compare_with_sionna):
    assert sum(check(compare_with_sionna, seed) for seed in range(4)) > 20


@pytest.mark.slow
@pytest.mark.parametrize("block", range(20))
def test_hundreds_of_scenes(compare_with_sionna, block):
    seeds = range(1000 + 15 * block, 1015 + 15 * block)
    assert sum(check(compare_with_sionna, seed) for seed in seeds) > 50


@pytest.mark.parametrize("seed", [1, 3])
def test_a_kilometre_off_the_origin_nothing_changes(seed):
    data = random_scene(seed)
    data["solver"] |= {"diffraction": False, "max_depth": 3}
    data["receivers"] |= {"kind": "list", "keep_invalid": True}
    for key in ("count", "area"):
        data["receivers"].pop(key)
    near = np.array(data["object"][0]["center_m"][:2])
    rng = np.random.default_rng(seed)
    data["receivers"]["positions_m"] = [
        [*(near + np.round(rng.uniform(-28, 28, 2), 2)), 1.5] for _ in range(8)
    ]
    traced = []
    for shift in (np.zeros(2), np.array([1024.0, -2048.0])):
        moved = _moved(data, shift)
        world = load_world(recipe_from_dict(moved))
        traced.append(Tracer(world).trace(place(world)))
    one, other = traced
    np.testing.assert_array_equal(one.num_paths, other.num_paths)
    np.testing.assert_array_equal(one.interactions, other.interactions)
    off = np.abs(one.a - other.a).max(axis=(1, 2)) / np.abs(one.a).max(axis=(1, 2))
    assert np.median(off) < 1e-4
    assert np.quantile(off, 0.95) < 1e-3
    np.testing.assert_allclose(one.delay_s, other.delay_s, atol=1e-3 / 299792458.0)


def _moved(value, shift, key=""):
    """A recipe elsewhere: every point of the plane that it names is shifted."""
    if isinstance(value, dict):
        return {k: _moved(v, shift, k) for k, v in value.items()}
    if key == "positions_m":
        return [[*(np.array(p[:2]) + shift), p[2]] for p in value]
    if key in ("center_m", "position_m", "from_m", "to_m"):
        return [*(np.array(value[:2]) + shift), *value[2:]]
    if isinstance(value, list):
        return [_moved(item, shift) for item in value]
    return value
