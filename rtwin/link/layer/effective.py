"""One effective SINR for many: that of a flat channel with as many block errors.

`miesm` takes the mean of the mutual information of the modulation, and has no parameter.
`eesm` takes the mean of exp(-SINR / beta), with a beta for each modulation and code rate.
"""

import numpy as np

from rtwin.arrays import Floats
from rtwin.errors import OutOfRangeError
from rtwin.link.layer.modulation import bits_per_symbol, sinr_of_bits_db
from rtwin.link.tables import mcs_formats
from rtwin.units import from_db, to_db

MAPPINGS = ("miesm", "eesm")
LEAST_DB, MOST_DB = -20.0, 45.0
# Code rate times 1024 and beta, by bits of a symbol: Sionna SYS 1.2 (Apache-2.0).
_BETA = {
    2: (
        (120, 157, 193, 251, 308, 379, 449, 526, 602, 679),
        (1.60, 1.61, 1.63, 1.65, 1.67, 1.70, 1.73, 1.76, 1.79, 1.82),
    ),
    4: ((340, 378, 434, 490, 553, 616, 658), (3.97, 4.27, 4.71, 5.16, 5.66, 6.16, 6.50)),
    6: (
        (438, 466, 517, 567, 616, 666, 719, 772, 822, 873, 910, 948),
        (9.95, 10.97, 12.92, 14.96, 17.06, 19.33, 21.85, 24.51, 27.14, 29.94, 32.05, 34.28),
    ),
    8: (
        (682.5, 711, 754, 797, 841, 885, 916.5, 948),
        (56.48, 65.0, 78.58, 92.48, 106.27, 118.74, 126.36, 132.54),
    ),
}


def effective_sinr_db(sinr: Floats, table: int, mapping: str = "miesm") -> Floats:
    """Effective SINR of each MCS [dB].

    Args:
        sinr: SINRs, linear, [..., resource]: blocks, and layers of a code word; NaN for what is
            not sent.
        table: MCS table of TS 38.214.
        mapping: "miesm" or "eesm".
    Returns:
        [..., mcs], within -20 and 45 dB; -inf where no resource brings anything.
    Raises:
        OutOfRangeError: if there is no such mapping or table.
    Source: 3GPP TR 25.892, annex A (EESM); Brueninghaus et al., Link Performance Models for
    System Level Simulations, PIMRC 2005 (both); checked by tests/link/layer/test_effective.py.
    """
    if mapping not in MAPPINGS:
        raise OutOfRangeError(f"mapping is {mapping!r}; it must be miesm or eesm")
    formats = mcs_formats(table)
    sinr = np.asarray(sinr, np.float64)
    found = np.empty((*sinr.shape[:-1], len(formats)))
    known = np.isfinite(sinr)
    if mapping == "miesm":
        sinr_db = np.clip(to_db(np.where(known, sinr, 0.0)), LEAST_DB, MOST_DB)
        for order in {order for order, _ in formats}:
            mean = _mean(bits_per_symbol(order, sinr_db), known)
            rows = [row for row, (own, _) in enumerate(formats) if own == order]
            found[..., rows] = sinr_of_bits_db(order, mean)[..., None]
    else:
        for row, (order, rate) in enumerate(formats):
            beta = np.interp(rate * 1024, *_BETA[order])
            # Counted from the weakest, lest strong ones be rounded to nothing.
            least = np.where(known, sinr, np.inf).min(axis=-1, keepdims=True)
            least = np.where(np.isfinite(least), least, 0.0)
            mean = _mean(np.exp(-np.where(known, sinr - least, 0.0) / beta), known)
            found[..., row] = to_db(least[..., 0] - beta * np.log(np.maximum(mean, 1e-300)))
    strongest = np.where(known, sinr, 0.0).max(axis=-1, keepdims=True, initial=0.0)
    nothing = strongest <= from_db(LEAST_DB - 20.0)
    return np.where(nothing, -np.inf, np.clip(found, LEAST_DB, MOST_DB))


def _mean(values: Floats, known: Floats) -> Floats:
    """Mean over the last axis of what is known; 0 where nothing is."""
    return (values * known).sum(axis=-1) / np.maximum(known.sum(axis=-1), 1)
