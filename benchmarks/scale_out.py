"""What workers on a Ray cluster trace per second, and what 1e8 links would take.

    pip install 'rtwin[ray]'
    python benchmarks/scale_out.py [--receivers 20000] [--nodes 1 2] [SCENE ...]

The cluster is local: nodes of one CPU each, one worker on each. Rates are taken
between the first shard that came back and the last one, so starting Ray, loading
and discovering chains are not in them. What one machine has to do for all is
timed apart: placing receivers, writing shards, merging them. Checks that the
content is that of a single process. Prints Markdown tables.
"""

import argparse
import os
import platform
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from rtwin.dataset import file_info, generate
from rtwin.dataset.cluster import require_ray
from rtwin.dataset.shards import ShardFolder
from rtwin.scene import load_recipe
from rtwin.trace import load_world, place

TARGET_LINKS = 1e8
RECEIVER_BYTES = 1024  # that a receiver takes on the machine that writes; docs/benchmarks.md
DISK = 2  # shards and the merged file lie side by side


@dataclass(frozen=True)
class Run:
    """What a run on a number of nodes took."""

    nodes: int
    links: int
    file_bytes: int
    rate: float  # links/s of all workers
    shard_s: float  # of one worker for one shard
    write_s: float  # of the driver for one shard
    merge_s: float


class Clock:
    """Progress that notes when what was done."""

    def __init__(self):
        self.shards, self.merge = [], []

    def __call__(self, stage, done, total):
        if stage == "trace":
            self.shards.append((time.perf_counter(), done, total))
        if stage == "write":
            self.merge.append(time.perf_counter())


def run_on_nodes(recipe, nodes, shard_size, folder):
    """Generate on a local cluster of one-CPU nodes."""
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": 200 * 2**20}
    cluster = Cluster(initialize_head=True, head_node_args=node)
    writing, clock = [], Clock()
    plain = ShardFolder.write_image

    def timed(self, number, image):
        start = time.perf_counter()
        plain(self, number, image)
        writing.append(time.perf_counter() - start)

    try:
        for _ in range(nodes - 1):
            cluster.add_node(**node)
        ShardFolder.write_image = timed
        file = generate(
            recipe, folder / f"{nodes}.h5", ray=cluster.address, shard_size=shard_size,
            progress=clock,
        )  # fmt: skip
    finally:
        ShardFolder.write_image = plain
        cluster.shutdown()
    info = file_info(file)
    # The first shards of all workers include starting them.
    (first, done, total), (last, _, _) = clock.shards[nodes], clock.shards[-1]
    rate = info["num_links"] * (1 - done / total) / (last - first)
    shards = len(writing)
    return info["content_hash"], Run(
        nodes=nodes,
        links=info["num_links"],
        file_bytes=info["bytes"],
        rate=rate,
        shard_s=nodes * info["num_links"] / shards / rate,
        write_s=sum(writing) / shards,
        merge_s=clock.merge[1] - clock.merge[0],
    )


def place_seconds(recipe):
    """Seconds for placing all receivers, kernels compiled."""
    world = load_world(recipe)
    place(world)
    start = time.perf_counter()
    place(world)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scenes", nargs="*", default=["munich", "street_canyon"])
    parser.add_argument("--receivers", type=int, default=20_000)
    parser.add_argument("--shard-size", type=int, default=512)
    parser.add_argument("--nodes", type=int, nargs="+", default=[1, 2])
    options = parser.parse_args()
    require_ray()
    print(f"{options.receivers} receivers, {os.cpu_count()} cores, {platform.machine()}\n")
    print("| scene | links | workers | links/s | links/s per worker | write ms/shard | merge s |")
    print("|---|---|---|---|---|---|---|")
    slowest = {}
    for scene in options.scenes:
        recipe = load_recipe(scene, num_receivers=options.receivers)
        with tempfile.TemporaryDirectory() as name:
            alone = generate(recipe, Path(name) / "alone.h5", shard_size=options.shard_size)
            expected = file_info(alone)["content_hash"]
            for nodes in options.nodes:
                found, run = run_on_nodes(recipe, nodes, options.shard_size, Path(name))
                assert found == expected, f"{scene}: {found} is not {expected}"
                print(
                    f"| {scene} | {run.links} | {nodes} | {run.rate:.0f} | {run.rate / nodes:.0f} "
                    f"| {1e3 * run.write_s:.0f} | {run.merge_s:.1f} |",
                    flush=True,
                )
        slowest[scene] = run, place_seconds(recipe), len(recipe.transmitter)
    print(f"\n{TARGET_LINKS:.0e} links, each worker as in the last row of its scene:\n")
    print(
        "| scene | worker hours | place h | merge h | file GiB | disk GiB | memory GiB "
        "| workers that writing keeps up with |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for scene, (run, place_s, num_tx) in slowest.items():
        times = TARGET_LINKS / run.links
        file_gib = times * run.file_bytes / 2**30
        print(
            f"| {scene} | {TARGET_LINKS / (run.rate / run.nodes) / 3600:.1f} "
            f"| {times * place_s / 3600:.1f} | {times * run.merge_s / 3600:.1f} "
            f"| {file_gib:.1f} | {DISK * file_gib:.1f} "
            f"| {TARGET_LINKS / num_tx * RECEIVER_BYTES / 2**30:.0f} "
            f"| {run.shard_s / run.write_s:.0f} |"
        )


if __name__ == "__main__":
    main()
