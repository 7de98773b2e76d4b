"""Learning to keep a twin current: pairs of maps, a graph network, a benchmark.

    split_scenes -> ensure_pairs -> train_predictor -> Predictor
    known_graph | unknown_graph -> Predictor -> Prediction
    run_benchmark -> report_lines

Nothing here loads TensorFlow before a network is built.
"""

from rtwin.horizontal.learn.benchmark import Benchmark, report_lines, run_benchmark
from rtwin.horizontal.learn.graph import Graph, Measured, known_graph, unknown_graph
from rtwin.horizontal.learn.pairs import Pair, ScenePairs, ensure_pairs, read_pairs
from rtwin.horizontal.learn.predict import (
    Prediction,
    Predictor,
    load_predictor,
    shipped_predictor,
)
from rtwin.horizontal.learn.recipe import train_predictor
from rtwin.horizontal.learn.splits import split_scenes

__all__ = [
    "Benchmark",
    "Graph",
    "Measured",
    "Pair",
    "Prediction",
    "Predictor",
    "ScenePairs",
    "ensure_pairs",
    "known_graph",
    "load_predictor",
    "read_pairs",
    "report_lines",
    "run_benchmark",
    "shipped_predictor",
    "split_scenes",
    "train_predictor",
    "unknown_graph",
]
