"""Paths: walked from receivers back to a transmitter, all of them or what an edit changed."""

from rtwin.trace.paths.partial import (
    Change,
    Effort,
    PartialTrace,
    keeps_chains,
    reach_of_change,
    retrace_transmitter,
)
from rtwin.trace.paths.tracer import Tracer

__all__ = [
    "Change",
    "Effort",
    "PartialTrace",
    "Tracer",
    "keeps_chains",
    "reach_of_change",
    "retrace_transmitter",
]
