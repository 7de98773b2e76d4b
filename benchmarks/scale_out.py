"""What workers of a Ray cluster trace, and what 1e8 links would take.

    pip install 'rtwin[ray]'
    python benchmarks/scale_out.py [--receivers 20000] [--nodes 1 2] [SCENE ...]

First the work of one worker on one CPU and that of the machine that hands out
and writes, in CPU time of this process, kernels compiled. Then runs on local
clusters of one-CPU nodes, with a worker each, in wall time between the first
shards and the last; their content must be that of a single process. Then what
the first table makes of 1e8 links. Prints Markdown tables.
"""

import argparse
import os
import platform
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rtwin.dataset import file_info, generate
from rtwin.dataset.cluster.door import require_ray
from rtwin.dataset.cluster.worker import ClusterWorker, Job
from rtwin.dataset.shards import ShardFolder, assemble, part, shard_ranges
from rtwin.progress import silent
from rtwin.scene import load_recipe, recipe_dict
from rtwin.trace import load_parts, load_world, place

TARGET_LINKS = 1e8
RECEIVER_BYTES = 1024  # on the machine that writes; see docs/benchmarks.md
WARM_UP = 2  # shards


@dataclass(frozen=True)
class Costs:
    """CPU seconds of one process on one CPU, and bytes on disk."""

    links: int
    start_s: float  # loading the scene and discovering its chains
    link_s: float  # a worker's, per link
    place_s: float  # all receivers
    write_s: float  # all shards
    merge_s: float
    shard_bytes: int  # all shards
    file_bytes: int


class Stopwatch:
    """CPU seconds since it was last read."""

    def __init__(self):
        self.read()

    def read(self):
        now = time.process_time()
        passed, self._start = now - getattr(self, "_start", now), now
        return passed


def measure(recipe, shard_size, folder):
    """A whole run in this process, step by step as on a cluster."""
    world = load_world(recipe)
    place(world)
    watch = Stopwatch()
    receivers = place(world)
    place_s = watch.read()
    parts = load_parts(world.engine, recipe)
    few = part(receivers, 0, 1)
    job = Job(recipe_dict(recipe), recipe.name, world.engine.variant, parts, few)
    worker = ClusterWorker()
    watch.read()
    worker.load(job, num_cpus=1)
    start_s = watch.read()
    target = ShardFolder(folder / "measured.h5")
    target.path.mkdir()
    ranges = shard_ranges(len(receivers), shard_size)
    for start, stop in ranges[:WARM_UP]:
        worker.trace(part(receivers, start, stop))
    trace_s = write_s = 0.0
    for number, (start, stop) in enumerate(ranges):
        watch.read()
        image = worker.trace(part(receivers, start, stop))
        trace_s += watch.read()
        target.write_image(number, image)
        write_s += watch.read()
    shard_bytes = sum(target.shard(number).stat().st_size for number in range(len(ranges)))
    watch.read()
    assemble([world], receivers, target, len(ranges), "", silent)
    merge_s = watch.read()
    links = len(receivers) * len(recipe.transmitter)
    return file_info(target.target)["content_hash"], Costs(
        links,
        start_s,
        trace_s / links,
        place_s,
        write_s,
        merge_s,
        shard_bytes,
        target.target.stat().st_size,
    )


def run_on_nodes(recipe, nodes, shard_size, folder):
    """Links per second of wall time on a local cluster, and the content."""
    from ray.cluster_utils import Cluster

    node: dict[str, Any] = {"num_cpus": 1, "object_store_memory": 200 * 2**20}
    cluster = Cluster(initialize_head=True, head_node_args=node)
    events = []

    def note(stage, done, total):
        if stage == "trace":
            events.append((time.perf_counter(), done / total))

    try:
        for _ in range(nodes - 1):
            cluster.add_node(**node)
        file = generate(
            recipe,
            folder / f"{nodes}.h5",
            ray=cluster.address,
            shard_size=shard_size,
            progress=note,
        )
    finally:
        cluster.shutdown()
    info = file_info(file)
    # Starting the workers and compiling is over with their second shards.
    (first_s, done), (last_s, _) = events[WARM_UP * nodes], events[-1]
    return info["content_hash"], info["num_links"] * (1 - done) / (last_s - first_s)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scenes", nargs="*", default=["munich", "street_canyon", "office"])
    parser.add_argument("--receivers", type=int, default=20_000)
    parser.add_argument("--shard-size", type=int, default=512)
    parser.add_argument("--nodes", type=int, nargs="*", default=[1, 2])
    options = parser.parse_args()
    require_ray()
    recipes = {s: load_recipe(s, num_receivers=options.receivers) for s in options.scenes}
    costs, content = {}, {}
    with tempfile.TemporaryDirectory() as name:
        for scene, recipe in recipes.items():
            folder = Path(name) / scene
            folder.mkdir()
            content[scene], costs[scene] = measure(recipe, options.shard_size, folder)
        print(
            f"{options.receivers} receivers in shards of {options.shard_size}, "
            f"{os.cpu_count()} cores, {platform.machine()}; CPU time:\n"
        )
        print("| scene | links | start s | links per CPU s | place s | write s | merge s |")
        print("|---|---|---|---|---|---|---|")
        for scene, cost in costs.items():
            print(
                f"| {scene} | {cost.links} | {cost.start_s:.1f} | {1 / cost.link_s:.0f} "
                f"| {cost.place_s:.2f} | {cost.write_s:.2f} | {cost.merge_s:.2f} |"
            )
        if options.nodes:
            load = os.getloadavg()[0]
            print(f"\nLocal clusters, wall time, load {load:.1f} when they started:\n")
            print("| scene | workers | links/s | same content |")
            print("|---|---|---|---|")
        for scene, recipe in recipes.items():
            for nodes in options.nodes:
                found, rate = run_on_nodes(recipe, nodes, options.shard_size, Path(name) / scene)
                assert found == content[scene], f"{scene} on {nodes} nodes: other content"
                print(f"| {scene} | {nodes} | {rate:.0f} | yes |", flush=True)
    print(f"\n{TARGET_LINKS:.0e} links:\n")
    print(
        "| scene | workers' CPU h | place h | write h | merge h | shards GiB | file GiB "
        "| memory GiB | workers that keep the writer busy |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for scene, c in costs.items():
        times = TARGET_LINKS / c.links
        receivers = TARGET_LINKS / len(recipes[scene].transmitter)
        print(
            f"| {scene} | {TARGET_LINKS * c.link_s / 3600:.0f} | {times * c.place_s / 3600:.1f} "
            f"| {times * c.write_s / 3600:.1f} | {times * c.merge_s / 3600:.1f} "
            f"| {times * c.shard_bytes / 2**30:.0f} | {times * c.file_bytes / 2**30:.0f} "
            f"| {receivers * RECEIVER_BYTES / 2**30:.0f} | {c.link_s * c.links / c.write_s:.0f} |"
        )


if __name__ == "__main__":
    main()
