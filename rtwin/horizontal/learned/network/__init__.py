"""Networks that update a map: their graph, layers, training, calibration and weights."""

from rtwin.horizontal.learned.network.embedding import Encoder, load_encoder
from rtwin.horizontal.learned.network.graph import (
    CHANGED_DB,
    Graph,
    Measured,
    draw_measured,
    is_changed,
    judged,
    known_graph,
    unknown_graph,
)
from rtwin.horizontal.learned.network.interpolation import (
    explained,
    inverse_distance,
    kriging,
    nearest,
    path_kriging,
)
from rtwin.horizontal.learned.network.predict import (
    KINDS,
    MODELS,
    Prediction,
    Predictor,
    load_predictor,
    shipped_predictor,
)
from rtwin.horizontal.learned.network.recipe import train_predictor

__all__ = [
    "CHANGED_DB",
    "KINDS",
    "MODELS",
    "Encoder",
    "Graph",
    "Measured",
    "Prediction",
    "Predictor",
    "draw_measured",
    "explained",
    "inverse_distance",
    "is_changed",
    "judged",
    "known_graph",
    "kriging",
    "load_encoder",
    "load_predictor",
    "nearest",
    "path_kriging",
    "shipped_predictor",
    "train_predictor",
    "unknown_graph",
]
