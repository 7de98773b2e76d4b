"""Vegetation on traced paths: closed forms, and the same from stored paths."""

import numpy as np
import pytest

from rtwin.channel import InteractionType
from rtwin.dataset import (
    evaluate,
    file_info,
    generate,
    generate_radio_map,
    open_dataset,
    open_radio_map,
    validate_file,
)
from rtwin.scene import foliage
from rtwin.trace import Tracer, load_world, place
from rtwin.units import to_db

from ...tables import plane

GROUND = plane([200, 100])
WOOD = {
    "name": "wood",
    "material": "vegetation",
    "shape": "extrude",
    "base_m": 0.0,
    "height_m": 20.0,
    "footprint": [[20, -40], [50, -40], [50, 40], [20, 40]],
}
RECEIVERS = {"kind": "list", "positions_m": [[-60, 5, 2], [80, 0, 10], [35, 0, 10], [80, 0, 40]]}
PLACE = {"name": "mast", "position_m": [0, 0, 10]}


@pytest.fixture
def forest(two_boxes):
    def make(*more, wood=True, **changes):
        items = [GROUND, *([WOOD] if wood else []), *more]
        return two_boxes(
            **{"object": items, "transmitter": [PLACE], "receivers": RECEIVERS, **changes}
        )

    return make


def trace(recipe):
    world = load_world(recipe)
    return Tracer(world).trace(place(world))


def direct(traced):
    return (traced.interactions == 0).all(axis=1)


def test_direct_path_loses_by_its_way_inside(forest):
    """Before the wood, through all of it, half of it, and over it."""
    with_wood, without = trace(forest()), trace(forest(wood=False))
    rows, bare = direct(with_wood), direct(without)
    leaves = foliage("vegetation", None, 3.5e9)
    # The last one climbs from 10 m to 40 m over 80 m, and leaves the wood at 20 m, after 26.7 m.
    inside = np.array([0.0, 30.0, 15.0, (80 / 3 - 20) * np.hypot(80, 30) / 80])
    expected = leaves.loss_db(inside)
    assert with_wood.vegetation_loss_db[rows] == pytest.approx(expected, abs=1e-3)
    ratio = np.abs(with_wood.a[rows, 0, 0] / without.a[bare, 0, 0]) ** 2
    assert -to_db(ratio) == pytest.approx(expected, abs=1e-3)
    assert (without.vegetation_loss_db == 0).all()


def test_wood_neither_reflects_nor_blocks(forest):
    with_wood, without = trace(forest()), trace(forest(wood=False))
    assert np.array_equal(with_wood.interactions, without.interactions)
    assert np.array_equal(with_wood.vertex_m, without.vertex_m, equal_nan=True)
    assert np.allclose(np.angle(with_wood.a), np.angle(without.a), atol=1e-6)


def test_reflected_path_adds_up_its_pieces(forest):
    """Off the ground half-way, both pieces in the wood: the length of the unfolded path."""
    traced = trace(forest())
    rows = traced.interactions[:, 0] == InteractionType.SPECULAR
    link = np.repeat(np.arange(4), traced.num_paths)
    row = np.flatnonzero(rows & (link == 1))[0]
    inside = 30.0 * np.hypot(80, 20) / 80
    expected = foliage("vegetation", None, 3.5e9).loss_db(inside)
    assert traced.vegetation_loss_db[row] == pytest.approx(expected, abs=1e-3)


def test_receivers_may_stand_in_a_wood(forest):
    assert len(place(load_world(forest()))) == 4


def test_hashes(forest):
    bare, wood = load_world(forest(wood=False)), load_world(forest())
    other = load_world(forest({**WOOD, "name": "b", "base_m": 1.0}))
    assert len({w.geometry_hash for w in (bare, wood, other)}) == 3
    dense = {"vegetation": {"specific_attenuation_db_per_m": 2.0, "max_attenuation_db": 50.0}}
    denser = load_world(forest(materials=dense))
    assert denser.geometry_hash == wood.geometry_hash
    assert denser.scene_hash != wood.scene_hash


def test_evaluated_like_a_fresh_trace(forest, tmp_path):
    """Another frequency and other leaves from stored paths, to the bit."""
    generate(forest(), tmp_path / "a.h5")
    table = (
        "[materials.vegetation]\nspecific_attenuation_db_per_m = 0.1\nmax_attenuation_db = 9.0\n"
    )
    (tmp_path / "m.toml").write_text(table)
    evaluate(tmp_path / "a.h5", tmp_path / "b.h5", frequency_hz=2e9, materials=tmp_path / "m.toml")
    leaves = {"vegetation": {"specific_attenuation_db_per_m": 0.1, "max_attenuation_db": 9.0}}
    generate(forest(frequency_hz=2e9, materials=leaves), tmp_path / "c.h5")
    with open_dataset(tmp_path / "b.h5") as b, open_dataset(tmp_path / "c.h5") as c:
        for name in ("a", "vegetation_loss_db", "doppler_hz"):
            assert np.array_equal(b.read(name), c.read(name)), name
        assert b.read("vegetation_loss_db").max() < 9.0
    assert validate_file(tmp_path / "a.h5") == validate_file(tmp_path / "b.h5") == []


def test_another_wood_is_another_geometry(forest, tmp_path):
    generate(forest(), tmp_path / "a.h5")
    generate(forest({**WOOD, "name": "b"}), tmp_path / "b.h5")
    one, two = (file_info(tmp_path / f"{n}.h5") for n in "ab")
    assert one["scene_hash"] != two["scene_hash"]
    # The second wood lies on the first: no path runs further inside.
    with open_dataset(tmp_path / "a.h5") as a, open_dataset(tmp_path / "b.h5") as b:
        assert np.array_equal(a.read("a"), b.read("a"))


def test_radio_map_says_that_it_does_not_know(forest, tmp_path):
    generate_radio_map(forest(radio_map={"rays": 10_000}), tmp_path / "m.h5")
    assert any(
        "does not know the scene's vegetation" in r for r in file_info(tmp_path / "m.h5")["remarks"]
    )
    generate_radio_map(forest(wood=False, radio_map={"rays": 10_000}), tmp_path / "n.h5")
    assert not any("vegetation" in remark for remark in file_info(tmp_path / "n.h5")["remarks"])


def test_radio_map_of_paths_knows(forest, tmp_path):
    """Cells behind the wood get less than without it, by what a path through it loses."""
    area = {"area": [60.0, -5.0, 70.0, 5.0], "cell_size_m": 5.0, "height_m": 9.0}
    solver = {"max_depth": 0}
    gain = []
    for name, wood in (("a", True), ("b", False)):
        recipe = forest(wood=wood, radio_map=area, solver=solver)
        file = generate_radio_map(recipe, tmp_path / f"{name}.h5", method="paths")
        assert not file_info(file)["remarks"]
        gain.append(open_radio_map(file).path_gain)
    loss = -to_db(gain[0] / gain[1])
    assert loss == pytest.approx(
        np.full((1, 2, 2), foliage("vegetation", None, 3.5e9).loss_db(30.0)), abs=0.05
    )
