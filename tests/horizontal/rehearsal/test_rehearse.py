"""Rehearsed edits are what tracing says, whole on the disk, and valid as long as they can be."""

import time
from dataclasses import replace

import numpy as np
import pytest

from rtwin.errors import OutOfRangeError, StoreError
from rtwin.horizontal import apply_edits, create_twin, open_twin, rehearse, trace_state
from rtwin.horizontal.edits import Edits
from rtwin.horizontal.levels import floored_db
from rtwin.horizontal.rehearsal import (
    KINDS,
    LIBRARY_FILE,
    Enumeration,
    Hypothesis,
    Library,
    library_of,
    read_library,
    rehearse_state,
    rows_of,
    simulate,
    write_library,
)


def test_an_entry_is_the_difference_of_two_traces(small_state, small_library):
    for entry in small_library.entries[::5]:
        edits = Edits(edit=entry.hypothesis.edits)
        after = trace_state(
            *apply_edits(edits, small_state.recipe, small_state.parts), small_state.grid
        )
        change = np.zeros(small_library.num_columns)
        change[entry.cell] = entry.gain_db
        rows = [
            after.tx_names.index(n) if n in after.tx_names else -1 for n in small_state.tx_names
        ]
        gain = after.maps["path_gain"]
        new = np.stack([gain[r] if r >= 0 else np.zeros_like(gain[0]) for r in rows])
        truth = (floored_db(new) - floored_db(small_state.maps["path_gain"])).ravel()
        assert np.abs(change - truth).max() < 0.11
        sight = np.zeros(small_library.num_columns)
        sight[entry.cell] = entry.sight
        clear = [m.maps["line_of_sight"].astype(int) for m in (small_state, after)]
        seen = np.stack([clear[1][r] if r >= 0 else 0 * clear[1][0] for r in rows])
        assert (sight == (seen - clear[0]).ravel()).all()


def test_kinds_take_turns_and_what_matters_most_comes_first(small_state, small_library):
    kinds = [entry.hypothesis.kind for entry in small_library.entries]
    assert len(set(kinds)) >= 5
    assert set(kinds) <= set(KINDS)
    first = Enumeration(small_state)
    assert first.ranked[0] in ("brick_box", "metal_box", "sheet")
    assert "ground" not in first.members
    drawn = [h for h, _ in zip(Enumeration(small_state, 1), range(60), strict=False)]
    again = [h for h, _ in zip(Enumeration(small_state, 1), range(60), strict=False)]
    assert [str(h) for h in drawn] == [str(h) for h in again]
    assert all(h.edits for h in drawn)


def test_what_nobody_hears_is_not_rehearsed(two_boxes):
    recipe = two_boxes(radio_map={"area": [-42, -42, 42, 42], "cell_size_m": 6.0})
    far = {"name": "far", "shape": "box", "material": "brick"}
    edits = Edits.model_validate(
        {
            "edit": [
                {"kind": "add_object", "object": far | {"center_m": [0, 900, 1], "size_m": [1] * 3}}
            ]
        }
    )
    state = trace_state(recipe)
    with_far = trace_state(*apply_edits(edits, state.recipe, state.parts))
    known = Enumeration(with_far)
    assert "far" in known.members
    assert "far" not in known.ranked
    assert set(known.ranked) == set(Enumeration(state).ranked)


def test_what_cannot_be_is_no_entry(small_state):
    inside = Hypothesis("tx_moved", "mast", (20.0, 12.0, -9.0))
    assert simulate(small_state, inside) is None
    assert simulate(small_state, Hypothesis("gone", "nobody")) is None


def test_a_file_gives_the_library_back(small_library, tmp_path):
    file = tmp_path / LIBRARY_FILE
    write_library(file, small_library)
    back = read_library(file)
    assert [e.hypothesis for e in back.entries] == [
        replace(e.hypothesis, detail=_plain(e.hypothesis.detail)) for e in small_library.entries
    ]
    assert np.abs((back.gain_db - small_library.gain_db).toarray()).max() < 0.05
    assert (back.sight != small_library.sight).nnz == 0
    np.testing.assert_allclose(
        back.at(rows_of(back.num_cells, np.array([1]), np.array([5]))),
        back.gain_db[:, [back.num_cells + 5]].toarray(),
    )
    whole = file.read_bytes()
    (tmp_path / "cut.h5").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(StoreError):
        read_library(tmp_path / "cut.h5")


def _plain(detail):
    return {k: list(v) if isinstance(v, tuple) else v for k, v in detail.items()}


def test_a_memory_budget_keeps_what_changes_most(small_library):
    few = small_library.pruned(small_library.num_bytes // 2)
    assert 0 < len(few) < len(small_library)
    assert few.num_bytes <= small_library.num_bytes // 2
    worth = [e.effect_db2 / e.num_bytes for e in small_library.entries]
    kept = [e.effect_db2 / e.num_bytes for e in few.entries]
    assert min(kept) >= np.median(worth) * 0.2
    assert small_library.pruned(10**9).entries == small_library.entries


def test_what_an_update_did_not_touch_stays(small_library):
    names, cells = small_library.tx_names, small_library.num_cells
    nothing = np.zeros((2, cells), bool)
    same = small_library.after_update("new", names, nothing, ["nobody"])
    assert len(same) == len(small_library)
    assert same.scene_hash == "new"
    one = small_library.entries[0]
    touched = nothing.copy()
    touched.ravel()[one.cell] = True
    left = small_library.after_update("new", names, touched, [])
    assert one not in left.entries
    named = small_library.after_update("new", names, nothing, ["brick_box"])
    assert all(e.hypothesis.subject != "brick_box" for e in named.entries)
    assert len(small_library.after_update("new", ("mast",), nothing[:1], [])) == 0


def test_a_stopped_run_goes_on(two_boxes, tmp_path):
    recipe = two_boxes(radio_map={"area": [-40, -40, 40, 40], "cell_size_m": 10.0})
    create_twin(recipe, tmp_path / "two.twin")
    first = rehearse(tmp_path / "two.twin", num_edits=4)
    more = rehearse(tmp_path / "two.twin", num_edits=7)
    assert [e.hypothesis for e in more.entries[:4]] == [
        replace(e.hypothesis, detail=_plain(e.hypothesis.detail)) for e in first.entries
    ]
    at_once = rehearse_state(open_twin(tmp_path / "two.twin").state(), 7)
    assert [str(e.hypothesis) for e in at_once.entries] == [str(e.hypothesis) for e in more.entries]
    found = library_of(tmp_path / "two.twin", open_twin(tmp_path / "two.twin").scene_hash)
    assert found is not None
    assert len(found) == 7
    assert library_of(tmp_path / "two.twin", "another") is None
    quick = rehearse(tmp_path / "two.twin", seconds=1e-3)
    assert len(quick) == 7


@pytest.mark.slow
def test_workers_give_the_same(two_boxes, tmp_path):
    recipe = two_boxes(radio_map={"area": [-40, -40, 40, 40], "cell_size_m": 10.0})
    create_twin(recipe, tmp_path / "two.twin")
    alone = rehearse_state(open_twin(tmp_path / "two.twin").state(), 6)
    shared = rehearse(tmp_path / "two.twin", num_edits=6, workers=2)
    for one, two in zip(alone.entries, shared.entries, strict=True):
        assert str(one.hypothesis) == str(two.hypothesis)
        np.testing.assert_array_equal(one.cell, two.cell)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [({}, "give edits or seconds"), ({"num_edits": 0}, "above 0"), ({"seconds": -1.0}, "above 0")],
)
def test_impossible_requests_get_one_line(wrong, said, tmp_path):
    with pytest.raises(OutOfRangeError, match=said):
        rehearse(tmp_path, **wrong)


def test_an_empty_library_says_nothing():
    empty = Library("hash", ("one",), 9)
    assert empty.at(np.array([3])).shape == (0, 1)
    assert empty.gain_db.shape == (0, 9)


@pytest.fixture(scope="module")
def drawn(small_state):
    return [each for each, _ in zip(Enumeration(small_state, 2), range(400), strict=False)]


def of_kind(drawn, kind):
    return [each for each in drawn if each.kind == kind]


def test_kinds_have_their_shares(drawn):
    """Of the endless kinds; the others end when there is no further object or angle."""
    counts = [len(of_kind(drawn, kind)) for kind in ("moved", "added", "tx_moved")]
    assert np.array(counts) / sum(counts) == pytest.approx(
        np.array([0.14, 0.22, 0.16]) / 0.52, abs=0.03
    )
    assert len(of_kind(drawn, "gone")) == 3
    first = [each.kind for each in drawn[:50]]
    shares = {"gone": 0.2, "material": 0.16, "added": 0.22}
    for kind, share in shares.items():
        assert first.index(kind) < 10, share
    assert first.index("tx_off") > 20


def test_masts_walk_two_to_eight_metres_all_round(drawn):
    walks = np.array([each.values for each in of_kind(drawn, "tx_moved")])
    far = np.hypot(walks[:, 0], walks[:, 1])
    assert set(np.round(far, 6)) == {2.0, 4.0, 8.0}
    assert 0.3 < walks[:, 2].std() < 0.7
    assert abs(np.exp(1j * np.arctan2(walks[:, 1], walks[:, 0])).mean()) < 0.15


def test_objects_move_a_little_more_or_less_than_that(drawn):
    moves = np.array([each.values for each in of_kind(drawn, "moved")])
    far = np.hypot(moves[:, 0], moves[:, 1])
    assert far.min() >= 0.7 * 2.0
    assert far.max() <= 1.4 * 8.0
    assert far.mean() == pytest.approx(1.05 * (2 + 4 + 8) / 3, rel=0.2)
    assert {each.subject for each in of_kind(drawn, "moved")} == {"brick_box", "metal_box", "sheet"}


def test_new_boxes_stand_in_the_ground(drawn, small_state):
    """As large as cars, buses, containers, pavilions and houses, a little more or less."""
    floor = {"metal": (1.6, 3.4, 3.0), "concrete": (8.0, 12.0, 18.0)}
    names = set()
    for each in of_kind(drawn, "added"):
        (table,) = each.tables
        box = table["object"]
        names.add(box["name"])
        x, y, yaw, scale = each.values
        assert 0.8 <= scale <= 1.3
        assert 0.0 <= yaw <= 180.0
        length, width, height = each.detail["size_m"]
        assert height in floor[box["material"]]
        assert box["size_m"] == pytest.approx([scale * length, scale * width, scale * height + 0.3])
        assert box["center_m"][:2] == [x, y]
        assert box["center_m"][2] - box["size_m"][2] / 2 == pytest.approx(-0.3, abs=1e-6)
        assert f"something of {scale * length:.1f} x {scale * width:.1f} x" in str(each)
    assert len(names) == len(of_kind(drawn, "added"))
    sizes = {each.detail["size_m"] for each in of_kind(drawn, "added")}
    assert sizes == {
        *((4.5, 1.9, 1.6), (10.0, 2.6, 3.4), (3.0, 3.0, 3.0)),
        *((8.0, 8.0, 8.0), (14.0, 10.0, 12.0), (20.0, 14.0, 18.0)),
    }


def test_materials_are_others_than_the_own(drawn, small_state):
    own = {part.name: part.material for part in small_state.parts.parts}
    changed = of_kind(drawn, "material")
    assert {each.detail["material"] for each in changed} >= {"metal", "concrete", "glass", "wood"}
    for each in changed:
        assert each.detail["material"] != own[each.subject]
        assert str(each) == f"'{each.subject}' is of {each.detail['material']}"


def test_time_to_spend_is_kept_to_and_what_is_done_is_saved(
    small_state, small_library, monkeypatch
):
    """By a clock that a simulated edit moves by ten seconds; what is done is saved by it, too."""
    clock = iter(np.arange(0.0, 1000.0, 10.0))
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    saved = []

    def simulated(hypotheses):
        return iter(small_library.entries)

    def run(seconds):
        found = rehearse_state(
            small_state, 16, seconds=seconds, run=simulated, save=lambda x: saved.append(len(x))
        )
        return len(found)

    assert run(65.0) == 6
    assert saved == [4]  # half a minute and a little
    assert run(np.inf) == 16
    assert run(-1.0) == 0
