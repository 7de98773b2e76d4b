"""SINR of every resource block and layer: beams, interference, a linear MMSE receiver.

Transmitters know the covariance of their channel over the carrier and over a row, and send the
layers of a user along its strongest eigenvectors. Interferers send to somebody else, on average
in all directions alike; each is heard as often as its load says.
"""

import numpy as np

from rtwin.arrays import Complexes, Floats, Ints


def block_sinr(
    response: Complexes,
    power_w: Floats,
    ports: Ints,
    load: Floats,
    noise_w: float,
    max_layers: int,
) -> Floats:
    """SINR behind the receiver of every place for every transmitter, as if that one served.

    Args:
        response: [place, tx, rx_port, tx_port, time, block]; 0 for ports that a transmitter does
            not have.
        power_w: Power of each transmitter in a block, [tx].
        ports: Ports of each transmitter, [tx].
        load: Share of time in which each transmitter sends, [place, tx].
        noise_w: Noise of a port in a block.
        max_layers: Most layers of a user.
    Returns:
        Linear, [place, tx, time, block, layer]; NaN for layers that are not sent. Their number
        is that with the most capacity, alike for all times and blocks.
    Source: Paulraj, Nabar, Gore, Introduction to Space-Time Wireless Communications, eq. 7.24;
    checked by tests/link/layer/test_receiver.py.
    """
    num_rx, num_ports = response.shape[2:4]
    # [place, tx, time, block, rx, port]
    h = np.moveaxis(response, (2, 3), (-2, -1))
    share = np.sqrt(power_w / ports)[:, None, None, None, None]
    heard = h * share * np.sqrt(load)[:, :, None, None, None, None]
    own = heard @ np.swapaxes(heard, -1, -2).conj()
    noise = noise_w * np.eye(num_rx)
    around = own.sum(axis=1, keepdims=True) - own + noise
    most = min(max_layers, num_rx, num_ports)
    if num_ports > 1:
        h = h @ _beams(h, most)
    best, capacity = None, None
    for layers in range(1, most + 1):
        sent = h[..., :layers] * np.sqrt(power_w / layers)[:, None, None, None, None]
        sinr = _mmse(sent, around)
        rate = np.log2(1.0 + sinr).sum(axis=-1).mean(axis=(2, 3))  # [place, tx]
        padded = np.full((*sinr.shape[:-1], most), np.nan)
        padded[..., :layers] = sinr
        if best is None or capacity is None:
            best, capacity = padded, rate
        else:
            better = rate > capacity
            best = np.where(better[..., None, None, None], padded, best)
            capacity = np.maximum(rate, capacity)
    assert best is not None
    return best


def _beams(h: Complexes, count: int) -> Complexes:
    """Strongest eigenvectors of the transmit covariance, [place, tx, 1, 1, port, beam]."""
    covariance = (np.swapaxes(h, -1, -2).conj() @ h).mean(axis=(2, 3), keepdims=True)
    _, vectors = np.linalg.eigh(covariance)
    return vectors[..., ::-1][..., :count]


def _mmse(sent: Complexes, around: Complexes) -> Floats:
    """SINR of each layer behind an MMSE receiver, [..., layer]."""
    if sent.shape[-2] == 1:
        power = np.square(np.abs(sent[..., 0, :]))
        return power / around[..., 0, :].real
    seen = np.swapaxes(sent, -1, -2).conj() @ np.linalg.solve(around, sent)
    if seen.shape[-1] == 1:
        return seen[..., 0].real
    left = np.linalg.inv(np.eye(seen.shape[-1]) + seen)
    return np.maximum(1.0 / np.diagonal(left, axis1=-2, axis2=-1).real - 1.0, 0.0)
