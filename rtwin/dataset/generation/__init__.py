"""Generation: from a recipe, or from stored geometry, to a dataset or a radio map."""

from rtwin.dataset.generation.estimate import Estimate, estimate_dataset, estimate_map
from rtwin.dataset.generation.evaluate import evaluate
from rtwin.dataset.generation.generate import default_shard_size, generate
from rtwin.dataset.generation.pathmap import (
    BATCH_SHARDS,
    cell_work,
    path_statistics,
    standing_at,
    world_of_cells,
)
from rtwin.dataset.generation.radiomap import (
    generate_radio_map,
    map_attributes,
    map_request,
    write_map,
    write_radio_map,
)
from rtwin.dataset.generation.shard_runs import check_hands, map_plan, trace_missing

__all__ = [
    "BATCH_SHARDS",
    "Estimate",
    "cell_work",
    "check_hands",
    "default_shard_size",
    "estimate_dataset",
    "estimate_map",
    "evaluate",
    "generate",
    "generate_radio_map",
    "map_attributes",
    "map_plan",
    "map_request",
    "path_statistics",
    "standing_at",
    "trace_missing",
    "world_of_cells",
    "write_map",
    "write_radio_map",
]
