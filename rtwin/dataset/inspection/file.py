"""One of rtwin's files, open for reading: what comes out of it has been checked."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from rtwin.dataset.inspection.attributes import (
    Attributes,
    attribute_problems,
    read_attributes,
)
from rtwin.dataset.inspection.container import (
    DAMAGE,
    first_line,
    is_folder,
    open_container,
    printable,
    texts_bounded,
)
from rtwin.dataset.inspection.limits import Limits, limits_of
from rtwin.dataset.schema import FORMAT_VERSION, Variable, layout_of
from rtwin.errors import StoreError

ADVICE = "`rtwin validate` says what else is wrong"
_FIXED = {"xyz": 3, "angle": 3}
_TEXT_BYTES = 2**28  # at most so much is read of texts at once
_SNAPSHOT = re.compile(r"\d{6}\.h5")


def is_snapshot_name(file: Path) -> bool:
    """Whether a file is named as the snapshots of a twin are."""
    return _SNAPSHOT.fullmatch(file.name) is not None


def snapshot_files(folder: Path) -> list[Path]:
    """The snapshots of a twin's folder, oldest first; what a killed run left is none."""
    return sorted(file for file in folder.iterdir() if _SNAPSHOT.fullmatch(file.name))


class CheckedFile:
    """A file of rtwin, read like an h5py.File; values are checked as they are read.

    Use it in a `with` block. Variables of the layout hold what
    rtwin.dataset.inspection.limits says, or reading them is a StoreError.
    """

    def __init__(self, path: Path, h5: h5py.File) -> None:
        self.path = path
        self.h5 = h5
        self.attrs: Attributes = read_attributes(str(path), h5)
        self.kind = str(self.attrs.get("format"))
        self.layout: tuple[Variable, ...] = layout_of(self.attrs) or ()
        self.sizes: dict[str, int] = dict(_FIXED)
        self._known = {variable.name: variable for variable in self.layout}

    def __enter__(self) -> "CheckedFile":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self.h5.close()

    @property
    def is_open(self) -> bool:
        """Whether it has not been closed."""
        return bool(self.h5)

    @property
    def filename(self) -> str:
        """The name of the file."""
        return str(self.path)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self.h5

    def __iter__(self) -> Iterator[str]:
        return iter(self.h5)

    def __getitem__(self, name: str) -> Any:
        """A variable, or a group as h5py gives it.

        Raises:
            StoreError: if there is none of that name.
        """
        try:
            if name not in self.h5:
                raise StoreError(f"{self.path}: variable {name!r} is missing; the file is damaged")
            item = self.h5[name]
            if isinstance(item, h5py.Dataset):
                return CheckedVariable(self, item, self._known.get(name))
            return item
        except StoreError:
            raise
        except DAMAGE as error:
            raise StoreError(
                f"{self.path}: {name} cannot be read ({first_line(error)}); the file is damaged"
            ) from None

    def variables(self) -> list[str]:
        """Names of all variables of the root, coordinates among them."""
        try:
            return [name for name in self.h5 if isinstance(self.h5[name], h5py.Dataset)]
        except DAMAGE as error:
            raise StoreError(
                f"{self.path}: cannot be read ({first_line(error)}); the file is damaged"
            ) from None

    def layout_problems(self) -> list[str]:
        """What is wrong with variables, without reading their values; one line each."""
        problems = []
        for variable in self.layout:
            try:
                problems += self._variable_problems(variable)
            except DAMAGE as error:
                problems.append(f"{variable.name} cannot be read ({first_line(error)})")
        return problems

    def _variable_problems(self, variable: Variable) -> list[str]:
        name = variable.name
        if name not in self.h5:
            return [f"variable {name!r} is missing"]
        data = self.h5[name]
        if not isinstance(data, h5py.Dataset):
            return [f"{name} is a group, it must be a variable"]
        if data.ndim != len(variable.dims) or data.shape is None:
            return [f"{name} has {data.ndim} dimensions, it must have {variable.dims}"]
        problems = []
        is_text = variable.dtype == "str"
        right = h5py.check_string_dtype(data.dtype) if is_text else None
        if (is_text and right is None) or (not is_text and data.dtype != np.dtype(variable.dtype)):
            problems.append(f"{name} is of type {data.dtype}, it must be {variable.dtype}")
        for dim, size in zip(variable.dims, data.shape, strict=True):
            if self.sizes.setdefault(dim, size) != size:
                problems.append(f"{name} has {size} along {dim}, others have {self.sizes[dim]}")
        return problems

    def header_problems(self) -> list[str]:
        """What is wrong with attributes, and with the recipe against the variables."""
        problems = attribute_problems(self.kind, self.attrs)
        for dim in ("tx", "cell_y", "cell_x", "time", "ue"):
            if self.sizes.get(dim) == 0:
                problems.append(f"has no {dim}, it must have 1 or more")
        if problems or "recipe" not in self.attrs or "tx" not in self.sizes:
            return problems
        tables = json.loads(self.attrs["recipe"]).get("transmitter")
        named = (
            [table.get("name") for table in tables if isinstance(table, Mapping)]
            if isinstance(tables, Sequence)
            else None
        )
        if named != self["tx_name"].asstr()[...].tolist():
            problems.append("the recipe's transmitters are not those of tx_name")
        return problems


class CheckedVariable:
    """A variable of a file, read like an h5py.Dataset."""

    def __init__(self, file: CheckedFile, data: h5py.Dataset, variable: Variable | None) -> None:
        self._file = file
        self._data = data
        self._variable = variable
        self.name = data.name.removeprefix("/")
        self.shape: tuple[int, ...] = data.shape
        self.dtype = data.dtype
        self.ndim: int = data.ndim
        self.size = int(data.size or 0)
        self.dims = data.dims
        self.is_scale = bool(data.is_scale)

    def __len__(self) -> int:
        return self.shape[0]

    @cached_property
    def attrs(self) -> Attributes:
        """Its attributes."""
        return read_attributes(f"{self._file.path}: {self.name}", self._data)

    def __getitem__(self, rows: Any) -> Any:
        """Values; texts as bytes, as h5py gives them.

        Raises:
            StoreError: if they cannot be read, or are none that can be.
        """
        try:
            if self.dtype.kind in "OS":
                return self._texts(rows)
            values = self._data[rows]
        except DAMAGE as error:
            raise StoreError(
                f"{self._file.path}: {self.name} cannot be read ({first_line(error)}); {ADVICE}"
            ) from None
        limits = limits_of(self._file.kind, self._variable) if self._variable else None
        if limits is not None:
            self._check(limits, np.asarray(values))
        return values

    def _check(self, limits: Limits, values: NDArray[Any]) -> None:
        problem = limits.problem(values, self._file.sizes)
        if problem is not None:
            raise StoreError(f"{self._file.path}: {self.name} {problem}; {ADVICE}")

    def _texts(self, rows: Any) -> NDArray[np.object_]:
        """Texts of bounded length in all: many rows may point to one large text."""
        if self.ndim != 1 or h5py.check_string_dtype(self.dtype) is None:
            raise StoreError(f"{self._file.path}: {self.name} is no list of texts; {ADVICE}")
        start, stop, step = (slice(None) if rows is ... else rows).indices(len(self))
        size = max(Path(self._file.path).stat().st_size, 1)
        piece = max(1, _TEXT_BYTES // size)
        found: list[bytes] = []
        total = 0
        for first in range(start, stop, piece):
            with texts_bounded(size):
                block = self._data[first : min(first + piece, stop)]
            total += sum(len(text) for text in block)
            if total > _TEXT_BYTES:
                raise StoreError(f"{self._file.path}: {self.name} holds too much text; {ADVICE}")
            found += block.tolist()
        for text in found:
            if not text.decode().isprintable():
                shown = printable(text.decode(errors="replace"))
                raise StoreError(f"{self._file.path}: {self.name} holds {shown}; {ADVICE}")
        return np.array(found[::step], dtype=object)

    def asstr(self) -> "_Texts":
        """The variable as one of str."""
        return _Texts(self)


class _Texts:
    def __init__(self, variable: CheckedVariable) -> None:
        self._variable = variable

    def __getitem__(self, rows: Any) -> NDArray[np.object_]:
        return np.array([text.decode() for text in self._variable[rows]], dtype=object)


def open_checked(path: str | Path, kind: str | None = None) -> CheckedFile:
    """Open one of rtwin's files for reading; of a twin's folder its newest snapshot.

    Raises:
        StoreError: if it is missing, not HDF5, not rtwin's, of a newer layout, of
            another kind than wanted, holds what leads out of it, or its variables or
            attributes are none that a file of its kind has.
    Checked by tests/dataset/inspection.
    """
    path = Path(path)
    if is_folder(path):
        snapshots = snapshot_files(path)
        if not snapshots:
            raise StoreError(f"{path}: is a folder without snapshots of a twin; give a file")
        path = snapshots[-1]
    file = open_unchecked(path, kind)
    problems = file.layout_problems() or file.header_problems()
    if not file.layout and kind is None:
        problems = [f"format is {printable(file.kind)}, which this rtwin does not know"]
    if problems:
        file.close()
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise StoreError(f"{path}: {problems[0]}{more}; the file is damaged or was changed")
    return file


def open_unchecked(path: Path, kind: str | None = None) -> CheckedFile:
    """A file that is rtwin's by its name and version; nothing else is looked at."""
    h5 = open_container(path)
    try:
        file = CheckedFile(path, h5)
        found, layout_version = file.attrs.get("format"), file.attrs.get("format_version")
        problem = None
        if not isinstance(found, str):
            problem = "an HDF5 file, but not one of rtwin's (no attribute 'format')"
        elif kind is not None and found != kind:
            problem = f"holds {printable(found).strip(chr(39))}, this needs {kind}"
        elif not isinstance(layout_version, int) or layout_version != FORMAT_VERSION:
            problem = (
                f"has layout version {layout_version}, this rtwin reads version {FORMAT_VERSION}; "
                "use the rtwin that wrote it, or generate it again"
            )
        if problem:
            raise StoreError(f"{path}: {problem}")
    except BaseException:
        h5.close()
        raise
    return file


def problems_of(file: CheckedFile) -> Iterator[str]:
    """What is wrong with the values of a file's layout, one line each variable."""
    for variable in file.layout:
        try:
            data = file[variable.name]
            rows = max(1, 2**22 // max(1, int(np.prod(data.shape[1:], dtype=np.int64))))
            for start in range(0, len(data), rows):
                _ = data[start : start + rows]
        except StoreError as error:
            text = str(error).removeprefix(f"{file.path}: ")
            yield text.removesuffix(f"; {ADVICE}")
