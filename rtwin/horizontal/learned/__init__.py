"""Learning to keep a twin current: pairs of maps, a graph network, a benchmark.

    split_scenes -> ensure_pairs -> train_predictor -> Predictor
    known_graph | unknown_graph -> Predictor -> Prediction
    run_benchmark -> report_lines

Nothing here loads TensorFlow before a network is built.
"""

from rtwin.horizontal.learned.benchmark import Benchmark, report_lines, run_benchmark
from rtwin.horizontal.learned.network import (
    Graph,
    Measured,
    Prediction,
    Predictor,
    known_graph,
    load_predictor,
    shipped_predictor,
    train_predictor,
    unknown_graph,
)
from rtwin.horizontal.learned.pairs import Pair, ScenePairs, ensure_pairs, read_pairs, split_scenes

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
