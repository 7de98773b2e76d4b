"""Pairs are what they say, the same every time, and whole in their files."""

import json

import numpy as np
import pytest

from rtwin.errors import OutOfRangeError, StoreError
from rtwin.horizontal.learned.network.graph import candidates, is_changed, judged
from rtwin.horizontal.learned.pairs import files as module
from rtwin.horizontal.learned.pairs.draws import MIX, DrawnEdit, draw_edit
from rtwin.horizontal.learned.pairs.families import FAMILIES, procedural_recipe
from rtwin.horizontal.learned.pairs.files import (
    content_of,
    data_hash,
    ensure_pairs,
    make_scene_pairs,
    read_pairs,
    write_pairs,
)
from rtwin.horizontal.learned.pairs.observed import observe, segments_cross, statistics
from rtwin.horizontal.learned.pairs.scenes import training_scene
from rtwin.horizontal.learned.pairs.splits import split_scenes


def test_the_same_name_gives_the_same_pairs(office):
    again = make_scene_pairs(office.name, 2)
    assert again.stale.tobytes() == office.stale.tobytes()
    for one, two in zip(again.pairs, office.pairs, strict=False):
        assert one.edit == two.edit
        assert one.truth.tobytes() == two.truth.tobytes()
    assert content_of(again) != content_of(office)


def test_a_file_gives_the_pairs_back(street, tmp_path):
    file = tmp_path / "pairs.h5"
    write_pairs(file, street)
    back = read_pairs(file)
    assert content_of(back) == content_of(street)
    assert [p.kind for p in back.pairs] == [p.kind for p in street.pairs]
    assert back.object_names == street.object_names
    (tmp_path / "bad.h5").write_bytes(file.read_bytes()[:3000])
    with pytest.raises(StoreError):
        read_pairs(tmp_path / "bad.h5")


def test_what_is_there_is_not_made_again(office, tmp_path, monkeypatch):
    made = []

    def make(name, count, rungs=False):
        made.append(name)
        return office

    monkeypatch.setattr(module, "make_scene_pairs", make)
    wanted = [("rooms_901", 3), ("rooms_902", 3)]
    first = ensure_pairs(tmp_path, wanted)
    assert made == ["rooms_901", "rooms_902"]
    hashed = data_hash(first)
    (tmp_path / "rooms_902.h5").write_bytes(b"cut off")
    assert ensure_pairs(tmp_path, wanted) == first
    assert made == ["rooms_901", "rooms_902", "rooms_902"]
    assert data_hash(first) == hashed
    # Another request is another file.
    ensure_pairs(tmp_path, [("rooms_901", 4)])
    assert made[3:] == ["rooms_901"]


@pytest.fixture(scope="module")
def canyon():
    scene = training_scene("canyon_900")
    cells = np.array([[x, y, 1.5] for x in (-20.0, 0.0, 15.0) for y in (-3.0, 0.0, 3.0)])
    return scene, observe(scene.world, cells)


def pair_of(scene, before, drawn, monkeypatch):
    monkeypatch.setattr(module, "draw_edit", lambda *_: drawn)
    return module._pair(scene, before, np.random.default_rng(0), None)


def test_more_power_is_known_exactly(canyon, monkeypatch):
    scene, before = canyon
    table = {"kind": "set_transmitter", "transmitter": "tx", "power_dbm": 33.0}
    pair = pair_of(scene, before, DrawnEdit("feed", (table,), power_db=3.0), monkeypatch)
    np.testing.assert_allclose(pair.prior, pair.truth, atol=1e-6)
    on = before.statistics[:, 0] > -115
    np.testing.assert_allclose((pair.truth - before.statistics)[on, 0], 3.0, atol=1e-6)


def test_a_turned_antenna_is_known_from_stored_paths(canyon, monkeypatch):
    scene, before = canyon
    table = {
        "kind": "set_transmitter",
        "transmitter": "tx",
        "azimuth_deg": 70.0,
        "antenna": {"pattern": "tr38901", "polarization": "V"},
    }
    tilt = {"kind": "set_transmitter", "transmitter": "tx", "downtilt_deg": 30.0}
    turned = pair_of(scene, before, DrawnEdit("feed", (table | tilt,)), monkeypatch)
    scale = np.abs(turned.truth - before.statistics)[:, 0].max()
    assert scale > 1
    # The polarisation turns a little with the element: not part of the weights.
    assert np.abs(turned.prior - turned.truth)[:, 0].max() < 0.25 * scale


def test_nothing_happens_without_an_edit(canyon, monkeypatch):
    scene, before = canyon
    pair = pair_of(scene, before, DrawnEdit("null", ()), monkeypatch)
    np.testing.assert_array_equal(pair.truth, before.statistics)
    np.testing.assert_array_equal(pair.prior, before.statistics)


def test_weights_of_one_change_nothing(canyon):
    _, before = canyon
    np.testing.assert_allclose(
        before.weighted(np.ones(len(before.power))), before.statistics, rtol=1e-6, atol=1e-12
    )
    assert (before.share(np.ones(len(before.power)))[before.paths.num_paths > 0] > 0.999).all()


def test_shares_are_of_the_paths_that_touch(canyon):
    _, before = canyon
    table = before.objects
    alone = before.paths.interactions[:, 1] == 0
    touched = before.paths.interactions[:, 0] != 0
    # A cell's shares of objects, paths of one contact, add up to what is not direct.
    assert table.is_ground.sum() == 1
    assert (table.reflected <= 1 + 1e-9).all()
    assert (table.passed <= 1 + 1e-9).all()
    total = (table.reflected + table.passed).sum(axis=1)
    assert (total >= before.share(alone & touched) - 1e-9).all()


def test_candidates_hold_nearly_every_change(street, office):
    found = []
    for scene in (street, office):
        for pair in scene.pairs:
            changed = np.flatnonzero(judged(scene, pair) & is_changed(scene, pair))
            found.append(np.isin(changed, candidates(scene, pair)))
    assert np.concatenate(found).size > 50
    assert np.concatenate(found).mean() > 0.9


def test_statistics_have_a_floor(canyon):
    _, before = canyon
    none = statistics(before.path_set)
    assert none.shape == (9, 4)
    assert (none[:, 0] >= -120).all()
    assert np.isfinite(none).all()


def test_segments_meet_boxes():
    box = np.array([[1.0, -1, -1], [2, 1, 1]])
    start = np.zeros((4, 3))
    end = np.array([[3.0, 0, 0], [0.5, 0, 0], [3, 3, 0], [1, 0, 0]])
    assert segments_cross(start, end, box).tolist() == [True, False, False, False]


def test_splits_share_no_scene():
    splits = [set(split_scenes(s)) for s in ("train", "validate", "calibrate", "test")]
    assert len(set().union(*splits)) == sum(map(len, splits))
    kinds = [{name.rsplit("_", 1)[0] for name in s} for s in splits]
    assert not kinds[3] & (kinds[0] | kinds[1] | kinds[2])


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_families_give_recipes_by_seed(family):
    one, two, other = (procedural_recipe(family, seed) for seed in (4, 4, 5))
    assert one == two != other


def test_every_class_can_be_drawn(canyon):
    scene, before = canyon
    drawn = [draw_edit(scene, before, np.random.default_rng(k)) for k in range(40)]
    assert {d.kind for d in drawn} >= set(MIX) - {"door"}
    assert all(json.dumps(d.tables) for d in drawn)


def test_unknown_scenes_get_one_line():
    with pytest.raises(OutOfRangeError, match="did you mean 'canyon'"):
        training_scene("canion_3")
