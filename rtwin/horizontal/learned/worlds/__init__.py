"""What is learned from: scenes, what befalls them, traced and on disk."""

from rtwin.horizontal.learned.worlds.arrays import load_arrays, save_arrays
from rtwin.horizontal.learned.worlds.cases import (
    NUM_EDITS,
    NUM_TRUTHS,
    Case,
    SceneCases,
    ensure_cases,
    file_name,
    make_cases,
    read_cases,
    write_cases,
)
from rtwin.horizontal.learned.worlds.hidden import hidden_cases
from rtwin.horizontal.learned.worlds.scenes import TrainingScene, training_scene
from rtwin.horizontal.learned.worlds.splits import SPLITS, Split, split_scenes
from rtwin.horizontal.learned.worlds.truths import MIX, Fate, Truth

__all__ = [
    "MIX",
    "NUM_EDITS",
    "NUM_TRUTHS",
    "SPLITS",
    "Case",
    "Fate",
    "SceneCases",
    "Split",
    "TrainingScene",
    "Truth",
    "ensure_cases",
    "file_name",
    "hidden_cases",
    "load_arrays",
    "make_cases",
    "read_cases",
    "save_arrays",
    "split_scenes",
    "training_scene",
    "write_cases",
]
