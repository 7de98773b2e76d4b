"""Paths: walked from receivers back to a transmitter, all of them or what an edit changed."""

from rtwin.trace.paths.change_reach import Change, keeps_chains, reach_of_change
from rtwin.trace.paths.partial import Effort, PartialTrace, retrace_transmitter
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
