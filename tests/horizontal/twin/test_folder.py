"""Twins on disk: what is written is what was traced, once and whole, whatever happens."""

import hashlib
import json
import shutil
import signal
import subprocess
import sys
from dataclasses import fields

import h5py
import numpy as np
import pytest

from rtwin.dataset import file_info, open_radio_map, sample, validate_file
from rtwin.dataset.generation import pathmap
from rtwin.errors import EditError, OutOfRangeError, StoreError
from rtwin.files import is_temporary, temporary_beside
from rtwin.horizontal import (
    Note,
    append_snapshot,
    create_twin,
    edits_from_dict,
    history,
    open_twin,
    trace_state,
    update_twin,
    updating,
    write_snapshot_map,
)
from rtwin.scene import Walk, recipe_dict
from rtwin.trace import TransmitterTrace

from ...tables import toml
from ..worlds import compare

COARSE = {"cell_size_m": 8.0, "area": [-40, -40, 40, 40]}
MOVE = {"kind": "move_object", "object": "brick_box", "by_m": [4, -2, 0]}
POWER = {"kind": "set_transmitter", "transmitter": "mast", "power_dbm": 30.0}
POLE = {"kind": "move_transmitter", "transmitter": "pole", "by_m": [0, 2, 0]}


def edits(*tables):
    return edits_from_dict({"edit": list(tables)})


def digests(folder):
    files = sorted(folder.glob("*.h5"))
    return {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


@pytest.fixture(scope="module")
def recipe(two_boxes):
    return two_boxes(radio_map=COARSE, solver={"rays": 10_000, "max_depth": 2})


@pytest.fixture(scope="module")
def built(recipe, tmp_path_factory):
    folder = tmp_path_factory.mktemp("twins") / "first.twin"
    create_twin(recipe, folder, uncertainty_db=5.0)
    return folder


@pytest.fixture(scope="module")
def updated(built, tmp_path_factory):
    """Three updates; what the files were after each."""
    folder = tmp_path_factory.mktemp("twins") / "kept.twin"
    shutil.copytree(built, folder)
    seen = [digests(folder)]
    for table in (MOVE, POWER, POLE):
        update_twin(folder, edits(table))
        seen.append(digests(folder))
    return folder, seen


@pytest.fixture
def twin(built, tmp_path):
    """A twin of one's own."""
    return shutil.copytree(built, tmp_path / "own.twin")


def test_first_build(built, recipe):
    snapshot, traced = open_twin(built), trace_state(recipe)
    assert (snapshot.number, snapshot.parent, snapshot.news) == (0, "", "first build")
    assert (snapshot.decision == 2).all()
    assert (snapshot.traced_snapshot == 0).all()
    assert (snapshot.uncertainty_db == 5.0).all()
    state = snapshot.state()
    assert state.recipe == traced.recipe
    _assert_same_paths(state, traced)
    np.testing.assert_array_equal(state.is_inside, traced.is_inside)
    np.testing.assert_array_equal(state.grid.centers_m, traced.grid.centers_m)


def _assert_same_paths(state, other):
    for name, values in other.maps.items():
        np.testing.assert_array_equal(state.maps[name], values)
    for one, two in zip(state.traces, other.traces, strict=True):
        for name in (field.name for field in fields(TransmitterTrace) if field.name != "chains"):
            np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
            assert getattr(one, name).dtype == getattr(two, name).dtype
        for name in ("parent", "length", "triangle", "edge"):
            np.testing.assert_array_equal(getattr(one.chains, name), getattr(two.chains, name))


KILLED_BUILD = """
import json, os, signal, sys
from rtwin.horizontal import create_twin
from rtwin.dataset.generation import pathmap
from rtwin.scene import recipe_from_dict

pathmap.default_shard_size = lambda _: 40

def progress(stage, done, total):
    if done >= 3:
        os.kill(os.getpid(), signal.SIGKILL)

create_twin(recipe_from_dict(json.loads(sys.argv[1]), "boxes"), sys.argv[2], progress=progress)
"""


def test_a_killed_build_goes_on(recipe, built, tmp_path, monkeypatch):
    """Two workers do what one had not done, and the paths are the same to the bit."""
    monkeypatch.setattr(pathmap, "default_shard_size", lambda _: 40)  # of 100 cells
    folder, shards = tmp_path / "k.twin", tmp_path / "k.twin.parts"
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_BUILD, json.dumps(recipe_dict(recipe)), folder], check=False
    )
    assert killed.returncode == -signal.SIGKILL
    kept = list(shards.glob("shard-??????.h5"))
    assert len(kept) == 1
    steps = []
    create_twin(recipe, folder, workers=2, progress=lambda stage, done, total: steps.append(done))
    assert steps == [2, 4, 6]
    assert not shards.exists()
    assert [p.name for p in folder.glob("*.h5")] == ["000000.h5"]
    _assert_same_paths(open_twin(folder).state(), open_twin(built).state())


def test_updates_append_and_rewrite_nothing(updated):
    folder, seen = updated
    for number, before in enumerate(seen[:-1]):
        assert len(before) == number + 1
        assert before.items() <= seen[number + 1].items()
    rows = history(folder)
    assert [row["snapshot"] for row in rows] == [0, 1, 2, 3]
    assert [row["news"] for row in rows[1:]] == [
        "move object brick_box",
        "set transmitter mast",
        "move transmitter pole",
    ]
    assert rows[1]["decisions"] == {"mast": "re-trace", "pole": "re-trace"}
    assert rows[2]["decisions"] == {"mast": "preserve", "pole": "preserve"}
    assert rows[3]["decisions"] == {"mast": "preserve", "pole": "re-trace"}
    assert 0 < rows[1]["share_changed"] < 1
    newest = open_twin(folder)
    dark = int((newest.radio_map.path_gain[:, ~newest.is_inside] <= 0).sum())
    assert rows[-1]["dark"].startswith(f"{dark} of " if dark else "")
    assert bool(rows[-1]["dark"]) == bool(dark)
    for row, file in zip(rows, sorted(folder.glob("*.h5")), strict=True):
        assert row["content_hash"] == file_info(file)["content_hash"]
        assert validate_file(file) == []


def test_snapshots_know_which_paths_and_cells_are_old(updated):
    folder, _ = updated
    power, last = open_twin(folder, 2), open_twin(folder)
    assert last.number == 3
    with h5py.File(last.file) as h5:
        assert h5["path_snapshot"][...].tolist() == [1, 3]
        assert h5["kept_tx"].asstr()[...].tolist() == ["pole"]
    with h5py.File(power.file) as h5:
        assert len(h5["path_a"]) == 0
    assert set(np.unique(power.traced_snapshot)) == {0, 1}
    assert (last.traced_snapshot[1] == 3).all()
    np.testing.assert_array_equal(last.traced_snapshot[0], power.traced_snapshot[0])
    assert power.radio_map.tx_power_dbm[0] == 30.0
    assert "moved by 2 m" in last.tx_reason[1]


def test_any_snapshot_can_be_gone_on_from(updated):
    """The last state, read back, is the full trace of the last world."""
    state = open_twin(updated[0]).state()
    full = trace_state(state.recipe, state.parts, state.grid)
    found = compare(state, full)
    assert (found.num_missing, found.num_extra) == (0, 0)
    assert found.worst_db < -120
    np.testing.assert_allclose(state.maps["path_gain"], full.maps["path_gain"], rtol=1e-5)
    assert open_twin(updated[0], 1).state().scene_hash == full.scene_hash


def test_a_twin_is_a_radio_map(updated, tmp_path):
    folder, _ = updated
    newest, last = open_radio_map(folder), open_twin(folder)
    np.testing.assert_array_equal(newest.path_gain, last.maps["path_gain"])
    file = write_snapshot_map(folder, tmp_path / "first.h5", 0)
    assert validate_file(file) == []
    np.testing.assert_array_equal(
        open_radio_map(file).path_gain, open_twin(folder, 0).maps["path_gain"]
    )
    assert write_snapshot_map(folder, file, 0) == file
    with pytest.raises(StoreError, match="something else"):
        write_snapshot_map(folder, file, 1)
    with pytest.raises(OutOfRangeError, match="has 0 to 3"):
        open_twin(folder, 7)


KILLED = """
import os, signal, sys
from rtwin.horizontal import edits_from_dict, update_twin
os.replace = lambda *names: os.kill(os.getpid(), signal.SIGKILL)
update_twin(sys.argv[1], edits_from_dict({"edit": [
    {"kind": "move_object", "object": "brick_box", "by_m": [4, -2, 0]}]}))
"""


def test_a_killed_update_leaves_the_last_snapshot(twin):
    before = digests(twin)
    run = subprocess.run([sys.executable, "-c", KILLED, twin], capture_output=True, text=True)
    assert run.returncode == -9, run.stderr
    left = [file for file in twin.iterdir() if is_temporary(file)]
    assert len(left) == 1  # written, but never put in place
    left[0].write_bytes(left[0].read_bytes()[:1000])
    assert digests(twin) == before
    assert open_twin(twin).number == 0
    assert len(history(twin)) == 1
    assert update_twin(twin, edits(POWER)).number == 1
    assert not left[0].exists()


def test_an_update_that_was_in_place_is_not_applied_twice(twin, tmp_path):
    """Whoever was killed before it could say so gives the same command again."""
    made = update_twin(twin, edits(MOVE))
    before = digests(twin)
    same = tmp_path / "same.toml"
    same.write_text(f"# Written in another way.\n{toml(edits(MOVE).model_dump(mode='json'))}")
    assert update_twin(twin, same).content_hash == made.content_hash
    assert digests(twin) == before
    assert update_twin(twin, edits(MOVE), again=True).number == 2
    # Only the newest counts: there and back and there again are three changes.
    back = MOVE | {"by_m": [-4, 2, 0]}
    numbers = [update_twin(twin, edits(table)).number for table in (back, MOVE)]
    assert numbers == [3, 4]


def test_a_finished_twin_is_left_alone(twin, recipe, two_boxes):
    before = digests(twin)
    assert create_twin(recipe, twin, uncertainty_db=5.0).number == 0
    update_twin(twin, edits(POWER))
    assert create_twin(recipe, twin, uncertainty_db=5.0).number == 0
    assert digests(twin).items() > before.items()
    for other in ({"uncertainty_db": 4.0}, {"recipe": two_boxes(radio_map=COARSE)}):
        with pytest.raises(StoreError, match="holds another twin; choose another name"):
            create_twin(**{"recipe": recipe, "folder": twin, "uncertainty_db": 5.0, **other})


def test_a_twin_killed_in_its_first_file_begins_anew(recipe, tmp_path):
    folder = tmp_path / "new.twin"
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.getpid", lambda: ended.pid)
        half = temporary_beside(folder / "000000.h5")
    folder.mkdir()
    half.write_text("half")
    (folder / "lock").touch()
    assert create_twin(recipe, folder).number == 0
    assert sorted(p.name for p in folder.iterdir()) == ["000000.h5", "lock"]


def test_one_writer_at_a_time(twin):
    with updating(twin) as newest:
        assert newest.number == 0
        with pytest.raises(StoreError, match="another rtwin is writing it"):
            update_twin(twin, edits(POWER))
    assert update_twin(twin, edits(POWER)).number == 1


def test_what_is_traced_again_forgets_what_was_measured(twin):
    with updating(twin) as parent:
        state = parent.state()
        known = Note(
            news="measured",
            decision=np.full(parent.decision.shape, 1, np.uint8),
            tx_decision=[1, 1],
            tx_reason=["measured"] * 2,
            tx_seconds=[0.0, 0.0],
            uncertainty_db=np.full(parent.decision.shape, 1.5),
            seconds=0.0,
            full_s=1.0,
        )
        append_snapshot(parent, state, state, known)
    after = update_twin(twin, edits(MOVE))
    again = after.decision == 2
    assert 0 < again.mean() < 1
    assert (after.uncertainty_db[again] == 5.0).all()
    assert (after.uncertainty_db[~again] == 1.5).all()
    assert (after.traced_snapshot[~again] == 1).all()


def test_impossible_edits_leave_nothing(twin):
    before = digests(twin)
    with pytest.raises(EditError, match="no object 'brickbox'; did you mean 'brick_box'"):
        update_twin(twin, edits(MOVE | {"object": "brickbox"}))
    assert digests(twin) == before


def test_folders_that_are_no_twins(recipe, tmp_path):
    with pytest.raises(StoreError, match="no such twin"):
        open_twin(tmp_path / "none.twin")
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "letter.txt").write_text("dear")
    with pytest.raises(StoreError, match="without snapshots"):
        open_twin(tmp_path / "letters")
    with pytest.raises(StoreError, match="not empty"):
        create_twin(recipe, tmp_path / "letters")
    with pytest.raises(OutOfRangeError, match="above 0"):
        create_twin(recipe, tmp_path / "new", uncertainty_db=0)


def cut_off(file):
    file.write_bytes(file.read_bytes()[:20_000])


def no_snapshot(file):
    file.unlink()
    with h5py.File(file, "w") as h5:
        h5.attrs["format"], h5.attrs["format_version"] = "rtwin-radiomap", 1


def wild_triangle(file):
    with h5py.File(file, "r+") as h5:
        h5["path_triangle"][0, 0] = 10**6


def wild_receiver(file):
    with h5py.File(file, "r+") as h5:
        h5["path_receiver"][3] = 10**6


def wild_count(file):
    with h5py.File(file, "r+") as h5:
        h5["kept_num_paths"][0] = 10**12


def huge_header(file):
    """A variable of a terabyte of zeros that takes no room on the disk."""
    with h5py.File(file, "r+") as h5:
        del h5["decision"]
        h5.create_dataset(
            "decision", shape=(10**6, 10**3, 10**3), dtype="u1", chunks=(1, 1000, 1000)
        )


def other_scene(file):
    with h5py.File(file, "r+") as h5:
        h5.attrs["scene_hash"] = "0" * 64


@pytest.mark.parametrize(
    ("harm", "line"),
    [
        (cut_off, "cut off or damaged"),
        (no_snapshot, "is missing"),
        (wild_triangle, "point to what is not there"),
        (wild_receiver, "point to what is not there"),
        (wild_count, "holds no whole paths of 'mast'"),
        (huge_header, "impossible size"),
        (other_scene, "another scene"),
    ],
)
def test_broken_and_foreign_files(twin, harm, line):
    harm(twin / "000000.h5")
    with pytest.raises(StoreError, match=line) as caught:
        open_twin(twin).state()
    assert "\n" not in str(caught.value)


def test_a_missing_link(updated, tmp_path):
    folder = shutil.copytree(updated[0], tmp_path / "holes.twin")
    (folder / "000001.h5").unlink()
    with pytest.raises(StoreError, match="no such file"):
        open_twin(folder).state()  # the mast's paths were there
    with pytest.raises(StoreError, match="a file is missing"):
        history(folder)


def test_the_newest_map_is_sampled(built, tmp_path):
    twin = open_twin(built)
    walk = Walk(num_ues=2, duration_s=2.0, interval_s=0.5)
    trace = sample(twin.folder, "random-waypoint", tmp_path / "walks.h5", walk=walk)
    newest = sample(twin.file, "random-waypoint", tmp_path / "again.h5", walk=walk)
    np.testing.assert_array_equal(trace.serving_tx, newest.serving_tx)
    assert (trace.serving_tx >= 0).any()
