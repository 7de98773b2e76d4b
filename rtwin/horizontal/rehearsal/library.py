"""The library of rehearsed edits: what each would change, sparse, in memory and in a file.

    munich.twin/rehearsal.h5

Only cells that an edit changes are kept: its gain by 0.1 dB or more, its delay
spread by a nanosecond, its line of sight.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from scipy import sparse

from rtwin.arrays import Bools, Floats, Ints
from rtwin.dataset.inspection import open_checked
from rtwin.dataset.store import plain_errors, write_header, write_image
from rtwin.errors import StoreError
from rtwin.horizontal.levels import FLOOR_DB, floored_db
from rtwin.horizontal.rehearsal.hypotheses import Hypothesis
from rtwin.horizontal.twin import Maps

LIBRARY_FILE = "rehearsal.h5"
LIBRARY_FORMAT = "rtwin-rehearsal"
LEAST_DB, LEAST_NS = 0.1, 1.0
_COLUMNS = {"cell": np.int32, "gain_db": np.float16, "spread_ns": np.float16, "sight": np.int8}
_ENTRY_BYTES = sum(np.dtype(dtype).itemsize for dtype in _COLUMNS.values())


@dataclass(frozen=True, eq=False)
class Rehearsed:
    """One edit and what it changes.

    Attributes:
        hypothesis: The edit.
        cell: Columns that change, transmitter * cells + cell, ascending, [change].
        gain_db: By how much the path gain changes [dB], [change].
        spread_ns: By how much the delay spread changes [ns], [change].
        sight: Line of sight lost (-1), won (1) or as before (0), [change].
        seconds: What simulating it took.
        hashes: scene_hash and geometry_hash of the edited world, as far as known.
    """

    hypothesis: Hypothesis
    cell: Ints
    gain_db: Floats
    spread_ns: Floats
    sight: Ints
    seconds: float = 0.0
    hashes: tuple[str, ...] = ()

    @property
    def effect_db2(self) -> float:
        """Sum of squared changes of the path gain [dB^2]."""
        return float(np.square(self.gain_db).sum())

    @property
    def num_bytes(self) -> int:
        """What it takes in memory and, before compression, in the file."""
        return _ENTRY_BYTES * len(self.cell)


def rehearsed(
    hypothesis: Hypothesis,
    before: Maps,
    after: Maps,
    names: tuple[Sequence[str], Sequence[str]],
    seconds: float = 0.0,
) -> Rehearsed:
    """What an edit changes, from maps before and after.

    Args:
        hypothesis: The edit.
        before: Maps of the twin, [tx, cell_y, cell_x] each.
        after: Maps of the edited world.
        names: Transmitters before and after; one that is gone leaves nothing.
        seconds: What simulating took.
    """
    rows = [names[1].index(name) if name in names[1] else -1 for name in names[0]]

    def change(name: str, scale: float, empty: float) -> Floats:
        values = after[name].reshape(len(names[1]), -1).astype(np.float64)
        new = np.stack([values[r] if r >= 0 else np.full(values.shape[1], empty) for r in rows])
        old = before[name].reshape(len(rows), -1).astype(np.float64)
        found: Floats = (np.nan_to_num(new) - np.nan_to_num(old)).ravel() * scale
        return found

    gains = [maps["path_gain"].reshape(len(maps["path_gain"]), -1) for maps in (before, after)]
    gone = np.zeros(gains[0].shape[1])
    new = np.stack([gains[1][r] if r >= 0 else gone for r in rows])
    gain = (floored_db(new) - floored_db(gains[0])).ravel()
    spread = change("rms_delay_spread_s", 1e9, 0.0)
    sight = np.sign(change("line_of_sight", 1.0, 0.0)).astype(np.int64)
    cell = np.flatnonzero((np.abs(gain) >= LEAST_DB) | (np.abs(spread) >= LEAST_NS) | (sight != 0))
    return Rehearsed(hypothesis, cell, gain[cell], spread[cell], sight[cell], seconds)


@dataclass(frozen=True, eq=False)
class Library:
    """Rehearsed edits of one world.

    Attributes:
        scene_hash: Of the world that they start from.
        tx_names: Its transmitters.
        num_cells: Cells of its map.
        entries: The rehearsed edits, in the order that they were simulated.
        num_impossible: Hypotheses that were drawn and cannot be, and so are not entries.
    """

    scene_hash: str
    tx_names: tuple[str, ...]
    num_cells: int
    entries: tuple[Rehearsed, ...] = ()
    num_impossible: int = 0

    def __len__(self) -> int:
        return len(self.entries)

    @property
    def num_columns(self) -> int:
        """Transmitters times cells."""
        return len(self.tx_names) * self.num_cells

    @property
    def num_bytes(self) -> int:
        """Of all entries, before compression."""
        return sum(entry.num_bytes for entry in self.entries)

    @cached_property
    def gain_db(self) -> Any:
        """Changes of the path gain [dB], SciPy CSR, [entry, tx * cells + cell]."""
        return self._matrix("gain_db")

    @cached_property
    def gain_by_cell(self) -> Any:
        """The same by columns."""
        return self.gain_db.tocsc()

    @cached_property
    def spread_ns(self) -> Any:
        """Changes of the delay spread [ns], SciPy CSR."""
        return self._matrix("spread_ns")

    @cached_property
    def sight(self) -> Any:
        """Changes of the line of sight, SciPy CSR."""
        return self._matrix("sight")

    def _matrix(self, name: str) -> Any:
        starts = np.concatenate([[0], np.cumsum([len(e.cell) for e in self.entries])])
        columns = np.concatenate([[], *(e.cell for e in self.entries)]).astype(np.int32)
        values = np.concatenate([[], *(getattr(e, name) for e in self.entries)])
        shape = (len(self.entries), self.num_columns)
        return sparse.csr_matrix((values.astype(np.float32), columns, starts), shape)

    def at(self, columns: Ints) -> Floats:
        """Changes of the path gain at some columns, [entry, row] dB."""
        if not len(self.entries):
            return np.zeros((0, len(columns)))
        found: Floats = self.gain_by_cell[:, columns].toarray().astype(np.float64)
        return found

    def pruned(self, max_bytes: int) -> "Library":
        """Without the entries of least effect per byte, until it fits into a memory budget."""
        total, kept = self.num_bytes, np.ones(len(self), bool)
        worth = [entry.effect_db2 / max(entry.num_bytes, 1) for entry in self.entries]
        for row in np.argsort(worth, kind="stable"):
            if total <= max_bytes:
                break
            total -= self.entries[row].num_bytes
            kept[row] = False
        return replace(self, entries=_some(self.entries, kept))

    def after_update(
        self,
        scene_hash: str,
        tx_names: Sequence[str],
        is_touched: Bools,
        names: Iterable[str],
        most: float = 0.05,
    ) -> "Library":
        """What stays valid when the twin itself is updated.

        Args:
            scene_hash: Of the world after the update.
            tx_names: Its transmitters.
            is_touched: Cells whose paths the update changed, [tx after, cell].
            names: Objects and transmitters that the update edited.
            most: Share of an entry's squared effect that may lie in touched cells.
        Returns:
            Entries that name none of them and act where nothing was touched.
        """
        edited, order = set(names), []
        for name in self.tx_names:
            order.append(list(tx_names).index(name) if name in tx_names else -1)
        touched = np.concatenate(
            [is_touched[row] if row >= 0 else np.ones(self.num_cells, bool) for row in order]
        )
        if tuple(tx_names) != self.tx_names:
            return replace(self, scene_hash=scene_hash, tx_names=tuple(tx_names), entries=())
        kept = []
        for entry in self.entries:
            effect = np.square(entry.gain_db)
            overlap = effect[touched[entry.cell]].sum() / max(effect.sum(), 1e-12)
            members = {entry.hypothesis.subject, *entry.hypothesis.detail.get("members", ())}
            kept.append(not (members & edited) and overlap <= most)
        # Hashes are those of worlds without this update.
        stay = tuple(replace(e, hashes=()) for e in _some(self.entries, np.array(kept, bool)))
        return replace(self, scene_hash=scene_hash, entries=stay)


def _some(entries: tuple[Rehearsed, ...], kept: Bools) -> tuple[Rehearsed, ...]:
    return tuple(entry for entry, stays in zip(entries, kept, strict=True) if stays)


def write_library(file: Path, library: Library) -> None:
    """Write a library whole.

    Raises:
        StoreError: if it cannot be written.
    """
    entries = library.entries

    def build(h5: h5py.File) -> None:
        facts = ("scene_hash", "num_cells", "num_impossible")
        write_header(h5, LIBRARY_FORMAT, {name: getattr(library, name) for name in facts})
        text = h5py.string_dtype()
        h5.create_dataset("tx_name", data=list(library.tx_names), dtype=text)
        told = [
            json.dumps([h.kind, h.subject, h.values, h.detail, hashes])
            for h, hashes in ((entry.hypothesis, entry.hashes) for entry in entries)
        ]
        h5.create_dataset("hypothesis", data=told, shape=(len(told),), dtype=text)
        h5.create_dataset("seconds", data=np.array([e.seconds for e in entries], np.float64))
        h5.create_dataset("num_changes", data=np.array([len(e.cell) for e in entries], np.int64))
        for name, dtype in _COLUMNS.items():
            values = np.concatenate([np.zeros(0), *(getattr(e, name) for e in entries)])
            h5.create_dataset(
                name, data=values.astype(dtype), compression="gzip" if len(values) else None
            )

    with plain_errors(file):
        write_image(file, build)


def read_library(file: Path) -> Library:
    """Read a library.

    Raises:
        StoreError: if it is missing, broken or foreign.
    """
    with open_checked(file, LIBRARY_FORMAT) as h5:
        try:
            names = tuple(h5["tx_name"].asstr()[...])
            num_cells = int(h5.attrs["num_cells"])
            counts = h5["num_changes"][...]
            columns = {name: h5[name][...] for name in _COLUMNS}
            told = [json.loads(line) for line in h5["hypothesis"].asstr()[...]]
            seconds = h5["seconds"][...]
            total = int(counts.sum())
            ok = len(told) == len(counts) == len(seconds) and (counts >= 0).all()
            ok &= all(len(values) == total for values in columns.values())
            cell = columns["cell"].astype(np.int64)
            ok &= ((cell >= 0) & (cell < num_cells * len(names))).all()
            if not ok:
                raise ValueError
            ends = np.cumsum(counts)
            entries = []
            for row, (kind, subject, values, detail, *more) in enumerate(told):
                part = slice(ends[row] - counts[row], ends[row])
                hypothesis = Hypothesis(kind, subject, tuple(values), detail)
                assert hypothesis.edits
                entries.append(
                    Rehearsed(
                        hypothesis,
                        cell[part],
                        columns["gain_db"][part].astype(np.float64),
                        columns["spread_ns"][part].astype(np.float64),
                        columns["sight"][part].astype(np.int64),
                        float(seconds[row]),
                        tuple(str(each) for each in (more[0] if more else ())),
                    )
                )
            return Library(
                str(h5.attrs["scene_hash"]),
                names,
                num_cells,
                tuple(entries),
                int(h5.attrs["num_impossible"]),
            )
        except (KeyError, ValueError, OSError, TypeError, AssertionError):
            raise StoreError(f"{file}: a library that is damaged; rehearse again") from None


def floor_change_db(gain_db: Floats, change_db: Floats) -> Floats:
    """Changes that leave no gain below the floor [dB]."""
    return np.maximum(gain_db + change_db, FLOOR_DB) - gain_db
