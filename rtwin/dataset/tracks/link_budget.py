"""From path gains along tracks to a link trace: radio arithmetic, states, counts."""

from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Bools, Bytes, Floats
from rtwin.channel import rss_dbm, sinr
from rtwin.dataset.reading import (
    BELOW_CQI,
    NO_POSITION,
    NOTHING_ARRIVES,
    OUTSIDE,
    SERVED,
    LinkTrace,
)
from rtwin.link import Handover, LinkAdaptation, serving_cells
from rtwin.link.layer import cell_loads
from rtwin.units import from_db, to_db

UNKNOWN_SIGHT = -1


def make_link_trace(
    transmitters: dict[str, Any],
    time_s: Floats,
    ue_name: tuple[str, ...],
    ue_position_m: Floats,
    path_gain: Floats,
    *,
    path_gain_standard_error_db: Floats | None = None,
    line_of_sight: NDArray[np.int8] | None = None,
    noise_power_w: float,
    adaptation: LinkAdaptation,
    handover: Handover | None = None,
    interference_load: float = 1.0,
    demand_mbps: float | None = None,
    uplink_power_dbm: float | None = None,
    serving_tx: NDArray[np.int16] | None = None,
    attributes: dict[str, Any] | None = None,
) -> LinkTrace:
    """The link trace of path gains that are known, from whatever source.

    Args:
        transmitters: Values of the tx_ variables of a radio map file.
        time_s: Times [s], [time], in equal steps.
        ue_name: Names, [ue].
        ue_position_m: Positions [m], [time, ue, 3]; NaN where there is none.
        path_gain: Linear, [time, ue, tx]; 0 where nothing arrives, NaN outside
            of where the source knows anything.
        path_gain_standard_error_db: What the source states [dB], same shape;
            default: 0.
        line_of_sight: 1, 0 or -1, same shape; default: unknown.
        noise_power_w: Noise in the carrier's bandwidth [W].
        adaptation: Carrier, tables and link abstraction.
        handover: Settings of event A3; default: 3 dB, 160 ms.
        interference_load: Share of their power that other transmitters send.
        demand_mbps: What every user asks for [Mbit/s]: cells send as much of the time as that
            takes, instead of interference_load.
        uplink_power_dbm: What every user sends over the whole carrier [dBm]: SINR, CQI and rate
            are then those at the transmitters; power and serving cells stay the downlink's.
        serving_tx: Who serves, [time, ue], where that is known; default: by event A3.
        attributes: Provenance to carry along.
    Returns:
        The link trace.
    Raises:
        ShapeError, OutOfRangeError: if the inputs do not fit.
    Checked by tests/dataset/tracks/test_link_traces.py.
    """
    handover = handover or Handover()
    shape = path_gain.shape
    power = np.asarray(transmitters["tx_power_dbm"], np.float64)
    known = np.isfinite(path_gain)
    # The radio map's algebra wants the transmitter first.
    gain = np.moveaxis(np.where(known, path_gain, 0.0), -1, 0)
    rss = np.moveaxis(rss_dbm(gain, power), 0, -1)
    rss = np.where(known, rss, np.nan)
    step_s = float(time_s[1] - time_s[0]) if len(time_s) > 1 else 1.0
    if serving_tx is None:
        serving, changed = serving_cells(rss, step_s, handover)
    else:
        serving, changed = serving_tx, np.zeros(serving_tx.shape, bool)
    load: Floats = np.asarray(interference_load, np.float64)
    tx_load: Floats | None = None
    if demand_mbps is not None:
        received_w = np.where(known, path_gain, 0.0) * from_db(power - 30.0)
        tx_load = cell_loads(received_w, serving, demand_mbps, adaptation, noise_power_w)
        load = tx_load.T[:, :, None]
        interference_load = float(tx_load.mean())
    if uplink_power_dbm is None:
        ratio = np.moveaxis(sinr(gain, power, noise_power_w, load), 0, -1)
    else:
        sent_w = np.where(known, path_gain, 0.0) * from_db(uplink_power_dbm - 30.0)
        ratio = uplink_sinr(sent_w, serving, noise_power_w, interference_load)
    sinr_db = np.where(known, to_db(ratio), np.nan)
    cqi = adaptation.cqi(sinr_db)
    efficiency = adaptation.spectral_efficiency(cqi)
    error = np.zeros(shape) if path_gain_standard_error_db is None else path_gain_standard_error_db
    sight = np.full(shape, UNKNOWN_SIGHT) if line_of_sight is None else line_of_sight
    return LinkTrace(
        **transmitters,
        time_s=time_s,
        ue_name=ue_name,
        ue_position_m=ue_position_m,
        path_gain=path_gain,
        path_gain_standard_error_db=np.where(gain_arrives(path_gain), error, np.nan),
        rss_dbm=rss,
        sinr_db=sinr_db,
        cqi=cqi,
        mcs=adaptation.mcs(cqi),
        spectral_efficiency=efficiency,
        rate_mbps=adaptation.rate_mbps(efficiency),
        line_of_sight=sight,
        serving_tx=serving,
        handover=changed,
        state=states_of(ue_position_m, path_gain, serving, cqi),
        attributes={
            **(attributes or {}),
            **asdict(adaptation),
            **asdict(handover),
            "num_prb": adaptation.num_prb,
            "noise_power_w": float(noise_power_w),
            "interference_load": float(interference_load),
            "step_s": step_s,
            **({} if demand_mbps is None else {"demand_mbps": float(demand_mbps)}),
            **({} if uplink_power_dbm is None else {"uplink_power_dbm": float(uplink_power_dbm)}),
        },
        tx_load=tx_load,
    )


def uplink_sinr(
    received_w: Floats, serving: NDArray[np.int16], noise_power_w: float, load: float
) -> Floats:
    """SINR at each transmitter of what each user sends, linear, [time, ue, tx].

    In every other cell one of its users sends in turn: what interferes is the mean over the
    users of each.

    Args:
        received_w: What arrives of each user [W], [time, ue, tx].
        serving: Who serves, [time, ue]; -1 none, who sends nothing.
        noise_power_w: At every transmitter, in the carrier's bandwidth [W].
        load: Share of the time that the users of other cells send.
    Checked by tests/dataset/tracks/test_link_traces.py.
    """
    num_tx = received_w.shape[-1]
    is_own = serving[..., None] == np.arange(num_tx)  # [time, ue, cell]
    share = is_own / np.maximum(is_own.sum(axis=1, keepdims=True), 1)
    of_cell = np.einsum("tuc,tub->tcb", share, received_w)
    own = np.diagonal(of_cell, axis1=1, axis2=2)
    interference = load * (of_cell.sum(axis=1) - own)
    found: Floats = received_w / (noise_power_w + interference[:, None])
    return found


def gain_arrives(path_gain: Floats) -> Bools:
    """Whether there is any gain; not where it is 0 or unknown."""
    return np.nan_to_num(path_gain, nan=0.0) > 0


def states_of(
    position_m: Floats, path_gain: Floats, serving: NDArray[np.int16], cqi: NDArray[np.int8]
) -> Bytes:
    """State of each row and user, as a link trace has it, [time, ue]."""
    own = np.take_along_axis(cqi, np.maximum(serving, 0)[..., None].astype(np.int64), 2)[..., 0]
    return np.select(
        [
            np.isnan(position_m[..., :2]).any(axis=-1),
            np.isnan(path_gain).all(axis=-1),
            serving < 0,
            own < 1,
        ],
        [NO_POSITION, OUTSIDE, NOTHING_ARRIVES, BELOW_CQI],
        SERVED,
    ).astype(np.uint8)
