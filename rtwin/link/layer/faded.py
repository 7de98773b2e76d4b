"""The link layer of moving users from their paths: fading, beams, blocks, retransmissions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Complexes, Floats, Ints
from rtwin.channel import AntennaArray, PathSet, cfr
from rtwin.errors import OutOfRangeError
from rtwin.link.adaptation import LinkAdaptation
from rtwin.link.layer.block_errors import BlockErrors
from rtwin.link.layer.effective import MAPPINGS, effective_sinr_db
from rtwin.link.layer.receiver import block_sinr
from rtwin.link.layer.transmission import transmit
from rtwin.link.tables import SUBCARRIERS_PER_BLOCK, cqi_efficiency, mcs_efficiency
from rtwin.progress import Progress, silent
from rtwin.units import to_db, unit_vector, wavelength_m

SLOT_SYMBOLS = 14
_NUMBERS_AT_ONCE = 2**21  # complex numbers of frequency responses


@dataclass(frozen=True)
class FadedLink:
    """How blocks are sent over fading channels.

    Attributes:
        mapping: Effective SINR: "miesm" or "eesm".
        max_layers: Most layers of a user.
        fading_step_s: Time between two looks at the channel [s]; a report is one step old, and a
            block that failed is sent again a step later.
        target: Block error rate that link adaptation aims at.
        max_transmissions: Of a block.
        offset_step_db: Step of the outer loop.
    Raises:
        OutOfRangeError: if a number is not possible.
    """

    mapping: str = "miesm"
    max_layers: int = 4
    fading_step_s: float = 0.01
    target: float = 0.1
    max_transmissions: int = 4
    offset_step_db: float = 1.0

    def __post_init__(self) -> None:
        if self.mapping not in MAPPINGS:
            raise OutOfRangeError(f"mapping is {self.mapping!r}; it must be miesm or eesm")
        for name, low, high in (
            ("max_layers", 1, 8),
            ("max_transmissions", 1, 16),
            ("fading_step_s", 1e-4, 10.0),
            ("target", 1e-4, 0.5),
            ("offset_step_db", 0.0, 10.0),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise OutOfRangeError(f"{name} is {value:g}; it must be {low:g} to {high:g}")


class FadedResult(NamedTuple):
    """The link of each row, user and transmitter, as if that transmitter served: [row, ue, tx].

    Attributes:
        effective_sinr_db: Mean over the row of the effective SINR of the chosen MCS [dB].
        cqi: Highest CQI that gets through at the row's mean channel; 0 below the lowest.
        mcs: Median MCS of the row; -1 where nothing is sent.
        num_layers: Layers; 0 where nothing arrives.
        spectral_efficiency: Bits per resource element that get through, over all layers, what
            retransmissions cost taken off.
        block_error_rate: Share of the first transmissions that fail.
        lost_blocks: Share of the blocks that are lost after all transmissions.
    """

    effective_sinr_db: Floats
    cqi: NDArray[np.int8]
    mcs: NDArray[np.int8]
    num_layers: NDArray[np.int8]
    spectral_efficiency: Floats
    block_error_rate: Floats
    lost_blocks: Floats


def along(paths: PathSet, velocity_m_s: Floats) -> PathSet:
    """The paths as a receiver in motion sees them: what it adds to their Doppler shifts.

    Args:
        velocity_m_s: Of the receiver of each link, [link, 3].
    """
    towards = unit_vector(paths.aoa_azimuth, paths.aoa_zenith)
    speed = (towards * velocity_m_s[paths.link_index]).sum(axis=-1)
    return replace(paths, doppler_hz=paths.doppler_hz + speed / wavelength_m(paths.frequency_hz))


@dataclass(frozen=True, eq=False)
class Sounding:
    """The channels of moving users.

    Attributes:
        paths: Of links, in any order.
        link: Which of them is that of each row, user and transmitter, [row, ue, tx]; -1 where
            nothing is known, for all transmitters alike.
        velocity_m_s: Of the users, [row, ue, 3].
        step_s: Time that a row stands for [s].
        tx_arrays: Array of each transmitter; None for one element.
        rx_array: Array of the users, likewise.
    """

    paths: PathSet
    link: Ints
    velocity_m_s: Floats
    step_s: float
    tx_arrays: Sequence[AntennaArray | None]
    rx_array: AntennaArray | None = None

    def response(
        self, rows: Ints, ues: Ints, times_s: Floats, frequencies_hz: Floats
    ) -> tuple[Complexes, Ints]:
        """Frequency responses of some users in some rows, and how many ports transmitters have.

        Returns:
            [place, tx, rx_port, tx_port, time, frequency], 0 for ports that there are not; [tx].
        """
        velocity = self.velocity_m_s[rows, ues]
        each = []
        for tx, array in enumerate(self.tx_arrays):
            paths = along(self.paths.select(self.link[rows, ues, tx]), velocity)
            each.append(cfr(paths, frequencies_hz, times_s, tx_array=array, rx_array=self.rx_array))
        ports = np.array([h.shape[2] for h in each])
        whole = np.zeros(
            (len(rows), len(each), each[0].shape[1], ports.max(), *each[0].shape[3:]), complex
        )
        for tx, h in enumerate(each):
            whole[:, tx, :, : h.shape[2]] = h
        return whole, ports


def faded_link(
    sounding: Sounding,
    tx_power_w: Floats,
    load: Floats,
    noise_w: float,
    adaptation: LinkAdaptation,
    settings: FadedLink | None = None,
    progress: Progress = silent,
) -> FadedResult:
    """What gets through to users on fading channels.

    Args:
        sounding: The channels.
        tx_power_w: Power of each transmitter [W], spread evenly over the blocks, [tx].
        load: Share of the time in which each transmitter sends, [row, tx].
        noise_w: Noise in the carrier's bandwidth [W].
        adaptation: The carrier and its MCS table; its Shannon gap plays no part.
        settings: How blocks are sent.
        progress: Called with stage ("link"), users done and in all.
    Checked by tests/link/layer/test_faded.py.
    """
    settings = settings or FadedLink()
    num_rows, num_ues, num_tx = sounding.link.shape
    looks = max(1, int(np.ceil(sounding.step_s / settings.fading_step_s - 1e-9)))
    per_slot = SLOT_SYMBOLS * SUBCARRIERS_PER_BLOCK * adaptation.num_prb
    errors = BlockErrors(adaptation.table, per_slot * (1.0 - adaptation.overhead))
    # Tables are made once, and not while the clock of the first user runs.
    errors.required_sinr_db(settings.target)
    parts = []
    # Users are apart from one another; as many at a time as memory is meant to hold.
    together = max(1, _NUMBERS_AT_ONCE * 8 // max(1, num_rows * looks * num_tx * errors.count))
    for first in range(0, num_ues, together):
        progress("link", first, num_ues)
        ues = np.arange(first, min(first + together, num_ues))
        sinr_db, layers = _effective(
            sounding, ues, tx_power_w, load, noise_w, adaptation, settings, looks
        )
        parts.append(_sent(sinr_db, layers, errors, adaptation.table, settings, looks))
    progress("link", num_ues, num_ues)
    return FadedResult(*(np.concatenate(values, axis=1) for values in zip(*parts, strict=True)))


def _effective(
    sounding: Sounding,
    ues: Ints,
    tx_power_w: Floats,
    load: Floats,
    noise_w: float,
    adaptation: LinkAdaptation,
    settings: FadedLink,
    looks: int,
) -> tuple[NDArray[np.floating[Any]], Ints]:
    """Effective SINR [dB], [row, look, ue, tx, mcs], and layers, [row, ue, tx]."""
    num_rows, _, num_tx = sounding.link.shape
    num_prb = adaptation.num_prb
    width_hz = SUBCARRIERS_PER_BLOCK * adaptation.subcarrier_spacing_hz
    frequencies = (np.arange(num_prb, dtype=np.float64) - (num_prb - 1) / 2) * width_hz
    times = np.arange(looks, dtype=np.float64) * (sounding.step_s / looks)
    count = len(mcs_efficiency(adaptation.table))
    size = (num_rows, looks, len(ues), num_tx, count)
    sinr_db: NDArray[np.floating[Any]] = np.full(size, -np.inf, np.float32)
    layers = np.zeros((num_rows, len(ues), num_tx), np.int64)
    row, column = np.nonzero((sounding.link[:, ues] >= 0).all(axis=2))
    ports = sounding.paths.a.shape[1] * sounding.paths.a.shape[2]
    for end in (*sounding.tx_arrays[:1], sounding.rx_array):
        ports *= end.num_elements if end else 1
    at_once = max(1, _NUMBERS_AT_ONCE // (ports * num_tx * looks * num_prb))
    for start in range(0, len(row), at_once):
        here = slice(start, start + at_once)
        rows, columns = row[here], column[here]
        response, tx_ports = sounding.response(rows, ues[columns], times, frequencies)
        sinr = block_sinr(
            response,
            tx_power_w / num_prb,
            tx_ports,
            load[rows],
            noise_w / num_prb,
            settings.max_layers,
        )
        found = effective_sinr_db(
            sinr.reshape(*sinr.shape[:3], -1), adaptation.table, settings.mapping
        )
        sinr_db[rows, :, columns] = np.moveaxis(found, 2, 1)
        sent = np.isfinite(sinr[:, :, 0, 0]).sum(axis=-1)
        layers[rows, columns] = np.where(np.isfinite(found[:, :, 0, 0]), sent, 0)
    return sinr_db, layers


def _sent(
    sinr_db: NDArray[np.floating[Any]],
    layers: Ints,
    errors: BlockErrors,
    table: int,
    settings: FadedLink,
    looks: int,
) -> FadedResult:
    """Blocks on effective SINRs, as means over rows."""
    num_rows = len(sinr_db)
    flat = sinr_db.reshape(num_rows * looks, *sinr_db.shape[2:])
    sent = transmit(
        flat, errors, settings.target, settings.max_transmissions, settings.offset_step_db
    )
    by_row = [v.reshape(num_rows, looks, *v.shape[1:]) for v in sent]
    mcs, first, lost, _, goodput = by_row
    own = np.take_along_axis(sinr_db, np.maximum(mcs, 0)[..., None], axis=-1)[..., 0]
    mean_db = sinr_db.mean(axis=1, dtype=np.float64)
    cqi = _cqi(mean_db, errors, table, settings.target)
    served = cqi > 0
    efficiency = mcs_efficiency(table)[np.maximum(mcs, 0)] * goodput
    return FadedResult(
        own.mean(axis=1, dtype=np.float64),
        cqi,
        np.where(served, np.median(mcs, axis=1).astype(np.int64), -1).astype(np.int8),
        np.where(served, layers, 0).astype(np.int8),
        np.where(served, efficiency.mean(axis=1) * layers, 0.0),
        np.where(served, first.mean(axis=1), np.nan),
        np.where(served, lost.mean(axis=1), np.nan),
    )


def _cqi(sinr_db: Floats, errors: BlockErrors, table: int, target: float) -> NDArray[np.int8]:
    """The highest CQI that is not faster than the fastest MCS that gets through."""
    required_db = errors.required_sinr_db(target)
    speed, asked = mcs_efficiency(table), cqi_efficiency(table)
    mcs = errors.fastest(sinr_db, required_db)
    reached = np.searchsorted(asked, speed + 1e-9, side="right") - 1
    # The slowest CQI may be below the slowest MCS, by what Shannon's law says.
    below_db = float(to_db(2.0 ** asked[1] - 1.0) - to_db(2.0 ** speed[0] - 1.0))
    slowest = sinr_db[..., 0] >= required_db[0] + min(below_db, 0.0)
    found = np.where(mcs >= 0, np.maximum(reached[np.maximum(mcs, 0)], 1), slowest)
    return found.astype(np.int8)
