"""Learned updates: a network that reasons over rehearsed hypotheses, and its benchmark.

    split_scenes -> ensure_cases -> train_network -> Predictor
    Posterior -> Predictor -> Prediction
    run_benchmark -> report_lines

Nothing here loads TensorFlow before a network is built.
"""

from rtwin.horizontal.learned.benchmark import Benchmark, report_lines, run_benchmark
from rtwin.horizontal.learned.network import (
    KINDS,
    REASONING,
    Prediction,
    Predictor,
    load_predictor,
    train_network,
)

__all__ = [
    "KINDS",
    "REASONING",
    "Benchmark",
    "Prediction",
    "Predictor",
    "load_predictor",
    "report_lines",
    "run_benchmark",
    "train_network",
]
