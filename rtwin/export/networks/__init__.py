"""Formats for simulators and emulators of networks: ns-3, 5G-LENA, Colosseum, streaming."""

from rtwin.export.networks.bandwidth import write_bandwidth
from rtwin.export.networks.colosseum import write_colosseum
from rtwin.export.networks.ns3_fading import write_fading
from rtwin.export.networks.ns3_loss import write_loss
from rtwin.export.networks.ns3_lte import write_lte
from rtwin.export.networks.qd import write_qd, write_siolena

__all__ = [
    "write_bandwidth",
    "write_colosseum",
    "write_fading",
    "write_loss",
    "write_lte",
    "write_qd",
    "write_siolena",
]
