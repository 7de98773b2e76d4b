"""Shards: pieces of a dataset, traced by processes of this machine, resumed, assembled."""

from rtwin.dataset.shards.assemble import assemble
from rtwin.dataset.shards.links import part, trace_shard
from rtwin.dataset.shards.shard_folder import (
    DATASET_LAYOUT,
    SHARD_VARIABLES,
    Layout,
    ShardFolder,
    shard_image,
    shard_ranges,
)
from rtwin.dataset.shards.shard_queue import KEPT, Pace, Queue
from rtwin.dataset.shards.work import Keep, Shard, Work
from rtwin.dataset.shards.workers import trace_apart

__all__ = [
    "DATASET_LAYOUT",
    "KEPT",
    "SHARD_VARIABLES",
    "Keep",
    "Layout",
    "Pace",
    "Queue",
    "Shard",
    "ShardFolder",
    "Work",
    "assemble",
    "part",
    "shard_image",
    "shard_ranges",
    "trace_apart",
    "trace_shard",
]
