"""Runs on a real Ray cluster of two machines' worth of processes, some killed on the way.

pip install 'rtwin[ray]' && pytest -m slow tests/dataset/cluster/test_cluster.py
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import rtwin
from rtwin.dataset import file_info, generate, validate_file
from rtwin.dataset.cluster.door import require_ray
from rtwin.errors import EngineError, MissingExtraError
from rtwin.scene import recipe_dict

pytestmark = [
    pytest.mark.slow,
    # Ray leaves pipes of the processes that it started to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
STORE = 100 * 2**20


@pytest.fixture
def cluster(monkeypatch):
    """A head and a second node, one CPU each; Ray sees two machines."""
    try:
        require_ray()
    except MissingExtraError as error:
        pytest.skip(str(error))
    from ray.cluster_utils import Cluster

    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    made = Cluster(
        initialize_head=True, head_node_args={"num_cpus": 1, "object_store_memory": STORE}
    )
    made.second = made.add_node(num_cpus=1, object_store_memory=STORE)
    yield made
    made.shutdown()


@pytest.fixture(scope="module")
def many(two_boxes, tmp_path_factory):
    """A recipe of many small shards; and its content, traced by a single process."""
    recipe = two_boxes(receivers=two_boxes().receivers.model_dump() | {"count": 60})
    return recipe, content(generate(recipe, tmp_path_factory.mktemp("many") / "many.h5"))


def content(file):
    return file_info(file)["content_hash"]


def workers_of(node):
    """Processes with an actor of ours on a node of the cluster."""
    raylet = node.all_processes["raylet"][0].process.pid
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            name = (folder / "cmdline").read_bytes()
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == raylet and name.startswith(b"ray::ClusterWorker"):
            found.append(int(folder.name))
    return found


class Saboteur:
    """Progress that does something once, when so many links are traced and all workers are up."""

    def __init__(self, after, deed):
        self.after, self.deed, self.stages, self.up = after, deed, [], 0

    def __call__(self, stage, done, total):
        self.stages.append((stage, done, total))
        if stage == "workers":
            self.up = max(self.up, done)
        if stage == "trace" and done >= self.after and self.deed is not None and self.up == 2:
            deed, self.deed = self.deed, None
            deed()


def test_two_nodes_write_the_same_file(many, cluster, tmp_path):
    recipe, expected = many
    stages, before = [], signal.getsignal(signal.SIGTERM)
    file = generate(
        recipe,
        tmp_path / "c.h5",
        shard_size=2,
        ray=cluster.address,
        progress=lambda *stage: stages.append(stage),
    )
    assert content(file) == expected
    assert validate_file(file) == []
    assert [s[1] for s in stages if s[0] == "trace"] == list(range(0, 61, 2))
    assert not list(tmp_path.glob("*.parts"))
    assert signal.getsignal(signal.SIGTERM) == before


def test_killed_worker_is_replaced(two_boxes, cluster, tmp_path):
    # So many shards that the other worker is not done before a new one is up.
    recipe = two_boxes(receivers=two_boxes().receivers.model_dump() | {"count": 500})
    expected = content(generate(recipe, tmp_path / "one.h5"))
    killed, seen = [], []

    def kill():
        killed.extend(workers_of(cluster.second))
        for pid in killed:
            os.kill(pid, signal.SIGKILL)

    def watch(stage, done, total):
        saboteur(stage, done, total)
        if stage == "workers":
            seen.extend(workers_of(cluster.second))

    saboteur = Saboteur(8, kill)
    file = generate(recipe, tmp_path / "c.h5", shard_size=1, ray=cluster.address, progress=watch)
    assert len(killed) == 1
    assert set(seen) > set(killed), "no new worker was started"
    assert content(file) == expected


def test_lost_node_is_done_without(many, cluster, tmp_path):
    recipe, expected = many
    saboteur = Saboteur(8, lambda: cluster.remove_node(cluster.second, allow_graceful=False))
    file = generate(recipe, tmp_path / "c.h5", shard_size=1, ray=cluster.address, progress=saboteur)
    assert saboteur.deed is None
    assert content(file) == expected
    assert validate_file(file) == []


def test_node_with_other_versions_is_refused(many, cluster, tmp_path, monkeypatch):
    other = tmp_path / "other"
    shutil.copytree(Path(rtwin.__file__).parent, other / "rtwin")
    init = other / "rtwin" / "__init__.py"
    init.write_text(init.read_text().replace(rtwin.__version__, "99.0"))
    monkeypatch.chdir(tmp_path)  # Ray lets workers import from the driver's folder
    cluster.remove_node(cluster.second)
    cluster.add_node(num_cpus=1, object_store_memory=STORE, env_vars={"PYTHONPATH": str(other)})
    with pytest.raises(EngineError, match=r"has rtwin 99\.0") as caught:
        generate(many[0], tmp_path / "c.h5", shard_size=1, ray=cluster.address)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "c.h5").exists()


# --- the program ----------------------------------------------------------------


@pytest.fixture
def scene(many, tmp_path):
    """The recipe as a file, for the command line."""
    folder = tmp_path / "scene"
    folder.mkdir()
    (folder / "make.py").write_text(
        "import sys, json\nfrom rtwin.scene import recipe_from_dict\nimport rtwin.scene as s\n"
        "recipe = recipe_from_dict(json.loads(sys.argv.pop(1)), 'two_boxes')\n"
        "s.load_recipe = lambda *a, **k: recipe\nfrom rtwin.cli import main\nmain()\n"
    )
    return [sys.executable, str(folder / "make.py"), json.dumps(recipe_dict(many[0]))]


def command(scene, file, address, *more):
    return [*scene, "generate", "two_boxes", "-o", str(file), "--ray", address, *more]


def test_program_says_nothing_but_its_own(many, cluster, scene, tmp_path):
    file = tmp_path / "c.h5"
    run = subprocess.run(
        command(scene, file, cluster.address, "--json"), capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    assert json.loads(run.stdout)["content_hash"] == many[1]


def test_program_starts_a_cluster_of_its_own(many, scene, tmp_path):
    try:
        require_ray()
    except MissingExtraError as error:
        pytest.skip(str(error))
    file = tmp_path / "c.h5"
    environment = {k: v for k, v in os.environ.items() if k != "RAY_ADDRESS"}
    process = subprocess.Popen(
        command(scene, file, "local", "--quiet"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=environment,
    )
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    assert errors == ""
    assert content(file) == many[1]
    left = subprocess.run(["ps", "-o", "args=", "-g", str(process.pid)], capture_output=True)
    assert left.stdout == b""


def test_interrupted_program_keeps_shards(many, cluster, scene, tmp_path):
    recipe, expected = many
    file = tmp_path / "c.h5"
    process = subprocess.Popen(
        command(scene, file, cluster.address, "--quiet", "--shard-size", "1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    parts = tmp_path / "c.h5.parts"
    while len(list(parts.glob("shard-??????.h5"))) < 3:
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate()
    assert process.returncode == 130, errors
    assert errors.splitlines() == [
        "interrupted; what was finished is kept, run the same command again to go on"
    ]
    assert not file.exists()
    kept = len(list(parts.glob("shard-??????.h5")))
    assert kept >= 3
    traced = []
    generate(
        recipe,
        file,
        shard_size=1,
        ray=cluster.address,
        progress=lambda *stage: traced.append(stage),
    )
    assert traced[0] == ("trace", 2 * kept, 120)
    assert content(file) == expected
