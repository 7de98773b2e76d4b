"""What is learned from: scenes, edits drawn in them, maps before and after on disk."""

from rtwin.horizontal.learned.pairs.edit_features import GEOMETRY
from rtwin.horizontal.learned.pairs.files import (
    Pair,
    ScenePairs,
    data_hash,
    ensure_pairs,
    read_pairs,
)
from rtwin.horizontal.learned.pairs.observed import FLOOR_DB, MAX_OBJECTS, free_space_db
from rtwin.horizontal.learned.pairs.rungs import common_random_delta
from rtwin.horizontal.learned.pairs.splits import PAIRS_PER_SCENE, Split, split_scenes
from rtwin.horizontal.learned.pairs.synthetic import SYNTHETIC, synthetic_pair

__all__ = [
    "FLOOR_DB",
    "GEOMETRY",
    "MAX_OBJECTS",
    "PAIRS_PER_SCENE",
    "SYNTHETIC",
    "Pair",
    "ScenePairs",
    "Split",
    "common_random_delta",
    "data_hash",
    "ensure_pairs",
    "free_space_db",
    "read_pairs",
    "split_scenes",
    "synthetic_pair",
]
