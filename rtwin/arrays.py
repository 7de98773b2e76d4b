"""Types of arrays as signatures name them: one spelling each, whatever the shape."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["Bools", "Bytes", "Complexes", "Floats", "Ints", "Singles", "Unsigned"]

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]
Bytes = NDArray[np.uint8]
Unsigned = NDArray[np.uint32]
Singles = NDArray[np.float32]
