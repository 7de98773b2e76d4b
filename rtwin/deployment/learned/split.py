"""A network cut in two, stations and server: what crosses the cut, and in how many bits.

What stations have encoded goes to the server, its gradient comes back. At 32 bits a number
nothing changes: by the chain rule the gradient is that of the network in one place.
"""

from typing import Any

import torch
from torch import Tensor

_LEVELS = 255  # of 8 bits
_FLOAT, _SCALE = 4, 8  # bytes of a number, and of a tensor's lowest value and step


class Cut:
    """What crosses between stations and server, counted.

    Args:
        bits: 32 sends numbers as they are, 8 rounds them to 256 steps from lowest to highest.

    Attributes:
        up_bytes, down_bytes: That crossed so far.
    """

    def __init__(self, bits: int = 32) -> None:
        if bits not in (8, 32):
            raise ValueError(f"bits is {bits}; 8 or 32")
        self.bits, self.up_bytes, self.down_bytes = bits, 0, 0

    def __call__(self, encoded: Tensor) -> Tensor:
        """What the server gets of what stations encoded."""
        found: Tensor = _Crossing.apply(encoded, self)
        return found

    def sent(self, values: Tensor) -> tuple[Tensor, int]:
        """Values as they arrive, and the bytes that they took."""
        if self.bits == 32:
            return values.clone(), _FLOAT * values.numel()
        low, high = values.min(), values.max()
        step = torch.clamp((high - low) / _LEVELS, min=1e-30)
        return low + torch.round((values - low) / step) * step, values.numel() + _SCALE


class _Crossing(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, encoded: Tensor, cut: Cut) -> Tensor:
        ctx.cut = cut
        values, count = cut.sent(encoded)
        cut.up_bytes += count
        return values

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        values, count = ctx.cut.sent(gradients[0])
        ctx.cut.down_bytes += count
        return values, None
