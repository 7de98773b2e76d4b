"""What a stale twin lacks: the objects that change the map the most."""

import numpy as np
import pytest

from rtwin.dataset import generate_radio_map, open_radio_map
from rtwin.errors import OutOfRangeError
from rtwin.experiments import stale
from rtwin.experiments.stale import map_change_db, map_without, objects_that_tell, touched_power
from rtwin.experiments.worlds import without_objects
from rtwin.scene import with_overrides
from rtwin.units import to_db


@pytest.fixture(scope="module")
def few(two_boxes):
    return with_overrides(two_boxes(), map_rays=20_000)


def test_the_map_without_an_object_is_that_of_the_scene_without_it(few, tmp_path):
    generate_radio_map(few, tmp_path / "less.h5", without=("brick_box",))
    less = open_radio_map(tmp_path / "less.h5")
    wanted = map_without(few, ("brick_box",), tmp_path / "own.h5")
    both = (less.path_gain > 0) & (wanted.path_gain > 0)
    assert (both == (less.path_gain > 0)).mean() > 0.97
    # Rays of their own each: what differs is their noise.
    away_db = np.abs(to_db(less.path_gain[both]) - to_db(wanted.path_gain[both]))
    assert np.median(away_db) < 0.5
    whole = open_radio_map(generate_radio_map(few, tmp_path / "whole.h5"))
    assert map_change_db(less, wanted) < 0.3 * map_change_db(whole, wanted)
    assert len(without_objects(few, ("brick_box",)).object) == len(few.object) - 1


@pytest.mark.parametrize("name", ["brick_bux", "ground"])
def test_what_cannot_be_left_out(few, name, tmp_path):
    with pytest.raises(OutOfRangeError, match=f"no object '{name}' that can be left out"):
        generate_radio_map(few, tmp_path / "less.h5", without=(name,))
    assert not (tmp_path / "less.h5").exists()


def test_the_objects_that_change_the_map_the_most_are_taken(few, tmp_path, monkeypatch):
    monkeypatch.setattr(stale, "RECEIVERS", 40)
    monkeypatch.setattr(stale, "MAP_RAYS", 20_000)
    touched = touched_power(few, tmp_path)
    assert "ground" not in touched
    assert set(touched) <= {"brick_box", "metal_box", "sheet"}
    assert list(touched.values()) == sorted(touched.values(), reverse=True)
    taken = objects_that_tell(few, tmp_path)
    assert 1 <= len(taken) <= 2
    whole = open_radio_map(tmp_path / "whole.h5")
    changes = {
        name: map_change_db(whole, map_without(few, (name,), tmp_path / "one.h5"))
        for name in touched
    }
    assert taken[0] == max(changes, key=changes.__getitem__)
    assert map_change_db(whole, whole) == 0.0
