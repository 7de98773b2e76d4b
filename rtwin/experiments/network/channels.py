"""What resource blocks carry for the users of a link trace, whatever other cells send meanwhile."""

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rtwin.arrays import Floats, Ints
from rtwin.dataset import LinkTrace
from rtwin.errors import OutOfRangeError
from rtwin.link import LinkAdaptation
from rtwin.link.layer import sinr_of_serving
from rtwin.units import from_db, to_db

_ERROR_NODES = 7  # of a Gauss-Hermite sum over the errors of a belief


@dataclass(frozen=True, eq=False)
class Channels:
    """Channels of users to the cells that serve them.

    Attributes:
        cell: Serving cell, [row, ue]; -1 none.
        fixed_sinr_db: SINR under the interference that the trace was made with, [row, ue] [dB].
        adaptation: How rates follow it.
        received_w: Powers, [row, ue, tx] [W], if interference follows what cells reserve.
        noise_w: Noise in the carrier [W].
    """

    cell: Ints
    fixed_sinr_db: Floats
    adaptation: LinkAdaptation
    received_w: Floats | None
    noise_w: float

    def sinr_db(self, load: Floats | None = None, rows: Ints | None = None) -> Floats:
        """SINR of users [dB], [..., row, ue]; NaN or -inf where nothing arrives.

        Args:
            load: Share of their blocks that cells send on, [..., tx]; None: all of them.
                Where interference is fixed it changes nothing.
            rows: Rows of the trace; None: all.
        """
        chosen: Ints | slice = slice(None) if rows is None else rows
        if self.received_w is None:
            return self.fixed_sinr_db[chosen]
        received_w = self.received_w[chosen]
        share = np.ones(received_w.shape[-1]) if load is None else load
        found = sinr_of_serving(received_w, self.cell[chosen], share[..., None, :], self.noise_w)
        return to_db(found)

    def cqi(self, load: Floats | None = None, rows: Ints | None = None) -> NDArray[np.int8]:
        """Channel quality of users, [..., row, ue]."""
        return self.adaptation.cqi(self.sinr_db(load, rows))

    def bits(
        self,
        slot_s: float,
        error_db: ArrayLike = 0.0,
        load: Floats | None = None,
        rows: Ints | None = None,
    ) -> Floats:
        """Bits of a block in a slot, [..., row, ue]; whole ones unless the SINR has an error.

        Args:
            slot_s: Length of a slot [s].
            error_db: Standard deviation of the SINR [dB], one or [row, 1].
            load, rows: As for sinr_db.
        """
        chosen: Ints | slice = slice(None) if rows is None else rows
        per_element = self.adaptation.resource_elements_per_s_and_prb * slot_s
        found = believed_efficiency(self.adaptation, self.sinr_db(load, rows), error_db)
        bits = found * per_element
        if not np.any(error_db):
            bits = np.floor(bits)
        return np.where(self.cell[chosen] >= 0, bits, 0.0)

    def exchanged(self, order: Ints) -> "Channels":
        """The same with the users' channels exchanged, [ue]."""
        received_w = None if self.received_w is None else self.received_w[:, order]
        return replace(
            self,
            cell=self.cell[:, order],
            fixed_sinr_db=self.fixed_sinr_db[:, order],
            received_w=received_w,
        )

    @property
    def powers(self) -> tuple[Floats, ...]:
        """The powers, if interference follows what cells reserve."""
        return () if self.received_w is None else (self.received_w,)


def channels_of(trace: LinkTrace, num_ues: int, coupled: bool) -> Channels:
    """Channels of the first users of a trace.

    Args:
        trace: The link trace.
        num_ues: Number of users.
        coupled: Whether interference follows what cells reserve.
    Raises:
        OutOfRangeError: if it shall, and the trace's link is that of the paths, whose SINR after
            the receiver does not say what interfered, or the uplink's.
    """
    received_w = None
    if coupled:
        if trace.effective_sinr_db is not None:
            raise OutOfRangeError(
                "the trace has the link of the paths, whose interference is fixed; sample it "
                "without --link paths, or leave the interference as the trace has it"
            )
        if "uplink_power_dbm" in trace.attributes:
            raise OutOfRangeError(
                "the trace is of the uplink, in which users interfere and not cells; leave the "
                "interference as the trace has it"
            )
        gain = np.nan_to_num(trace.path_gain[:, :num_ues].astype(np.float64))
        received_w = gain * from_db(trace.tx_power_dbm - 30.0)
    return Channels(
        trace.serving_tx[:, :num_ues].astype(np.int64),
        trace.of_serving("sinr_db")[:, :num_ues].astype(np.float64),
        adaptation_of(trace),
        received_w,
        float(trace.attributes["noise_power_w"]),
    )


def adaptation_of(trace: LinkTrace) -> LinkAdaptation:
    """The carrier of a link trace, and how its rates follow the SINR."""
    return LinkAdaptation(
        **{item.name: trace.attributes[item.name] for item in fields(LinkAdaptation)}
    )


def believed_efficiency(
    adaptation: LinkAdaptation, sinr_db: ArrayLike, error_db: ArrayLike
) -> Floats:
    """Bits per resource element of an SINR that is known with an error.

    Args:
        adaptation: How rates follow the SINR.
        sinr_db: What is believed [dB], any shape; NaN where nothing is.
        error_db: Standard deviation of the belief [dB], one or as many as fit sinr_db.
    Returns:
        Same shape: without an error the efficiency of the SINR, 0 in outage; with one what costs
        as much on average, 1 / E(1 / efficiency) over Gaussian errors.
    Checked by tests/experiments/network/test_simulator.py.
    """
    sinr_db, error_db = np.asarray(sinr_db, np.float64), np.asarray(error_db, np.float64)
    if not error_db.any():
        return adaptation.spectral_efficiency(adaptation.cqi(sinr_db))
    nodes, weights = np.polynomial.hermite_e.hermegauss(_ERROR_NODES)
    cost = np.zeros_like(sinr_db)
    for node, weight in zip(nodes, weights / weights.sum(), strict=True):
        # Below the lowest CQI nothing is known but that it costs no less than there.
        cqi = np.maximum(adaptation.cqi(sinr_db + error_db * node), 1)
        cost += weight / adaptation.spectral_efficiency(cqi)
    return 1.0 / cost
