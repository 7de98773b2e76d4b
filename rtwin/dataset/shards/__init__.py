"""Shards: pieces of a dataset, traced by processes of this machine, resumed, assembled."""

from rtwin.dataset.shards.assemble import assemble
from rtwin.dataset.shards.links import part, trace_shard
from rtwin.dataset.shards.shard_folder import (
    SHARD_VARIABLES,
    ShardFolder,
    shard_image,
    shard_ranges,
)
from rtwin.dataset.shards.shard_queue import KEPT, Pace, Queue
from rtwin.dataset.shards.workers import trace_apart

__all__ = [
    "KEPT",
    "SHARD_VARIABLES",
    "Pace",
    "Queue",
    "ShardFolder",
    "assemble",
    "part",
    "shard_image",
    "shard_ranges",
    "trace_apart",
    "trace_shard",
]
