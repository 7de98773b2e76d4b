"""Channel impulse responses for Sionna: CIRDataset arrays, and the Research Kit's emulator.

Sionna adds coefficients coherently, so they are b = a exp(-j 2 pi f tau). The
antenna arrays of the recipe are applied to CIRDataset arrays; the emulator has
one antenna at each end.
"""

import json
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Complexes, Floats
from rtwin.channel import PathSet, cir, taps
from rtwin.errors import OutOfRangeError
from rtwin.export.record import Block, PathView, shared_times_s
from rtwin.export.registry import Report
from rtwin.export.writing import RowWriter
from rtwin.progress import Progress
from rtwin.units import to_db

SYMBOLS_PER_SLOT = 14
MAX_TAP_INDEX = 255
"""The Research Kit's emulator looks 256 samples back."""

LEAD = 6
"""Samples in front of the first path, which catch the rise of its sinc."""

_SLOTS_PER_BLOCK = 256


def write_cir(
    view: PathView,
    target: Path,
    progress: Progress,
    *,
    time_steps: Annotated[int, "samples of each channel, turned by Doppler"] = 1,
    sampling_hz: Annotated[float, "rate of those samples"] = 1e3,
    normalize_delays: Annotated[bool, "count delays from each link's first path"] = False,
) -> Report:
    """Write `a.npy` and `tau.npy`: one example per receiver, with all transmitters.

    a is [example, rx, rx_ant, tx, tx_ant, path, time] and tau [example, rx, tx,
    path], with one rx per example and 0 behind the last path of a link.
    """
    if time_steps < 1 or sampling_hz <= 0:
        raise OutOfRangeError(
            f"time_steps is {time_steps} and sampling_hz {sampling_hz:g}; both are above 0"
        )
    width = max(1, int(view.num_paths.max(initial=0)))
    times = np.arange(time_steps) / sampling_hz
    first = next(view.blocks(1))
    num_rx_ant, num_tx_ant, _ = _responses(view, first, times[:1], False).shape[1:]
    shape = (view.num_rx, 1, num_rx_ant, view.num_tx, num_tx_ant, width, time_steps)
    numbers_per_path = num_rx_ant * num_tx_ant * time_steps
    with (
        RowWriter(target / "a.npy", "a", shape, np.complex64) as a,
        RowWriter(target / "tau.npy", "tau", (view.num_rx, 1, view.num_tx, width), np.float32) as t,
    ):
        for block in view.blocks(max(1, 2**18 // numbers_per_path)):
            paths = block.paths
            rows = block.rx.stop - block.rx.start
            receiver, tx = np.divmod(paths.link_index, view.num_tx)
            column = np.arange(len(tx)) - paths.offsets[paths.link_index]
            filled = np.zeros((rows, *shape[1:]), np.complex64)
            b = _responses(view, block, times, normalize_delays)
            # Advanced indices apart from each other: their axis comes first.
            filled[receiver, 0, :, tx, :, column] = b
            delays = np.zeros((rows, 1, view.num_tx, width), np.float32)
            delays[receiver, 0, tx, column] = (
                paths.excess_delay_s if normalize_delays else paths.delay_s
            )
            a.write(filled)
            t.write(delays)
            progress("export", block.rx.stop, view.num_rx)
    return {"a": f"{list(shape)} complex64", "tau": f"{[view.num_rx, 1, view.num_tx, width]}"}


def _responses(view: PathView, block: Block, times_s: Floats, normalize: bool) -> Complexes:
    tx_array, rx_array = view.arrays(block)
    return cir(
        block.paths, times_s, tx_array=tx_array, rx_array=rx_array, normalize_delays=normalize
    )


def write_emulator(
    view: PathView,
    target: Path,
    progress: Progress,
    *,
    sample_rate_hz: Annotated[float, "of the radio, e.g. 61.44e6"] = 61.44e6,
    num_taps: Annotated[int, "taps per symbol, the strongest"] = 16,
    slots: Annotated[int, "slots of 14 symbols, where the receiver stands"] = 200,
    slot_s: Annotated[float, "length of a slot: 1 ms, half for 30 kHz subcarriers"] = 0.5e-3,
    sigma_scaling: Annotated[float, "noise of the emulator, over the channel's norm"] = 0.0,
    sigma_max: Annotated[float, "most noise of the emulator"] = 0.0,
) -> Report:
    """Write `config.json` and `cirs.bin` of one link: one entry per OFDM symbol.

    An entry is the channel's norm, the taps over that norm, strongest first,
    and their places in samples. A receiver that moves keeps the paths of each
    of its times until the next, turned by Doppler.
    """
    view = view.one_port("the emulator")
    if view.num_tx != 1 or len(view.tracks) != 1:
        raise OutOfRangeError(
            f"the emulator takes one link, this is {view.num_tx} transmitters and "
            f"{len(view.tracks)} receivers; choose with tx and rx (--tx 0 --rx 0)"
        )
    most = MAX_TAP_INDEX + 1
    if not 1 <= num_taps <= most or slots < 1 or not (sample_rate_hz > 0 and slot_s > 0):
        raise OutOfRangeError(
            f"num_taps is {num_taps}, slots {slots}, sample_rate_hz {sample_rate_hz:g}, slot_s "
            f"{slot_s:g}; the emulator takes 1 to {most} taps, the others are above 0"
        )
    if sigma_scaling < 0 or sigma_max < 0:
        raise OutOfRangeError(
            f"sigma_scaling is {sigma_scaling:g} and sigma_max {sigma_max:g}; neither is below 0"
        )
    if not view.num_paths.all():
        lost = view.rx[int(view.num_paths[:, 0].argmin())]
        raise OutOfRangeError(
            f"receiver {lost} has no path, and the emulator divides by the channel's norm; "
            "choose others with rx (--rx)"
        )
    times = shared_times_s(view, "the emulator") - shared_times_s(view, "the emulator")[0]
    if len(times) > 1:
        slots = max(1, round(float(times[-1] + np.diff(times)[-1]) / slot_s))
    symbol_s = slot_s / SYMBOLS_PER_SLOT
    row_of_slot = np.searchsorted(times, (np.arange(slots) + 1e-6) * slot_s, side="right") - 1
    worst, longest = 0.0, 0.0
    with open(target / "cirs.bin", "wb") as file:
        for block in view.blocks():
            for row in range(block.rx.start, block.rx.stop):
                mine = np.flatnonzero(row_of_slot == row)
                paths = block.paths.select([row - block.rx.start])
                longest = max(longest, float(paths.excess_delay_s.max()) * sample_rate_hz + LEAD)
                for start in range(0, len(mine), _SLOTS_PER_BLOCK):
                    part = mine[start : start + _SLOTS_PER_BLOCK]
                    symbol = (part[:, None] * SYMBOLS_PER_SLOT + np.arange(14)).ravel()
                    turned_s = symbol * symbol_s - times[row]
                    entries, lost_share = _entries(paths, sample_rate_hz, turned_s, num_taps)
                    worst = max(worst, lost_share)
                    file.write(entries.tobytes())
                    progress("export", int(part[-1]) + 1, slots)
    if longest > MAX_TAP_INDEX:
        raise OutOfRangeError(
            f"the last path comes {longest:.0f} samples after the first, the emulator holds "
            f"{MAX_TAP_INDEX}; lower sample_rate_hz, or take fewer paths with strongest_paths"
        )
    config = {
        "num_taps": num_taps,
        "num_cirs": slots * SYMBOLS_PER_SLOT,
        "sigma_scaling": sigma_scaling,
        "sigma_max": sigma_max,
    }
    text = json.dumps({"channel_emulation": config}, indent=4)
    (target / "config.json").write_text(text + "\n", encoding="ascii")
    return {
        "symbols": slots * SYMBOLS_PER_SLOT,
        "left out by taps": f"at most {100 * worst:.3g} % of a channel's power "
        f"({to_db(max(worst, 1e-30)):.0f} dB)",
        "first path": f"at sample {LEAD}",
    }


def _entries(
    paths: PathSet, sample_rate_hz: float, times_s: Floats, num_taps: int
) -> tuple[NDArray[np.void], float]:
    """Packed entries [time], and the largest share of power that their taps leave out."""
    last = MAX_TAP_INDEX - LEAD
    h = taps(paths, sample_rate_hz, -LEAD, last, times_s, normalize_delays=True)[0, 0, 0]
    order = np.argsort(-np.abs(h), axis=1, kind="stable")[:, :num_taps]
    kept = np.take_along_axis(h, order, axis=1)
    norm = np.linalg.norm(kept, axis=1)
    lost = 1.0 - norm**2 / (np.abs(h) ** 2).sum(axis=1)
    entry = np.dtype(
        {
            "names": ["norm", "taps", "index"],
            "formats": ["<f4", ("<c8", num_taps), ("<u2", num_taps)],
            "offsets": [0, 4, 4 + 8 * num_taps],
            "itemsize": 4 * ((4 + 10 * num_taps + 3) // 4),
        }
    )
    packed = np.zeros(len(h), entry)
    packed["norm"], packed["taps"], packed["index"] = norm, kept / norm[:, None], order
    return packed, float(lost.max())
