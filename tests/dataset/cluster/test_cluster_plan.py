"""A run on a cluster without the cluster: who gets what, what is done again, who is refused.

tests/dataset/cluster/test_cluster.py runs the same on a real one.
"""

import dataclasses
import re
import signal
import socket
import sys

import numpy as np
import pytest

from rtwin.dataset import file_info, generate
from rtwin.dataset.cluster import crew, worker
from rtwin.dataset.cluster.door import check_head
from rtwin.dataset.cluster.plan import GPU_CPUS, WORKER_BYTES, slots
from rtwin.dataset.cluster.worker import (
    ClusterWorker,
    Credentials,
    Job,
    check_credentials,
    check_versions,
)
from rtwin.dataset.shards import shard_queue
from rtwin.dataset.shards.shard_queue import LOST_AT_MOST, Queue
from rtwin.dataset.store.contents import provenance
from rtwin.errors import EngineError, GeometryError, RtwinError
from rtwin.scene import load_recipe, recipe_dict
from rtwin.trace import Tracer, load_parts, load_world, place, start_engine

from .fake_ray import FakeRay, node

SHARD = 2  # receivers; six shards in all


@pytest.fixture(scope="module")
def tracer(two_boxes):
    """One for all workers; each would find the same chains."""
    return Tracer(load_world(two_boxes()))


@pytest.fixture
def run(two_boxes, tracer, tmp_path, monkeypatch):
    """Generates the two-box scene on a fake cluster."""
    for module in (crew, worker):
        monkeypatch.setattr(module, "Tracer", lambda world: tracer)
    monkeypatch.setattr(crew, "PAUSE_S", 0.0)
    monkeypatch.setattr(crew, "check_head", lambda ray: None)
    monkeypatch.setattr(crew, "LOOK_S", 0.0)
    monkeypatch.setenv("RTWIN_VARIANT", "auto")
    # Workers of this process would take its threads for themselves.
    monkeypatch.setattr(start_engine().dr, "set_thread_count", lambda count: None)

    def run(ray, **options):
        monkeypatch.setitem(sys.modules, "ray", ray)
        return generate(two_boxes(), tmp_path / "c.h5", shard_size=SHARD, ray="auto", **options)

    return run


def content(file):
    return file_info(file)["content_hash"]


def test_cluster_writes_the_same_file(run, paths_file):
    seen = []
    ray = FakeRay([node("a", 1), node("b", 1)])
    file = run(ray, progress=lambda *stage: seen.append(stage))
    assert content(file) == content(paths_file)
    assert [done for stage, done, _ in seen if stage == "trace"] == [0, 2, 4, 6, 8, 10, 12]
    assert ("workers", 2, 2) in seen
    assert ray.calls["a", "trace"] + ray.calls["b", "trace"] == 6
    assert max(ray.most_in_flight.values()) == crew.IN_FLIGHT
    assert ray.killed == 2


def test_lost_shards_are_done_again(run, paths_file):
    def script(node, method, times):
        if (node, method) == ("a", "trace") and times in (1, 3):
            raise FakeRay.RayError("The actor died. And so on.\nAnd on.")
        if (node, method) == ("b", "load") and times == 1:
            raise FakeRay.RayError("died early")

    ray = FakeRay([node("a", 1), node("b", 1)], script)
    assert content(run(ray)) == content(paths_file)
    assert ray.calls["a", "load"] == 3
    assert ray.calls["b", "load"] == 2


def test_frozen_worker_is_done_without(run, paths_file, monkeypatch, caplog):
    monkeypatch.setattr(shard_queue, "LEAST_S", 0.3)

    def freeze(node, method, times):
        if node == "b" and method == "load":
            ray.frozen.add("b")

    ray = FakeRay([node("a", 1), node("b", 1)], freeze)
    assert content(run(ray)) == content(paths_file)
    assert "the worker on b has not answered for" in caplog.text
    assert "its work is done elsewhere" in caplog.text


def test_nobody_left_but_a_frozen_worker(run, monkeypatch):
    monkeypatch.setattr(shard_queue, "LEAST_S", 0.1)

    def freeze(node, method, times):
        if method == "trace" and times == 2:
            ray.frozen.add(node)

    ray = FakeRay([node("a", 1)], freeze)
    with pytest.raises(EngineError, match=r"no worker: the worker on a has not answered for"):
        run(ray)


def test_dead_head_ends_the_run_and_keeps_shards(run, monkeypatch, tmp_path, paths_file):
    ray = FakeRay([node("a", 1)])
    with socket.create_server(("127.0.0.1", 0)) as head:
        ray.head = f"127.0.0.1:{head.getsockname()[1]}"
        check_head(ray)

        def die(node, method, times):
            if method == "trace" and times == 3:
                head.close()

        ray._script = die
        monkeypatch.setattr(crew, "check_head", check_head)
        with pytest.raises(EngineError) as caught:
            run(ray)
    assert re.fullmatch(
        rf"the head of the Ray cluster at {ray.head} does not answer any more \(.*\); finished "
        "shards are kept, run the same command again to go on",
        str(caught.value),
    )
    monkeypatch.setattr(crew, "check_head", lambda ray: None)
    assert content(run(FakeRay([node("a", 1)]))) == content(paths_file)


def test_lost_machine_is_done_without(run, paths_file):
    gone = []

    def script(node, method, times):
        if (node, method, times) == ("a", "trace", 2):
            gone.append(node)
        if node in gone:
            raise FakeRay.RayError("node died")

    nodes = lambda: [node(name, 1, alive=name not in gone) for name in "ab"]  # noqa: E731
    ray = FakeRay(nodes, script)
    assert content(run(ray)) == content(paths_file)
    assert ray.calls["a", "load"] == 1
    assert ray.calls["b", "trace"] == 5


def test_machine_that_comes_later_is_used(run, paths_file):
    later = []

    def script(name, method, times):
        if method == "trace" and times == 1:
            later.append(node("b", 1))

    ray = FakeRay(lambda: [node("a", 1), *later[:1]], script)
    assert content(run(ray)) == content(paths_file)
    assert ray.calls["b", "trace"] > 0


def test_shard_that_is_lost_for_ever_ends_the_run(run, paths_file, tmp_path):
    def script(node, method, times):
        if method == "trace" and times > 2:
            raise FakeRay.RayError("The worker was killed. See the logs.")

    with pytest.raises(EngineError, match=f"lost {LOST_AT_MOST + 1} times") as caught:
        run(FakeRay([node("a", 1)], script))
    assert "finished shards are kept" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(list((tmp_path / "c.h5.parts").glob("shard-??????.h5"))) == 2
    ray = FakeRay([node("a", 1)])
    assert content(run(ray)) == content(paths_file)
    assert ray.calls["a", "trace"] == 4  # two of six were kept


@pytest.mark.parametrize("fails", ["load", "versions"])
def test_worker_that_never_starts(run, fails):
    def script(node, method, times):
        if method == fails:
            raise FakeRay.RayError("killed: out of memory")

    ray = FakeRay([node("a", 1)], script)
    with pytest.raises(EngineError, match="out of memory") as caught:
        run(ray)
    assert "\n" not in str(caught.value)
    assert ray.calls["a", fails] == crew.STARTS_AT_MOST


def test_interruption_that_got_lost_stops_after_the_shard(run, tmp_path):
    """Ray's callbacks may swallow KeyboardInterrupt; so does this script."""

    def script(node, method, times):
        if method == "trace" and times == 2:
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    ray = FakeRay([node("a", 1)], script)
    with pytest.raises(KeyboardInterrupt):
        run(ray)
    assert signal.getsignal(signal.SIGINT) is before
    assert len(list((tmp_path / "c.h5.parts").glob("shard-??????.h5"))) == 2
    assert ray.killed == 1


def test_machine_without_rtwin(run):
    def script(node, method, times):
        raise FakeRay.RayTaskError(RuntimeError("No module named 'rtwin'"))

    with pytest.raises(EngineError, match=r"on a failed.*install rtwin"):
        run(FakeRay([node("a", 1)], script))


def test_error_of_a_worker_is_told_as_it_is(run):
    def script(node, method, times):
        if method == "load":
            raise FakeRay.RayTaskError(GeometryError("no such thing"))

    ray = FakeRay([node("a", 1)], script)
    with pytest.raises(GeometryError, match=r"^on a: no such thing$"):
        run(ray)
    assert ray.killed == 1


@pytest.mark.parametrize(
    ("method", "change", "line"),
    [
        ("versions", lambda v: v | {"rtwin": "9.9"}, "has rtwin 9.9"),
        ("versions", lambda v: v | {"sionna-rt": "9.9"}, "has sionna-rt 9.9"),
        ("versions", lambda v: {k: v[k] for k in v if k != "drjit"}, "has drjit absent"),
        ("load", lambda c: dataclasses.replace(c, variant="cuda_x"), "runs cuda_x"),
        ("load", lambda c: dataclasses.replace(c, scene_hash="0" * 64), "loaded scene 0000"),
        ("load", lambda c: dataclasses.replace(c, probe="x", processor="Z80"), r"b \(Z80\).*bits"),
    ],
)
def test_worker_of_another_kind_is_refused(run, tmp_path, method, change, line):
    script = lambda node, name, times: change if (node, name) == ("b", method) else None  # noqa: E731
    with pytest.raises(EngineError, match=line) as caught:
        run(FakeRay([node("a", 1), node("b", 1)], script))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "c.h5").exists()


def test_equal_workers_are_taken():
    mine = Credentials("llvm", "s", "chip", "p")
    check_versions(provenance(), provenance(), "h")
    check_credentials(mine, dataclasses.replace(mine, processor="other chip"), "h")


@pytest.mark.parametrize("nodes", [[], [node("a", 0)], [node("a", 4, alive=False)]])
def test_cluster_without_room(run, nodes):
    with pytest.raises(EngineError, match="no worker: its machines offer no"):
        run(FakeRay(nodes))


# --- parts --------------------------------------------------------------------


def test_slots():
    short = 2.5 * WORKER_BYTES
    nodes = [
        node("b", 9, memory=short),
        node("a", 2),
        node("head", 0),
        node("gone", 8, alive=False),
    ]
    found = [(s.node, s.index, s.num_cpus, s.num_gpus) for s in slots(nodes, gpu=False)]
    assert found == [("a", 0, 1, 0), ("b", 0, 4, 0), ("a", 1, 1, 0), ("b", 1, 4, 0)]
    nodes = [node("a", 64, 2), node("b", 0, 1), node("c", 8)]
    found = [(s.node, s.index, s.num_cpus, s.num_gpus) for s in slots(nodes, gpu=True)]
    assert found == [("a", 0, GPU_CPUS, 1), ("b", 0, 0, 1), ("a", 1, GPU_CPUS, 1)]


@pytest.mark.parametrize("cpus", [1, 2, 7, 64])
@pytest.mark.parametrize("memory", [0.1, 1, 5.5, 100])
def test_slots_share_cpus_as_memory_allows(cpus, memory):
    found = slots([node("a", cpus, memory=memory * WORKER_BYTES)], gpu=False)
    assert cpus - len(found) < sum(slot.num_cpus for slot in found) <= cpus
    assert len(found) == min(cpus, max(1, int(memory)))


def test_queue_gives_in_order_and_lost_ones_first():
    queue = Queue([3, 5, 7])
    assert queue.take() == 3
    queue.lost(3, "x")
    queue.give_back(queue.take())
    assert [queue.take() for _ in range(len(queue))] == [3, 5, 7]
    assert queue.unfinished == 3
    for _ in range(LOST_AT_MOST - 1):
        queue.lost(3, "x")
    with pytest.raises(EngineError, match="because of that"):
        queue.lost(3, "of that")


def test_worker_needs_no_files(tmp_path, monkeypatch):
    """A scene in files is traced by a worker to the same bits when they are gone."""
    import trimesh

    monkeypatch.setattr(start_engine().dr, "set_thread_count", lambda count: None)
    monkeypatch.setenv("RTWIN_VARIANT", "auto")
    trimesh.creation.box((8, 6, 10)).export(tmp_path / "box.ply")
    (tmp_path / "scene.toml").write_text(
        'title = "Box"\nfrequency_hz = 3.5e9\n'
        '[[object]]\nname = "box"\nmaterial = "brick"\nshape = "mesh"\nfile = "box.ply"\n'
        '[[transmitter]]\nname = "tx"\nposition_m = [20, 0, 3]\n'
        '[receivers]\nkind = "list"\npositions_m = [[15, 9, 2], [-9, 2, 2]]\n'
    )
    recipe = load_recipe(tmp_path)
    world = load_world(recipe)
    receivers = place(world)
    variant = world.engine.variant
    scene = load_parts(world.engine, recipe)
    job = Job(recipe_dict(recipe), recipe.name, variant, scene, receivers)
    (tmp_path / "box.ply").unlink()
    with pytest.raises(RtwinError):
        load_world(recipe)
    here = crew.credentials(Tracer(world), receivers)
    there = ClusterWorker().load(job, 1)
    assert there == here


def test_probe_sees_every_bit(two_boxes):
    world = load_world(two_boxes())
    receivers = place(world)
    moved = receivers.position_m.copy()
    moved[0, 0] = np.nextafter(np.float32(moved[0, 0]), np.float32(np.inf))
    tracer = Tracer(world)
    same, other = (
        crew.credentials(tracer, dataclasses.replace(receivers, position_m=position))
        for position in (receivers.position_m, moved)
    )
    assert crew.credentials(tracer, receivers) == same != other
