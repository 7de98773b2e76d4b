"""What path formats read: chosen links of a dataset, in bounded blocks.

Only paths that carry power are seen. Where a link may keep its strongest paths
only, what that leaves out is counted, never silent.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Floats, Ints
from rtwin.channel import AntennaArray, PathSet
from rtwin.channel.segments import rank_in_row, segment_sum
from rtwin.dataset import PathDataset
from rtwin.dataset.schema import PORT_LABELS, tx_port_labels
from rtwin.errors import OutOfRangeError

PATHS_PER_BLOCK = 2**17


@dataclass(frozen=True)
class Block:
    """Some receivers with all their links.

    Attributes:
        rx: First receiver of the view and the one after the last.
        paths: Their paths; link = (rx - first) * num_tx + tx.
        rows: Row in the dataset of each path, [path].
    """

    rx: slice
    paths: PathSet
    rows: Ints


@dataclass(frozen=True)
class PathView:
    """Chosen links of a dataset of paths.

    Attributes:
        dataset: The dataset, open.
        tx: Rows of the chosen transmitters, ascending, [tx].
        rx: Rows of the chosen receivers, ascending, [rx].
        tx_port, rx_port: The one port of each end that is seen; None for all.
        strongest_paths: Most paths of a link; None for all.
    """

    dataset: PathDataset
    tx: Ints
    rx: Ints
    tx_port: int | None = None
    rx_port: int | None = None
    strongest_paths: int | None = None

    @property
    def num_tx(self) -> int:
        """Number of chosen transmitters."""
        return len(self.tx)

    @property
    def num_rx(self) -> int:
        """Number of chosen receivers."""
        return len(self.rx)

    @property
    def num_links(self) -> int:
        """Number of chosen links."""
        return self.num_tx * self.num_rx

    @property
    def frequency_hz(self) -> float:
        """Carrier frequency [Hz]."""
        return self.dataset.frequency_hz

    def of_tx(self, name: str) -> NDArray[Any]:
        """A variable of the chosen transmitters."""
        return self.dataset.read(name)[self.tx]

    def of_rx(self, name: str) -> NDArray[Any]:
        """A variable of the chosen receivers."""
        return self.dataset.read(name)[self.rx]

    def of_paths(self, name: str, block: Block) -> NDArray[Any]:
        """A variable of the paths of a block."""
        if block.rows.size == 0:
            return self.dataset.read(name, slice(0, 0))
        first = int(block.rows[0])
        return self.dataset.read(name, slice(first, int(block.rows[-1]) + 1))[block.rows - first]

    def arrays(self, block: Block) -> tuple[AntennaArray, AntennaArray]:
        """Transmit and receive arrays of the recipe, turned as the devices of each link are."""
        rx = self.rx[block.rx]
        num_tx = self.dataset.num_tx
        first, last = int(rx[0]) * num_tx, (int(rx[-1]) + 1) * num_tx
        links = ((rx[:, None] * num_tx + self.tx) - first).ravel()
        tx_array, rx_array = self.dataset.arrays(first, last)
        return tx_array.take(links), rx_array.take(links)

    def one_port(self, tool: str) -> "PathView":
        """This view, if one transmit port meets one receive port.

        Raises:
            OutOfRangeError: if there are several and none is chosen.
        """
        recipe = self.dataset.recipe
        of_rx = PORT_LABELS[recipe.receivers.antenna.polarization]
        for end, labels, port in (
            ("tx", tx_port_labels(recipe, self.tx), self.tx_port),
            ("rx", of_rx, self.rx_port),
        ):
            if port is None and len(labels) > 1:
                raise OutOfRangeError(
                    f"the {end} antennas have the polarisations {' and '.join(labels)}, {tool} "
                    f"holds one; choose it with {end}_port (--{end}-port), e.g. {labels[0]!r}"
                )
        return self

    @cached_property
    def time_s(self) -> Floats | None:
        """Times of the receivers [s], [rx]; None where they stand.

        Raises:
            OutOfRangeError: if some have a time and others none.
        """
        time_s = self.of_rx("rx_time_s")
        timeless = np.isnan(time_s)
        if timeless.all():
            return None
        if timeless.any():
            raise OutOfRangeError(
                f"{timeless.sum()} of {len(time_s)} receivers have no time; export those that "
                "move and those that stand apart, with rx (--rx)"
            )
        return time_s

    @cached_property
    def tracks(self) -> list[slice]:
        """Receivers of each moving device; one that stands is a track of one.

        A track ends where time no longer grows.
        """
        if self.time_s is None:
            return [slice(n, n + 1) for n in range(self.num_rx)]
        starts = np.flatnonzero(np.diff(self.time_s, prepend=np.inf) <= 0)
        return [
            slice(int(a), int(b)) for a, b in zip(starts, [*starts[1:], self.num_rx], strict=True)
        ]

    @cached_property
    def _survey(self) -> tuple[Ints, int, float]:
        """Paths that are seen, [rx, tx]; paths left out; largest share of a link's gain lost."""
        counts = np.zeros((self.num_rx, self.num_tx), np.int64)
        left_out, worst = 0, 0.0
        for block in replace(self, strongest_paths=None).blocks():
            num_paths = block.paths.num_paths
            if self.strongest_paths is not None:
                _, dropped = block.paths.strongest_rows(self.strongest_paths)
                gain = segment_sum(block.paths.power, num_paths)
                share = np.divide(dropped, gain, out=np.zeros_like(gain), where=gain > 0)
                worst = max(worst, float(share.max(initial=0.0)))
                left_out += int(np.maximum(num_paths - self.strongest_paths, 0).sum())
                num_paths = np.minimum(num_paths, self.strongest_paths)
            counts[block.rx] = num_paths.reshape(-1, self.num_tx)
        return counts, left_out, worst

    @property
    def num_paths(self) -> Ints:
        """Number of paths that are seen of each link, [rx, tx]; the first call reads the file."""
        return self._survey[0]

    @property
    def left_out(self) -> str:
        """What the strongest paths leave out, in words; "" if nothing was to be left out."""
        if self.strongest_paths is None:
            return ""
        _, count, share = self._survey
        return f"{count} weaker paths, at most {100 * share:.3g} % of a link's path gain"

    def blocks(self, paths_per_block: int = PATHS_PER_BLOCK) -> Iterator[Block]:
        """All links, receivers in order, a bounded number of paths at a time.

        A receiver is never cut, so that one with very many paths is a block alone.
        """
        num_tx = self.dataset.num_tx
        per_rx = self.dataset.num_paths.reshape(-1, num_tx).sum(axis=1)[self.rx]
        ends = np.cumsum(per_rx + 1)  # a receiver without a path takes room too
        first = 0
        while first < self.num_rx:
            done = ends[first - 1] if first else 0
            last = int(np.searchsorted(ends, done + paths_per_block, side="right"))
            last = max(first + 1, last)
            # Rows of the file are read in one piece, so that receivers far apart are not.
            step = np.flatnonzero(np.diff(self.rx[first:last]) != 1)
            last = first + 1 + int(step[0]) if step.size else last
            yield self._block(slice(first, last))
            first = last

    def _block(self, rx: slice) -> Block:
        num_tx = self.dataset.num_tx
        start, stop = int(self.rx[rx.start]) * num_tx, (int(self.rx[rx.stop - 1]) + 1) * num_tx
        paths = self.dataset.paths(start, stop)
        links = (np.arange(rx.stop - rx.start)[:, None] * num_tx + self.tx).ravel()
        num_paths = paths.num_paths[links]
        chosen = np.repeat(paths.offsets[links], num_paths) + rank_in_row(num_paths)
        paths = paths.take(chosen, num_paths)
        rows = chosen + self.dataset.path_rows(start, stop).start
        if self.tx_port is not None:
            paths = replace(paths, a=paths.a[:, :, [self.tx_port]])
        if self.rx_port is not None:
            paths = replace(paths, a=paths.a[:, [self.rx_port], :])
        paths, rows = _take(paths, rows, np.flatnonzero(paths.power > 0))
        if self.strongest_paths is not None:
            keep, _ = paths.strongest_rows(self.strongest_paths)
            paths, rows = _take(paths, rows, keep)
        return Block(rx, paths, rows)


def _take(paths: PathSet, rows: Ints, keep: Ints) -> tuple[PathSet, Ints]:
    """Some of the paths, ascending, in the same links."""
    if len(keep) == len(rows):
        return paths, rows
    num_paths = np.bincount(paths.link_index[keep], minlength=paths.num_links)
    return paths.take(keep, num_paths), rows[keep]


def chosen_rows(end: str, text: str, count: int) -> Ints:
    """Rows named by a text such as "0,3,10:20", ascending; "" for all.

    Raises:
        OutOfRangeError: if the text is no such list, or a row is not there or named twice.
    """
    if not text:
        return np.arange(count)
    rows: list[int] = []
    for part in text.split(","):
        first, colon, last = part.partition(":")
        try:
            start = int(first) if first.strip() or not colon else 0
            stop = (int(last) if last.strip() else count) if colon else start + 1
        except ValueError:
            raise OutOfRangeError(
                f"{end} is {text!r}; it must be rows and ranges such as '0,3,10:20'"
            ) from None
        if not 0 <= start < stop <= count:
            raise OutOfRangeError(f"{end} is {text!r}; the file has rows 0 to {count - 1}")
        rows += range(start, stop)
    if len(set(rows)) != len(rows):
        raise OutOfRangeError(f"{end} is {text!r}; it names a row twice")
    return np.array(sorted(rows), np.int64)


def chosen_port(end: str, label: str, labels: tuple[str, ...]) -> int | None:
    """Number of the port of a name; None for all, or if there is one only.

    Raises:
        OutOfRangeError: if there is no such port.
    """
    if label in labels:
        return labels.index(label)
    if not label:
        return None
    raise OutOfRangeError(f"{end}_port is {label!r}; the file has {', '.join(labels)}")
