"""A partial re-trace is the full trace of the new world, path by path."""

import functools

import numpy as np
import pytest

from rtwin.errors import OutOfRangeError
from rtwin.horizontal import retrace, trace_state
from rtwin.scene import load_recipe
from rtwin.trace import segments_meet

from ..worlds import TREE, blocks, compare, edited, random_edit

COARSE = {"cell_size_m": 8.0, "area": (-40.0, -40.0, 40.0, 40.0)}
BOX = {"kind": "move_object", "object": "brick_box", "by_m": [4, -2, 0], "yaw_deg": 30}
# What rounding leaves of nothing: spreads of one path, differences of two that agree.
LEAST = {"path_gain": 1e-30, "k_factor": 1e-30, "mean_delay_s": 1e-15, "rms_delay_spread_s": 1e-13}
FIELD_DB = -120.0  # of a path's field against its link's strongest: rounding is below it


@pytest.fixture(scope="module")
def twin_of(two_boxes):
    """Traced twins, each once: a dozen edits start from the same."""

    @functools.cache
    def make(name, **solver):
        if name == "blocks":
            recipe = blocks(7, **solver)
            rough = recipe.radio_map.model_copy(update=COARSE)
            return trace_state(recipe.model_copy(update={"radio_map": rough}))
        if name == "street_canyon":
            return trace_state(load_recipe(name, cell_size_m=5.0, **solver))
        return trace_state(
            two_boxes(
                radio_map=COARSE,
                solver=solver,
                object=[*two_boxes().model_dump(mode="json", exclude_none=True)["object"], TREE],
            )
        )

    return make


def check(old, *edits):
    """Both ways to the new state, compared; the partial one."""
    recipe, parts = edited(old, *edits)
    done = retrace(old, recipe, parts)
    full = trace_state(recipe, parts, old.grid)
    found = compare(done.state, full)
    assert found.num > 100
    assert (found.num_missing, found.num_extra) == (0, 0), found
    assert found.worst_db < FIELD_DB, found
    np.testing.assert_array_equal(done.state.is_inside, full.is_inside)
    for name, values in full.maps.items():
        if found.num_other_triangles == 0:
            least = LEAST.get(name, 1e-5)
            np.testing.assert_allclose(done.state.maps[name], values, rtol=1e-4, atol=least)
    return done, full, found


def stays(old, done):
    """Cells that were not touched hold the very bits of before."""
    for tx, name in enumerate(done.state.tx_names):
        if name not in old.tx_names:
            continue
        row, same = old.tx_names.index(name), ~done.is_touched[tx]
        for key, values in done.state.maps.items():
            before, after = old.maps[key][row][same], values[tx][same]
            assert before.tobytes() == after.tobytes()


@pytest.mark.parametrize(
    ("solver", "edit"),
    [
        ({"refraction": False}, BOX),
        ({}, {"kind": "remove_object", "object": "sheet"}),
        ({}, {"kind": "set_material", "object": "metal_box", "material": "wood"}),
        ({"diffraction": True, "edge_diffraction": True}, BOX),
        (
            {"diffraction": True, "edge_diffraction": True},
            {"kind": "move_object", "object": "sheet", "by_m": [0, -3, 0]},
        ),
        ({}, {"kind": "add_object", "object": TREE | {"name": "oak", "center_m": [5, 5, 4]}}),
        ({}, {"kind": "move_object", "object": "tree", "by_m": [-4, 4, 0]}),
        ({"diffuse_reflection": True, "diffuse_rays": 1000}, BOX),
    ],
)
def test_an_edited_object(twin_of, solver, edit):
    old = twin_of("two_boxes", **solver)
    done, _, _ = check(old, edit)
    stays(old, done)
    if not (solver.get("diffuse_reflection") or solver.get("diffraction")):
        assert not done.is_touched.all()


@pytest.mark.parametrize("seed", range(4))
def test_random_edits_one_after_the_other(twin_of, seed):
    """Chained: errors would add up."""
    rng, state = np.random.default_rng(seed), twin_of("blocks")
    recipe, parts = state.recipe, state.parts
    for _ in range(3):
        edit = random_edit(rng, recipe)
        try:
            recipe, parts = edited(state, edit)
        except ValueError:  # a third transmitter of the same name, an object that is gone
            continue
        done = retrace(state, recipe, parts)
        stays(state, done)
        state = done.state
    found = compare(state, trace_state(recipe, parts, state.grid))
    assert (found.num_missing, found.num_extra) == (0, 0), found
    assert found.worst_db < FIELD_DB


def test_few_pairs_are_walked(twin_of):
    """A car of a canyon: a thousandth of the pairs of chain and cell."""
    old = twin_of("street_canyon", refraction=False)
    done, full, _ = check(old, {"kind": "move_object", "object": "car_1", "by_m": [5, 1, 0]})
    assert done.how == ("partial",) * 3
    walked = sum(effort.num_pairs for effort in done.effort)
    cells = full.is_inside.size
    assert 0 < walked < 2e-3 * sum(len(trace.chains) * cells for trace in full.traces)
    assert done.is_touched.mean() < 0.2


def test_faces_that_lie_on_each_other(twin_of):
    """Floors of buildings lie on the ground: which of the two a wave passes is chance in both."""
    old = twin_of("street_canyon")
    recipe, parts = edited(old, {"kind": "remove_object", "object": "car_3"})
    full = trace_state(recipe, parts, old.grid)
    found = compare(retrace(old, recipe, parts).state, full)
    assert found.num_missing <= 1e-2 * found.num
    assert found.missing_share < 1e-3
    assert found.num_other_triangles < 0.1 * found.num


def test_reflections_alone_do_not_ask_the_materials(twin_of):
    """Without refraction and diffraction rays have one way to go on: no ray is shot."""
    old = twin_of("two_boxes", refraction=False)
    wood = {"kind": "set_material", "object": "metal_box", "material": "wood"}
    done, full, found = check(old, wood)
    assert done.how == ("evaluated", "evaluated")
    assert found.num_other_bits == 0
    np.testing.assert_array_equal(done.state.maps["path_gain"], full.maps["path_gain"])


@pytest.mark.parametrize(
    ("edit", "how"),
    [
        ({"kind": "set_transmitter", "transmitter": "mast", "power_dbm": 1.0}, ("kept", "kept")),
        (
            {
                "kind": "set_transmitter",
                "transmitter": "mast",
                "downtilt_deg": 9.0,
                "antenna": {"pattern": "tr38901"},
            },
            ("evaluated", "kept"),
        ),
        (
            {"kind": "move_transmitter", "transmitter": "pole", "by_m": [0, 1, 0]},
            ("kept", "traced"),
        ),
        (
            {"kind": "add_transmitter", "transmitter": {"name": "new", "position_m": [9, 9, 9]}},
            ("kept", "kept", "traced"),
        ),
        ({"kind": "remove_transmitter", "transmitter": "mast"}, ("kept",)),
    ],
)
def test_an_edited_transmitter(twin_of, edit, how):
    old = twin_of("two_boxes")
    done, full, found = check(old, edit)
    stays(old, done)
    assert done.how == how
    assert found.num_other_bits == 0
    for name, values in full.maps.items():
        np.testing.assert_array_equal(done.state.maps[name], values)


def test_there_and_back_is_the_same(twin_of):
    old = twin_of("two_boxes")
    back = BOX | {"by_m": [-4, 2, 0], "yaw_deg": 0}
    there = retrace(old, *edited(old, BOX | {"yaw_deg": 0})).state
    again = retrace(there, *edited(there, back)).state
    found = compare(again, old)
    # Corners are a rounding away from where they were: a few places count as others.
    assert found.num_missing == found.num_extra <= 3


def test_another_solver_needs_another_twin(twin_of):
    old = twin_of("two_boxes")
    recipe = old.recipe.model_copy(update={"seed": 5})
    with pytest.raises(OutOfRangeError, match="make a new twin"):
        retrace(old, recipe, old.parts)


def test_straight_pieces_meet_boxes():
    """Against points sampled along the pieces."""
    rng = np.random.default_rng(3)
    start, end = rng.uniform(-2, 2, (2, 500, 3))
    low, high = np.array([-1.0, -0.5, -0.7]), np.array([0.4, 1.0, 0.9])
    share = np.linspace(0, 1, 2001)[:, None, None]
    points = start + share * (end - start)
    sampled = ((points > low) & (points < high)).all(axis=-1).any(axis=0)
    met = segments_meet(start, end, low, high)
    assert not (sampled & ~met).any()
    assert (met & ~sampled).sum() <= 3  # touched at a corner, between two samples
    assert 50 < met.sum() < 450
    along = segments_meet(np.array([[0.0, -2, 0]]), np.array([[0.0, 2, 0]]), low, high)
    assert along.all()


@pytest.mark.slow
@pytest.mark.parametrize("solver", [{}, {"diffraction": True}, {"refraction": False}])
def test_many_random_edits(solver):
    """Sixty edits of a dozen scenes."""
    for seed in range(20, 24):
        rng, old = np.random.default_rng(seed), trace_state(blocks(seed, **solver))
        for _ in range(5):
            stays(old, check(old, random_edit(rng, old.recipe))[0])


@pytest.mark.slow
def test_munich():
    old = trace_state(load_recipe("munich"))
    names = [part.name for part in old.parts.parts if part.name not in old.recipe.geometry.ground]
    rng = np.random.default_rng(2)
    for name in rng.choice(names, 4, replace=False):
        done, _, _ = check(old, {"kind": "move_object", "object": str(name), "by_m": [3, 2, 0]})
        stays(old, done)
    check(old, {"kind": "remove_object", "object": str(rng.choice(names))})
