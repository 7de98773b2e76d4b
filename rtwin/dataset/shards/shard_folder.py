"""A dataset in the making: finished shards beside the file that they will become.

`FILE.parts/` holds the plan and one file per finished shard. Shards appear whole
or not at all, so a killed run loses at most the shard it was working on.
"""

import contextlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from rtwin.dataset.schema import LINK_VARIABLES, PATH_VARIABLES, Variable
from rtwin.dataset.store import (
    RESUME,
    ChunkThreads,
    create_variable,
    file_image,
    plain_errors,
    sole_writer,
    write_whole,
)
from rtwin.errors import StoreError
from rtwin.files import target_of

# What a folder of shards can hold, left-overs of killed runs among it.
_OURS = re.compile(r"lock|plan\.json|shard-\d{6}\.h5|merged\.h5|space")
SHARD_VARIABLES = tuple(v for v in LINK_VARIABLES if v.name in ("num_paths", "dropped_path_gain"))
Layout = tuple[Variable, ...]
DATASET_LAYOUT: Layout = (*SHARD_VARIABLES, *PATH_VARIABLES)


@dataclass(frozen=True)
class ShardFolder:
    """The folder of a dataset, a map or a twin in the making."""

    target: Path
    layout: Layout = DATASET_LAYOUT  # of its shards

    @property
    def path(self) -> Path:
        return self.target.with_name(self.target.name + ".parts")

    def shard(self, number: int) -> Path:
        return self.path / f"shard-{number:06d}.h5"

    @contextlib.contextmanager
    def opened(self, plan: dict[str, Any]) -> Iterator[None]:
        """Create or resume the folder for one plan, and keep other writers out."""
        self._check_ours()
        with plain_errors(self.target, RESUME):
            self.path.mkdir(parents=True, exist_ok=True)
        with sole_writer(self.path, self.target):
            self._resume_or_start(plan)
            yield

    def _resume_or_start(self, plan: dict[str, Any]) -> None:
        file = self.path / "plan.json"
        text = json.dumps(plan, sort_keys=True)
        if file.exists() and file.read_text() != text:
            # The unfinished work is of another recipe: it can never be used again.
            self.clear_shards()
        if not file.exists():
            with plain_errors(self.target, RESUME):
                write_whole(file, text.encode())

    def _check_ours(self) -> None:
        """Refuse a folder of that name which holds somebody's files."""
        if os.path.lexists(self.path) and not self.path.is_dir():
            raise StoreError(f"{self.path}: is in the way; move it, or choose another name")
        theirs = [file.name for file in self._files() if not _is_ours(file)]
        if theirs:
            raise StoreError(
                f"{self.path}: holds {theirs[0]}, which is not rtwin's; shards go there: move it, "
                "or choose another name"
            )

    def _files(self) -> list[Path]:
        return sorted(self.path.iterdir()) if self.path.is_dir() else []

    def clear_shards(self) -> None:
        for old in self._files():
            if _is_ours(old) and old.name != "lock":
                old.unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove what rtwin wrote, and the folder if nothing else is in it."""
        with contextlib.suppress(OSError):
            for old in self._files():
                if _is_ours(old):
                    old.unlink(missing_ok=True)
            self.path.rmdir()

    def is_finished(self, number: int) -> bool:
        """Whether a shard is there and whole; a broken one is thrown away."""
        if not self.shard(number).exists():
            return False
        try:
            with h5py.File(self.shard(number), "r") as file:
                return all(variable.name in file for variable in self.layout)
        except OSError:
            self.shard(number).unlink()
            return False

    def write(self, number: int, arrays: dict[str, NDArray[Any]]) -> None:
        """Store one shard; it appears under its name only when it is complete."""
        with plain_errors(self.target, RESUME):
            write_whole(self.shard(number), shard_image(arrays, self.layout))

    def read(self, number: int) -> dict[str, NDArray[Any]]:
        """The variables of a finished shard."""
        with plain_errors(self.target, RESUME), h5py.File(self.shard(number), "r") as file:
            return {variable.name: file[variable.name][...] for variable in self.layout}

    def write_image(self, number: int, image: bytes) -> None:
        """Store the file of one shard; it appears under its name only when it is complete."""
        with plain_errors(self.target, RESUME):
            write_whole(self.shard(number), image)

    def merged_bytes(self, num_shards: int) -> int:
        """An upper estimate of the size of the finished file."""
        sizes = [self.shard(number).stat().st_size for number in range(num_shards)]
        return int(1.1 * sum(sizes)) + 2**20

    def create_merged(self, file: h5py.File, num_shards: int) -> None:
        """Create the shards' variables in the file that they become, without values."""
        for variable in self.layout:
            shapes = [dataset.shape for dataset in self._stored(variable.name, num_shards)]
            total = sum(shape[0] for shape in shapes)
            create_variable(file, variable, (total, *shapes[0][1:]))

    def merged_rows(
        self, name: str, num_shards: int, threads: ChunkThreads
    ) -> Iterator[NDArray[Any]]:
        """The rows of a variable of all shards, some at a time."""
        for dataset in self._stored(name, num_shards):
            yield from threads.rows(dataset)

    def _stored(self, name: str, num_shards: int) -> Iterator[h5py.Dataset]:
        for number in range(num_shards):
            with h5py.File(self.shard(number), "r") as shard:
                yield shard[name]


def _is_ours(file: Path) -> bool:
    return bool(_OURS.fullmatch(target_of(file).name))


def shard_image(arrays: dict[str, NDArray[Any]], layout: Layout = DATASET_LAYOUT) -> bytes:
    """The file of one shard, as bytes."""

    def build(file: h5py.File) -> None:
        for variable in layout:
            data = arrays[variable.name]
            create_variable(file, variable, np.shape(data), data)

    return file_image(build)


def shard_ranges(num_receivers: int, shard_size: int) -> list[tuple[int, int]]:
    """First and last-plus-one receiver of each shard."""
    starts = range(0, num_receivers, shard_size)
    return [(start, min(start + shard_size, num_receivers)) for start in starts]
