"""Learned updates: networks over rehearsed hypotheses, their lessons, and their benchmark.

    split_scenes -> ensure_cases -> train_network -> Predictor
    Posterior -> Predictor -> Prediction
    run_benchmark -> report_lines

The weights that come with rtwin are computed by NumPy; nothing here loads TensorFlow
before another network is built.
"""

from rtwin.horizontal.learned.benchmark import Benchmark, report_lines, run_benchmark
from rtwin.horizontal.learned.network import (
    KINDS,
    REASONING,
    SHIPPED,
    Prediction,
    Predictor,
    load_predictor,
    train_network,
)

__all__ = [
    "KINDS",
    "REASONING",
    "SHIPPED",
    "Benchmark",
    "Prediction",
    "Predictor",
    "load_predictor",
    "report_lines",
    "run_benchmark",
    "train_network",
]
