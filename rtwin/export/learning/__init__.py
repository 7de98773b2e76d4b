"""Formats for those who learn from channels: DeepMIMO, Sionna, TensorFlow, RadioMapSeer."""

from rtwin.export.learning.deepmimo import write_deepmimo
from rtwin.export.learning.radiomapseer import write_radiomapseer
from rtwin.export.learning.sionna import write_cir, write_emulator
from rtwin.export.learning.tfrecord import write_tfrecord

__all__ = [
    "write_cir",
    "write_deepmimo",
    "write_emulator",
    "write_radiomapseer",
    "write_tfrecord",
]
