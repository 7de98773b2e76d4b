"""How much of the time cells send, from what their users ask for: interference coupled to load."""

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Floats
from rtwin.link.adaptation import LinkAdaptation
from rtwin.units import to_db

_MOST_STEPS = 60
_SETTLED = 1e-4


def cell_loads(
    received_w: Floats,
    serving: NDArray[np.integer],
    demand_mbps: float,
    adaptation: LinkAdaptation,
    noise_w: float,
) -> Floats:
    """Share of their blocks that cells send on so that every user gets what it asks for.

    The load of a cell is the sum over its users of demand over rate with all blocks, at most 1;
    the rate follows from the SINR (by LinkAdaptation), and that from the others' loads.

    Args:
        received_w: Powers [W], [row, ue, tx]; 0 where nothing arrives.
        serving: Serving cell, [row, ue]; -1 where none.
        demand_mbps: Of every user [Mbit/s].
        adaptation: The carrier.
        noise_w: Noise in the carrier [W].
    Returns:
        [row, tx], 0 to 1. A user in outage asks for nothing.
    Source: Siomina, Yuan, Analysis of Cell Load Coupling for LTE Network Planning and
    Optimization, IEEE Trans. Wireless Commun. 11(6), 2012; checked by
    tests/link/layer/test_loads.py.
    """
    num_rows, _, num_tx = received_w.shape
    share_of = serving[..., None] == np.arange(num_tx)
    load = np.zeros((num_rows, num_tx))
    # From below, the loads only grow until they settle.
    for _ in range(_MOST_STEPS):
        sinr = sinr_of_serving(received_w, serving, load, noise_w)
        rate = adaptation.rate_mbps(adaptation.spectral_efficiency(adaptation.cqi(to_db(sinr))))
        asked = np.divide(demand_mbps, rate, out=np.zeros_like(rate), where=rate > 0)
        new = np.minimum((asked[..., None] * share_of).sum(axis=1), 1.0)
        moved = float(np.abs(new - load).max(initial=0.0))
        # A user that falls into outage would let its cell's load drop and come back.
        load = np.maximum(new, load)
        if moved < _SETTLED:
            break
    return load


def sinr_of_serving(
    received_w: Floats, serving: NDArray[np.integer], load: Floats, noise_w: float
) -> Floats:
    """Signal to interference and noise ratio at the serving cell, linear.

    Args:
        received_w: Powers [W], [row, ue, tx]; 0 where nothing arrives.
        serving: Serving cell, [row, ue]; -1 where none.
        load: Share of their power that cells send, [..., row, tx], or one row for all.
        noise_w: Noise in the carrier [W].
    Returns:
        [..., row, ue], linear; 0 where no cell serves.
    Checked by tests/link/layer/test_loads.py.
    """
    cell = np.maximum(serving, 0).astype(np.int64)
    own = np.where(
        serving >= 0, np.take_along_axis(received_w, cell[..., None], axis=-1)[..., 0], 0.0
    )
    is_other = cell[..., None] != np.arange(received_w.shape[-1])
    others = (received_w * is_other * load[..., None, :]).sum(axis=-1)
    return own / (others + noise_w)
