"""Fields: exact geometry and complex coefficients of paths, new or stored."""

from rtwin.trace.fields.coefficients import (
    End,
    coefficients,
    receiver_end,
    refine,
    transmitter_ends,
)
from rtwin.trace.fields.edge_plan import touches_faces
from rtwin.trace.fields.evaluate import evaluate_paths
from rtwin.trace.fields.foliage import attenuated, vegetation_loss_db
from rtwin.trace.fields.frozen import MATERIAL_PARAMETERS, FrozenPaths, freeze_paths

__all__ = [
    "MATERIAL_PARAMETERS",
    "End",
    "FrozenPaths",
    "attenuated",
    "coefficients",
    "evaluate_paths",
    "freeze_paths",
    "receiver_end",
    "refine",
    "touches_faces",
    "transmitter_ends",
    "vegetation_loss_db",
]
