"""The network that reasons over hypotheses: its graph, layers, training and weights."""

from rtwin.horizontal.learned.network.batch import (
    SEEN_DB,
    Example,
    batched,
    draw_evidence,
    example_of,
    judged_cells,
    mismatch_sd_db,
    names_of,
)
from rtwin.horizontal.learned.network.cells import SUMMARY, cell_summary
from rtwin.horizontal.learned.network.graph import library_covariance
from rtwin.horizontal.learned.network.predict import (
    SHIPPED,
    CellPredictor,
    Prediction,
    Predictor,
    load_predictor,
    predictor_of,
    save_predictor,
)
from rtwin.horizontal.learned.network.recipe import calibrated, fit, train_network
from rtwin.horizontal.learned.network.train import (
    KINDS,
    NUM_CELLS,
    REASONING,
    Lessons,
    Plan,
    arrays_of,
    train,
)

__all__ = [
    "KINDS",
    "NUM_CELLS",
    "REASONING",
    "SEEN_DB",
    "SHIPPED",
    "SUMMARY",
    "CellPredictor",
    "Example",
    "Lessons",
    "Plan",
    "Prediction",
    "Predictor",
    "arrays_of",
    "batched",
    "calibrated",
    "cell_summary",
    "draw_evidence",
    "example_of",
    "fit",
    "judged_cells",
    "library_covariance",
    "load_predictor",
    "mismatch_sd_db",
    "names_of",
    "predictor_of",
    "save_predictor",
    "train",
    "train_network",
]
