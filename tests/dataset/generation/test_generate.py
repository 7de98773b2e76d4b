"""Datasets are the same however they are made, and survive being killed."""

import json
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from rtwin.dataset import file_info, generate, open_dataset, validate_file
from rtwin.dataset.shards import shard_queue
from rtwin.errors import OutOfRangeError, StoreError


def content(file):
    return file_info(file)["content_hash"]


def test_shards_and_workers_do_not_change_the_content(two_boxes, paths_file, tmp_path):
    for name, options in {
        "one": {"shard_size": 1000},
        "single": {"shard_size": 1},
        "workers": {"shard_size": 3, "workers": 2},
    }.items():
        file = generate(two_boxes(), tmp_path / f"{name}.h5", **options)
        assert content(file) == content(paths_file), name
        assert validate_file(file) == []


def test_other_seed_has_other_content(two_boxes, paths_file, tmp_path):
    assert content(generate(two_boxes(seed=5), tmp_path / "o.h5")) != content(paths_file)


def test_first_receivers_do_not_depend_on_the_count(two_boxes, paths_file, tmp_path):
    receivers = two_boxes().receivers.model_dump() | {"count": 4}
    few = generate(two_boxes(receivers=receivers), tmp_path / "few.h5")
    with open_dataset(few) as small, open_dataset(paths_file) as large:
        np.testing.assert_array_equal(
            small.read("rx_position_m"), large.read("rx_position_m", slice(4))
        )
        np.testing.assert_array_equal(small.paths().a, large.paths(0, 8).a)


def test_finished_file_is_left_alone(two_boxes, tmp_path):
    file = generate(two_boxes(), tmp_path / "f.h5")
    before = file.stat()
    generate(two_boxes(), file)
    assert file.stat().st_mtime_ns == before.st_mtime_ns
    with pytest.raises(StoreError, match="holds something else"):
        generate(two_boxes(seed=3), file)
    assert content(generate(two_boxes(seed=3), file, overwrite=True)) != ""
    assert not list(tmp_path.glob("*.parts"))


def test_foreign_file_is_not_overwritten(two_boxes, tmp_path):
    file = tmp_path / "letter.txt"
    file.write_text("dear")
    for overwrite in (False, True):
        with pytest.raises(StoreError, match="not one of rtwin's files"):
            generate(two_boxes(), file, overwrite=overwrite)
    assert file.read_text() == "dear"


def test_strongest_paths_and_what_they_leave_out(two_boxes, paths_file, tmp_path):
    file = generate(two_boxes(solver={"strongest_paths": 2}), tmp_path / "k.h5")
    with open_dataset(file) as cut, open_dataset(paths_file) as whole:
        assert cut.num_paths.max() == 2
        expected, dropped = whole.paths().strongest(2)
        np.testing.assert_array_equal(cut.paths().a, expected.a)
        np.testing.assert_allclose(cut.read("dropped_path_gain"), dropped)
        assert dropped.sum() > 0
    assert validate_file(file) == []


def test_paths_above_the_least_gain_are_those_without_it(two_boxes, paths_file, tmp_path):
    with open_dataset(paths_file) as dataset:
        whole = dataset.paths()
    floor_db = float(10 * np.log10(np.median(whole.power)))
    strong = np.flatnonzero(whole.power >= 10 ** (floor_db / 10))
    assert 0.3 < len(strong) / len(whole.power) < 0.7
    for most in (None, 2):
        solver = {"min_gain_db": floor_db}
        file = generate(
            two_boxes(solver=solver if most is None else solver | {"strongest_paths": most}),
            tmp_path / f"{most}.h5",
        )
        rows = strong
        if most is not None:
            rows = np.intersect1d(strong, whole.strongest_rows(most)[0])
        with open_dataset(file) as cut:
            found, dropped = cut.paths(), cut.read("dropped_path_gain")
        counts = np.bincount(whole.link_index[rows], minlength=whole.num_links)
        np.testing.assert_array_equal(found.num_paths, counts)
        np.testing.assert_array_equal(found.a, whole.a[rows])
        np.testing.assert_array_equal(found.delay_s, whole.delay_s[rows])
        lost = whole.power.copy()
        lost[rows] = 0.0
        expected = np.bincount(whole.link_index, lost, minlength=whole.num_links)
        np.testing.assert_allclose(dropped, expected, rtol=1e-12)
        assert validate_file(file) == []


@pytest.mark.parametrize("bad", [{"shard_size": 0}, {"workers": 0}])
def test_impossible_options(two_boxes, tmp_path, bad):
    with pytest.raises(OutOfRangeError, match="1 or more"):
        generate(two_boxes(), tmp_path / "x.h5", **bad)


def test_link_without_any_path_is_kept(two_boxes, tmp_path):
    receivers = {"kind": "list", "positions_m": [[20, 12, 4], [0, 5, 1.5]], "keep_invalid": True}
    sealed = two_boxes(receivers=receivers, solver={"refraction": False})
    file = generate(sealed, tmp_path / "sealed.h5")
    with open_dataset(file) as dataset:
        assert dataset.num_links == 4
        assert dataset.num_paths[:2].tolist() == [0, 0]  # inside the brick box
        assert (dataset.num_paths[2:] > 0).any()
    assert validate_file(file) == []


def test_no_path_at_all(two_boxes, tmp_path):
    receivers = {"kind": "list", "positions_m": [[20, 12, 4]], "keep_invalid": True}
    file = generate(
        two_boxes(receivers=receivers, solver={"refraction": False}), tmp_path / "none.h5"
    )
    assert file_info(file)["num_paths"] == 0
    assert validate_file(file) == []


def test_two_writers(two_boxes, tmp_path):
    from rtwin.dataset.shards.shard_folder import ShardFolder

    file = tmp_path / "shared.h5"
    with (
        ShardFolder(file).opened({"request": "other"}),
        pytest.raises(StoreError, match="another rtwin"),
    ):
        generate(two_boxes(), file)


# --- killed, interrupted, out of disk ---------------------------------------

RUN = """
import json, os, resource, sys, signal
# Bytecode that the limit cuts off would break every later run; workers are told by name.
sys.dont_write_bytecode = True
os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
from rtwin.scene import recipe_from_dict
from rtwin.dataset import generate
recipe = recipe_from_dict(json.loads(sys.argv[1]), "two_boxes")
if sys.argv[3] != "0":
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), -1))
if __name__ == "__main__":
    generate(recipe, sys.argv[2], shard_size=1, workers=int(sys.argv[4]))
"""


def start(recipe, file, limit=0, workers=1):
    from rtwin.scene import recipe_dict

    script = file.with_suffix(".py")  # a file, because spawned workers import it
    script.write_text(RUN)
    arguments = [json.dumps(recipe_dict(recipe)), file, limit, workers]
    return subprocess.Popen(
        [sys.executable, script, *map(str, arguments)],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for_shards(file, count, process):
    folder = file.with_name(file.name + ".parts")
    for _ in range(1200):
        if len(list(folder.glob("shard-??????.h5"))) >= count or process.poll() is not None:
            return
        time.sleep(0.05)
    raise AssertionError("no shard appeared")


@pytest.fixture(scope="module")
def many(two_boxes, tmp_path_factory):
    """Enough one-receiver shards for a run to be caught in the middle; and its content."""
    recipe = two_boxes(receivers=two_boxes().receivers.model_dump() | {"count": 60})
    return recipe, content(generate(recipe, tmp_path_factory.mktemp("many") / "many.h5"))


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT])
def test_killed_run_resumes_to_the_same_content(many, tmp_path, sent):
    recipe, expected = many
    file = tmp_path / "killed.h5"
    process = start(recipe, file)
    wait_for_shards(file, 3, process)
    process.send_signal(sent)
    process.communicate(timeout=60)
    assert process.returncode != 0
    assert not file.exists()
    finished = sorted((tmp_path / "killed.h5.parts").glob("shard-??????.h5"))
    assert len(finished) >= 3
    traced = []
    generate(
        recipe, file, shard_size=1, progress=lambda stage, done, total: traced.append((stage, done))
    )
    assert traced[0] == ("trace", 2 * len(finished)), "finished shards were traced again"
    assert content(file) == expected
    assert not list(tmp_path.glob("*.parts"))


def test_interrupted_workers_say_nothing(many, tmp_path):
    """Ctrl-C reaches the whole process group; only the main process speaks."""
    recipe, expected = many
    file = tmp_path / "workers.h5"
    process = start(recipe, file, workers=2)
    wait_for_shards(file, 3, process)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode != 0
    assert errors.count("Traceback") == 1, errors  # the script's own, it has no main()
    assert content(generate(recipe, file, shard_size=1)) == expected


def test_workers_end_when_their_parent_is_killed(many, tmp_path):
    process = start(many[0], tmp_path / "orphans.h5", workers=2)
    wait_for_shards(tmp_path / "orphans.h5", 1, process)
    process.kill()
    process.communicate(timeout=60)
    for _ in range(100):
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGKILL)
    raise AssertionError("workers outlived their parent")


def test_frozen_worker_is_done_without(many, tmp_path, monkeypatch, caplog):
    """A worker that is stopped (SIGSTOP) answers nothing and never ends."""
    monkeypatch.setattr(shard_queue, "LEAST_S", 1.0)
    recipe, expected = many
    for attempt in range(5):
        frozen = []

        def freeze(stage, done, total, frozen=frozen):
            if stage == "trace" and done >= 8 and not frozen:
                frozen.append(multiprocessing.active_children()[0].pid)
                os.kill(frozen[0], signal.SIGSTOP)

        file = tmp_path / f"f{attempt}.h5"
        generate(recipe, file, shard_size=1, workers=2, progress=freeze)
        assert content(file) == expected
        if caplog.messages:
            break  # else it was stopped between two shards, and nobody waits for it
    [line] = caplog.messages
    assert re.fullmatch(
        rf"worker process {frozen[0]} has not answered for \d+ s; its work is done by another", line
    )
    with pytest.raises(ProcessLookupError):
        os.kill(frozen[0], 0)


def test_process_that_was_stopped_itself_takes_nobody_for_frozen(monkeypatch):
    clock = iter([0.0, 1.0, 3601.0, 3602.0])
    monkeypatch.setattr(shard_queue.time, "monotonic", lambda: next(clock))
    pace = shard_queue.Pace()
    assert pace.now() == 1.0
    assert pace.now() == 1.0 + shard_queue.LONGEST_LOOK_S
    assert pace.now() == 2.0 + shard_queue.LONGEST_LOOK_S


def test_limit_follows_the_slowest_and_doubles():
    pace = shard_queue.Pace()
    assert pace.limit_s("trace") == np.inf
    pace.took("trace", 1.0)
    assert pace.limit_s("trace") == shard_queue.LEAST_S
    pace.took("trace", 20.0)
    pace.took("trace", 5.0)
    assert pace.limit_s("trace") == 200.0
    assert pace.limit_s("trace", times_lost=2) == 800.0
    assert pace.limit_s("load") == np.inf


@pytest.mark.slow
def test_killed_at_many_moments(many, tmp_path):
    recipe, expected = many
    file = tmp_path / "killed.h5"
    for delay in np.linspace(0.3, 6.0, 20):
        process = start(recipe, file)
        time.sleep(delay)
        process.kill()
        process.communicate(timeout=60)
        assert not file.exists() or content(file) == expected
    generate(recipe, file, shard_size=1)
    assert content(file) == expected


@pytest.mark.parametrize("limit", [20_000, 1_000_000])
def test_full_disk_leaves_a_resumable_state(two_boxes, paths_file, tmp_path, limit):
    """A limit on file size stands in for the full disk: writes fail in the same place.

    The low limit stops the first shard, the high one the merged file.
    """
    file = tmp_path / "full.h5"
    process = start(two_boxes(), file, limit)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "StoreError" in errors.splitlines()[-1]
    assert "run the same command again" in errors.splitlines()[-1]
    assert not file.exists()
    generate(two_boxes(), file, shard_size=1)
    assert content(file) == content(paths_file)


def test_unwritable_folder_is_one_line(two_boxes, tmp_path):
    blocker = tmp_path / "file"
    blocker.write_text("")
    with pytest.raises(StoreError) as caught:
        generate(two_boxes(), blocker / "x.h5")
    assert "\n" not in str(caught.value)


def test_plan_of_another_recipe_is_not_resumed(many, two_boxes, paths_file, tmp_path):
    file = tmp_path / "changed.h5"
    process = start(many[0], file)
    wait_for_shards(file, 2, process)
    process.kill()
    process.communicate()
    generate(two_boxes(), file, shard_size=1)
    assert content(file) == content(paths_file)


def test_broken_shard_is_traced_again(many, tmp_path):
    recipe, expected = many
    file = tmp_path / "cut.h5"
    process = start(recipe, file)
    wait_for_shards(file, 2, process)
    process.kill()
    process.communicate()
    shard = min((tmp_path / "cut.h5.parts").glob("shard-??????.h5"))
    shard.write_bytes(shard.read_bytes()[:1000])
    assert content(generate(recipe, file, shard_size=1)) == expected
