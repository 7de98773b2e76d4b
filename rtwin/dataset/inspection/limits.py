"""What the values of variables can be: checked whenever they are read from a file.

The limits are those of any world, wide enough for all that rtwin ever wrote; what
physics says of one file beyond that is for `rtwin validate`. A variable that is not
named here may hold any whole number, or any finite one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Bools
from rtwin.dataset.schema import MAP_FORMAT, TRACE_FORMAT, Variable

FAR_M = 1e6  # ten times what a recipe allows
_FAST_M_S = 1e6
_PI = 3.2  # float32 may round beyond


@dataclass(frozen=True)
class Limits:
    """What a variable can hold.

    Attributes:
        low: Least value.
        high: Greatest value.
        rows_of: Dimension whose size is above all values: they number its rows.
        codes: All that there are, if they can be listed.
        nan: Whether it may be NaN, which stands for "none".
        inf: Whether it may be infinite, where the limits allow it.
    """

    low: float = -np.inf
    high: float = np.inf
    rows_of: str = ""
    codes: tuple[int, ...] = ()
    nan: bool = False
    inf: bool = False

    def problem(self, values: NDArray[Any], sizes: Mapping[str, int]) -> str | None:
        """What is wrong with values, in words: the first one and what is allowed."""
        if values.size == 0:
            return None
        bad = self._bad(values, sizes)
        if not bad.any():
            return None
        count, value = int(np.count_nonzero(bad)), values[bad].flat[0]
        return f"holds {value:.6g} ({count} such values); it must be {self.words(sizes)}"

    def _bad(self, values: NDArray[Any], sizes: Mapping[str, int]) -> Bools:
        if self.codes:
            return ~np.isin(values, self.codes)
        high = min(self.high, sizes[self.rows_of] - 1) if self.rows_of in sizes else self.high
        if values.dtype.kind == "c":
            values = np.abs(values)
        if values.dtype.kind != "f":
            return np.asarray((values < self.low) | (values > high))
        with np.errstate(invalid="ignore"):
            out = ~((values >= self.low) & (values <= high))
        if not self.inf:
            out |= np.isinf(values)
        return out & ~np.isnan(values) if self.nan else out

    def words(self, sizes: Mapping[str, int]) -> str:
        """What is allowed, in words."""
        if self.codes:
            return ", ".join(str(code) for code in self.codes)
        high = min(self.high, sizes[self.rows_of] - 1) if self.rows_of in sizes else self.high
        if np.isfinite(self.low) and np.isfinite(high):
            text = f"{self.low:g} to {high:g}"
        elif np.isfinite(self.low):
            text = f"{self.low:g} or more"
        elif np.isfinite(high):
            text = f"at most {high:g}"
        else:
            text = "a finite number"
        return text + (", or NaN for none" if self.nan else "")


_FINITE = Limits()
_PLACE = Limits(-FAR_M, FAR_M)
_SPEED = Limits(-_FAST_M_S, _FAST_M_S)
_ANGLE = Limits(-_PI, _PI)
_ZENITH = Limits(-0.01, _PI)
_DB = Limits(-1000.0, 1000.0)
_POSITIVE = Limits(0.0, 1e30)
_COUNT = Limits(0, 2**40)
_YES = Limits(codes=(0, 1))
_CODES = Limits(codes=(0, 1, 2, 4, 8))
_EDGE = Limits(codes=(*range(6), 255))
_NONE_OR = {dim: Limits(-1, rows_of=dim) for dim in ("tx", "object_id", "material_id", "chain")}
_MAYBE_ANGLE = Limits(-_PI, _PI, nan=True)
# sqrt(-2 ln R) passes pi where directions nearly cancel.
_ANGLE_SPREAD = Limits(0.0, np.inf, nan=True, inf=True)
_GAIN = Limits(0.0, 1e6)

_EVERYWHERE: dict[str, Limits] = {
    "tx_position_m": _PLACE,
    "rx_position_m": _PLACE,
    "cell_centers_m": _PLACE,
    "tx_orientation_rad": Limits(-1e4, 1e4),
    "rx_orientation_rad": Limits(-1e4, 1e4),
    "tx_velocity_m_s": _SPEED,
    "rx_velocity_m_s": _SPEED,
    "tx_power_dbm": _DB,
    "rx_candidate": _COUNT,
    "rx_time_s": Limits(-1e12, 1e12, nan=True),
    "link_tx": Limits(0, rows_of="tx"),
    "link_rx": Limits(0, rows_of="rx"),
    "num_paths": _COUNT,
    "dropped_path_gain": _GAIN,
    "a": Limits(0.0, 1e6),
    "delay_s": Limits(0.0, 1.0),
    "aod_azimuth": _ANGLE,
    "aod_zenith": _ZENITH,
    "aoa_azimuth": _ANGLE,
    "aoa_zenith": _ZENITH,
    "doppler_hz": Limits(-1e12, 1e12),
    "interactions": _CODES,
    "edge": _EDGE,
    "object": _NONE_OR["object_id"],
    "material": _NONE_OR["material_id"],
    "vertex_m": Limits(-FAR_M, FAR_M, nan=True),
    "vegetation_loss_db": Limits(0.0, 1e6),
    "relative_permittivity": Limits(0.0, 1e9),
    "conductivity_s_per_m": Limits(0.0, 1e12),
    "thickness_m": Limits(0.0, np.inf, inf=True),
    "scattering_coefficient": Limits(0.0, 1.0),
    "xpd_coefficient": Limits(0.0, 1.0),
    "frequency_hz": Limits(1e6, 1e12),
    "path_gain": _GAIN,
    "path_gain_standard_error": _GAIN,
    "rss_dbm": Limits(-np.inf, 1000.0, inf=True),
    "sinr": _POSITIVE,
    "serving_transmitter": _NONE_OR["tx"],
    "line_of_sight": _YES,
    "k_factor": Limits(0.0, np.inf, nan=True, inf=True),
    "mean_delay_s": Limits(0.0, 1.0, nan=True),
    "rms_delay_spread_s": Limits(0.0, 1.0, nan=True),
    "corner_z_m": Limits(-FAR_M, FAR_M, nan=True),
    "is_inside": _YES,
    "uncertainty_db": Limits(0.0, 1000.0, nan=True),
    "traced_snapshot": _COUNT,
    "decision": Limits(codes=(0, 1, 2)),
    "tx_decision": Limits(codes=(0, 1, 2)),
    "tx_seconds": Limits(0.0, 1e12),
    "path_snapshot": _COUNT,
    "kept_num_paths": _COUNT,
    "kept_num_chains": _COUNT,
    "chain_parent": _NONE_OR["chain"],
    "chain_edge": _EDGE,
    "path_receiver": _COUNT,
    "path_chain": _NONE_OR["chain"],
    "path_interactions": _CODES,
    "path_edge": _EDGE,
    "path_vertex_m": Limits(-FAR_M, FAR_M, nan=True),
    "path_is_repeat": _YES,
    "path_a": Limits(0.0, 1e6),
    "path_doppler_hz": Limits(-1e12, 1e12),
    "path_vegetation_loss_db": Limits(0.0, 1e6),
    **{
        f"{angle}_{kind}": limits
        for angle in ("aod_azimuth", "aod_zenith", "aoa_azimuth", "aoa_zenith")
        for kind, limits in (("mean", _MAYBE_ANGLE), ("spread", _ANGLE_SPREAD))
    },
    "merged_sigma_db": Limits(0.0, 1000.0, nan=True),
    "merged_source": Limits(-1, 2**15),
    "merged_disagreement": Limits(0.0, 1e30, nan=True),
}
# What means something else in a link trace.
_IN_TRACES: dict[str, Limits] = {
    "time_s": Limits(-1e12, 1e12),
    "ue_position_m": Limits(-FAR_M, FAR_M, nan=True),
    "path_gain": Limits(0.0, 1e6, nan=True),
    "path_gain_standard_error_db": Limits(0.0, 1000.0, nan=True),
    "rss_dbm": Limits(-np.inf, 1000.0, nan=True, inf=True),
    "sinr_db": Limits(-np.inf, 1000.0, nan=True, inf=True),
    "cqi": Limits(-1, 15),
    "mcs": Limits(-1, 31),
    "spectral_efficiency": Limits(0.0, 100.0, nan=True),
    "rate_mbps": Limits(0.0, 1e9, nan=True),
    "line_of_sight": Limits(codes=(-1, 0, 1)),
    "serving_tx": _NONE_OR["tx"],
    "handover": _YES,
    "state": Limits(codes=(0, 1, 2, 3, 4)),
    "tx_load": Limits(0.0, 1.0),
    "effective_sinr_db": Limits(-np.inf, 1000.0, nan=True, inf=True),
    "num_layers": Limits(0, 64),
    "block_error_rate": Limits(0.0, 1.0, nan=True),
    "lost_blocks": Limits(0.0, 1.0, nan=True),
}
# Statistics of paths have nothing to say where there is no path.
_IN_MAPS: dict[str, Limits] = {"rss_dbm": Limits(-np.inf, 1000.0, inf=True)}


def limits_of(kind: str, variable: Variable) -> Limits:
    """The limits of a variable in a file of a format."""
    special = {TRACE_FORMAT: _IN_TRACES, MAP_FORMAT: _IN_MAPS}.get(kind, {})
    return special.get(variable.name) or _EVERYWHERE.get(variable.name) or _FINITE
