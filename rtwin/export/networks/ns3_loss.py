"""Path loss over time as a table, for ns-3's MatrixPropagationLossModel.

One row per time, transmitter and receiver: `time_s,tx,rx,loss_db`. The loss is
that of the radio channel with its antenna patterns, without transmit power.
"""

import io
from pathlib import Path
from typing import Annotated

import numpy as np

from rtwin.channel import path_gain, path_gain_coherent
from rtwin.errors import OutOfRangeError
from rtwin.export.record import PathView
from rtwin.export.registry import Report
from rtwin.progress import Progress
from rtwin.units import to_db

HEADER = "time_s,tx,rx,loss_db\n"


Gain = Annotated[str, "mean (powers of the paths added) or coherent (with their phases)"]


def write_loss(view: PathView, target: Path, progress: Progress, *, gain: Gain = "mean") -> Report:
    """Write the loss of every link.

    Nodes are numbered as ns-3 would: transmitters first, then receivers. One
    that moves is one node, with a row for each of its times.
    """
    gains = {"mean": path_gain, "coherent": path_gain_coherent}
    if gain not in gains:
        raise OutOfRangeError(f"gain is {gain!r}; it must be mean or coherent")
    node = np.repeat(
        np.arange(len(view.tracks)), [track.stop - track.start for track in view.tracks]
    )
    time_s = np.zeros(view.num_rx) if view.time_s is None else view.time_s
    num_rows = 0
    with open(target, "w", encoding="ascii", newline="\n") as file:
        file.write(HEADER)
        for block in view.blocks():
            loss = -to_db(gains[gain](block.paths)).reshape(-1, view.num_tx)
            text = io.StringIO()
            for row, rx in enumerate(range(block.rx.start, block.rx.stop)):
                for tx in range(view.num_tx):
                    text.write(
                        f"{time_s[rx]:.9g},{tx},{view.num_tx + node[rx]},{loss[row, tx]:.6f}\n"
                    )
                    num_rows += 1
            file.write(text.getvalue())
            progress("export", block.rx.stop, view.num_rx)
    return {"rows": num_rows, "nodes": f"{view.num_tx} tx, {len(view.tracks)} rx"}
