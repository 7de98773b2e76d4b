"""A link layer from paths: fading, resource blocks, beams, block errors, retransmissions.

faded_link(sounding, power, load, noise, adaptation) -> what gets through, row by row
"""

from rtwin.link.layer.block_errors import BlockErrors, code_block_error
from rtwin.link.layer.effective import effective_sinr_db
from rtwin.link.layer.faded import FadedLink, FadedResult, Sounding, along, faded_link
from rtwin.link.layer.loads import cell_loads, sinr_of_serving
from rtwin.link.layer.modulation import bits_per_symbol
from rtwin.link.layer.receiver import block_sinr
from rtwin.link.layer.transmission import Transmission, transmit

__all__ = [
    "BlockErrors",
    "FadedLink",
    "FadedResult",
    "Sounding",
    "Transmission",
    "along",
    "bits_per_symbol",
    "block_sinr",
    "cell_loads",
    "code_block_error",
    "effective_sinr_db",
    "faded_link",
    "sinr_of_serving",
    "transmit",
]
