"""Faces close behind each other: the image method says which paths there are and how long.

Sionna's PathSolver refuses pieces of paths below a centimetre, so it is the peer only
where a path crosses the gap at a slant.
"""

import itertools

import numpy as np
import pytest

from rtwin.channel import complex_permittivity, slab_reflection_transmission
from rtwin.scene import recipe_from_dict
from rtwin.trace import Tracer, load_world, place
from rtwin.units import SPEED_OF_LIGHT_M_S, wavelength_m

from ...tables import wall

GAPS_M = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05)
FRONT_M = 5.0
TX, RX = np.array([-4.0, 0.0, 0.3]), np.array([3.0, 1.0, -0.2])


def sheets(offsets_m, *, off_m=0.0, material="glass", depth=5):
    """Parallel sheets in front of a transmitter and a receiver, perhaps far from the origin."""
    ends = lambda y: [[off_m - 20, y], [off_m + 20, y]]  # noqa: E731
    shift = np.array([off_m, 0.0, 0.0])
    return recipe_from_dict(
        {
            "title": "sheets",
            "frequency_hz": 3.5e9,
            "object": [
                wall(f"sheet_{n}", ends(FRONT_M + y), -10.0, 20.0, material)
                for n, y in enumerate(offsets_m)
            ],
            "transmitter": [{"name": "tx", "position_m": list(TX + shift)}],
            "receivers": {
                "kind": "list",
                "keep_invalid": True,
                "positions_m": [list(RX + shift), list(RX + shift + [0, 8.0, 0])],
            },
            "solver": {"max_depth": depth, "rays": 50_000},
        }
    )


def images(offsets_m, receiver_m, depth):
    """Kinds and lengths of all paths between parallel sheets, by unfolding, sorted."""
    planes = [FRONT_M + y for y in offsets_m]
    found = []
    # A path is a walk over the gaps: from sheet to sheet it goes on or turns round.
    for kinds in itertools.chain.from_iterable(
        itertools.product((1, 4), repeat=n) for n in range(depth + 1)
    ):
        y, next_plane, up, way = TX[1], 0, True, 0.0
        for kind in kinds:
            if not 0 <= next_plane < len(planes):
                break
            way += abs(planes[next_plane] - y)
            y = planes[next_plane]
            up = up if kind == 4 else not up
            next_plane += 1 if up else -1
        else:
            behind = receiver_m[1] > planes[-1]
            arrives = next_plane == len(planes) and up if behind else next_plane < 0 or not kinds
            if arrives:
                way += abs(receiver_m[1] - y)
                along = np.hypot(*(receiver_m - TX)[[0, 2]])
                found.append((kinds, float(np.hypot(along, way))))
    return sorted(found)


@pytest.mark.parametrize("off_m", [0.0, 300.0, 1000.0])
@pytest.mark.parametrize("gap_m", GAPS_M)
def test_every_image_between_two_sheets_is_found(gap_m, off_m):
    recipe = sheets([0.0, gap_m], off_m=off_m)
    world = load_world(recipe)
    traced = Tracer(world).trace(place(world))
    first = traced.num_paths[0]
    for rows, receiver in ((slice(0, first), RX), (slice(first, None), RX + np.array([0, 8.0, 0]))):
        kinds = [tuple(int(k) for k in row if k) for row in traced.interactions[rows]]
        lengths = traced.delay_s[rows] * SPEED_OF_LIGHT_M_S
        expected = images([0.0, gap_m], receiver, depth=5)
        assert sorted(kinds) == [kind for kind, _ in expected]
        of_kind = dict(zip(kinds, lengths, strict=True))
        for kind, length in expected:
            assert of_kind[kind] == pytest.approx(length, abs=2e-5 + 1e-7 * off_m)


def test_double_glazing():
    """Two panes as closed boxes, 4 mm thick and 12 mm apart: four faces in 2 cm."""
    offsets = [0.0, 0.004, 0.016, 0.020]
    recipe = sheets(offsets, depth=9)
    world = load_world(recipe)
    traced = Tracer(world).trace(place(world))
    kinds = sorted(
        tuple(int(k) for k in row if k) for row in traced.interactions[: traced.num_paths[0]]
    )
    once = [()] + [(4,) * n + (1,) + (4,) * n for n in range(4)]
    assert set(once) <= set(kinds)
    single = [row for row in kinds if row.count(1) <= 1]
    assert sorted(single) == sorted(once)  # each once


def test_foil_behind_plasterboard_reflects():
    """What metal a centimetre behind a board sends back, through the board and back again."""
    data = sheets([0.0, 0.01], material="plasterboard").model_dump(mode="json", exclude_none=True)
    data["object"][1]["material"] = "metal"
    data["materials"] = {"plasterboard": {"thickness_m": 0.0125}}
    data["transmitter"][0]["position_m"][2] = data["receivers"]["positions_m"][0][2] = 0.0
    world = load_world(recipe_from_dict(data))
    traced = Tracer(world).trace(place(world))
    kinds = [tuple(int(k) for k in row if k) for row in traced.interactions]
    row = kinds.index((4, 1, 4))
    length = traced.delay_s[row] * SPEED_OF_LIGHT_M_S
    angle = np.arccos((2 * (FRONT_M + 0.01) - TX[1] - RX[1]) / length)
    eta = complex_permittivity(2.73, 0.0085 * 3.5**0.9395, 3.5e9)
    through = slab_reflection_transmission(angle, eta, 0.0125, 3.5e9).transmission_te
    expected = np.abs(through) ** 2 * wavelength_m(3.5e9) / (4 * np.pi * length)
    assert np.abs(traced.a[row, 0, 0]) == pytest.approx(expected, rel=2e-3)


def test_a_road_a_centimetre_over_the_ground():
    ground = {
        "material": "wet_ground",
        "shape": "plane",
        "center_m": [0, 0, 0],
        "size_m": [200, 200],
        "name": "ground",
    }
    road = {**ground, "name": "road", "material": "asphalt_concrete", "center_m": [0, 0, 0.01]}
    recipe = recipe_from_dict(
        {
            "title": "road",
            "frequency_hz": 3.5e9,
            "object": [ground, road],
            "transmitter": [{"name": "tx", "position_m": [-40, 0, 10]}],
            "receivers": {"kind": "list", "positions_m": [[40, 0, 1.5]]},
            "solver": {"max_depth": 3, "rays": 50_000},
        }
    )
    world = load_world(recipe)
    traced = Tracer(world).trace(place(world))
    kinds = sorted(tuple(int(k) for k in row if k) for row in traced.interactions)
    assert kinds == [(), (1,), (4, 1, 4)]


def test_the_peer_finds_no_more(compare_with_sionna):
    """At a slant the pieces in the gap are long enough for PathSolver."""
    data = sheets([0.0, 0.015]).model_dump(mode="json", exclude_none=True)
    data["transmitter"][0]["position_m"] = [-8.0, 3.0, 0.3]
    data["receivers"]["positions_m"] = [[8.0, 3.5, -0.2], [8.0, 7.0, -0.2]]
    recipe = recipe_from_dict(data)
    found = compare_with_sionna(recipe, max_depth=5, samples_per_src=50_000)
    assert found.num_peer > 4
    assert found.missing == []
    assert found.errors.max() < 2e-3
