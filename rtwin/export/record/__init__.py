"""The record that formats read: chosen links of a dataset, in blocks and in even time."""

from rtwin.export.record.clock import even_step_s, shared_times_s, simulated_times_s
from rtwin.export.record.view import Block, PathView, chosen_port, chosen_rows

__all__ = [
    "Block",
    "PathView",
    "chosen_port",
    "chosen_rows",
    "even_step_s",
    "shared_times_s",
    "simulated_times_s",
]
