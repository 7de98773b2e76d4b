"""Reading tables of measurements: CSV, Parquet and HDF5, as columns of plain arrays."""

import csv
from pathlib import Path
from typing import Any, TextIO

import h5py
import numpy as np
from numpy.typing import NDArray

from rtwin.dataset.inspection import DAMAGE, open_container
from rtwin.errors import CampaignError, MissingExtraError, StoreError
from rtwin.extras import needs
from rtwin.files import check_name
from rtwin.scene._model import nearest, one_line
from rtwin.scene.columns import same_meaning

TABLE_SUFFIXES = (".csv", ".parquet", ".h5", ".hdf5")
MAX_TABLE_BYTES = 2**30
_MAX_HEADING = 2**16
_DELIMITERS = ",;\t|"
_MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "-", "--", "?"})
Columns = dict[str, NDArray[Any]]
Fields = dict[str, str]


def read_table(file: Path, wanted: set[str], fields: dict[str, str] | None = None) -> Columns:
    """The wanted columns of a table, all of one length.

    Args:
        file: A .csv, .parquet, .h5 or .hdf5 file.
        wanted: Names of the columns.
        fields: By column, the key of [measurements] that names it, for messages.
    Returns:
        Arrays by name: float64 where every value is a number (empty ones, `NA`, `null`,
        `-` and the like are NaN), text otherwise; HDF5 may hold [row, bin] as well.
        CSV may be divided by commas, semicolons (with commas in numbers), tabs or bars,
        and have lines that begin with # before its heading.
    Raises:
        CampaignError: if the file is missing, unreadable, of another kind, too
            large, or lacks a column.
        MissingExtraError: for Parquet without pyarrow.
    Checked by tests/calibration/campaign/test_measurements.py.
    """
    readers = dict(zip(TABLE_SUFFIXES, (_csv, _parquet, _hdf5, _hdf5), strict=True))
    if file.suffix.lower() not in readers:
        raise CampaignError(f"{file}: a table ends in {', '.join(readers)}; convert it")
    try:
        check_name(file)
    except StoreError as error:
        raise CampaignError(str(error)) from None
    if not file.is_file():
        raise CampaignError(
            f"{file}: no such file; put the measurements there, or name their folder with --data"
        )
    size = file.stat().st_size
    if size > MAX_TABLE_BYTES:
        raise CampaignError(f"{file}: has {size / 2**20:.0f} MiB; at most 1024 are read: split it")
    try:
        columns = readers[file.suffix.lower()](file, wanted, fields or {})
    except (CampaignError, MissingExtraError):
        raise
    except StoreError as error:
        raise CampaignError(str(error)) from None
    except (*DAMAGE, csv.Error) as error:
        raise CampaignError(f"{file}: cannot be read ({one_line(error)[:120]})") from None
    lengths = {len(values) for values in columns.values()}
    if len(lengths) > 1:
        raise CampaignError(f"{file}: columns have {sorted(lengths)} rows; they must be equal")
    return columns


def column_names(file: Path) -> list[str]:
    """Names of the columns of a table; none where there is no such table.

    Checked by tests/calibration/campaign/test_measurements.py.
    """
    try:
        match file.suffix.lower():
            case ".csv":
                with _opened(file) as handle:
                    return _heading(handle)[0]
            case ".parquet":
                import pyarrow.parquet as parquet

                return list(parquet.read_schema(file).names)
            case ".h5" | ".hdf5":
                with open_container(file) as h5:
                    return list(h5)
    except (*DAMAGE, csv.Error, ImportError, StoreError):
        pass
    return []


def missing_column(file: Path, name: str, known: list[str], fields: Fields) -> CampaignError:
    """Says that a table lacks a column, and which one is likely meant."""
    alike = same_meaning(name, known)
    if alike and name in fields:
        return CampaignError(
            f"{file}: has no column '{name}'; write {fields[name]} = "
            f'"{one_line(alike[0])}" in [measurements]'
        )
    return CampaignError(f"{file}: has no column '{name}'; {nearest(name, known)}")


def _opened(file: Path) -> TextIO:
    """A CSV file as text; letters of other encodings than UTF-8 and UTF-16 are lost, no more."""
    with open(file, "rb") as start:
        is_utf16 = start.read(2) in (b"\xff\xfe", b"\xfe\xff")
    encoding = "utf-16" if is_utf16 else "utf-8-sig"
    return open(file, encoding=encoding, errors="replace", newline="")


def _heading(handle: TextIO) -> tuple[list[str], str, int]:
    """Names of the columns, what divides them, and the number of the heading's line."""
    line, number = "#", 0
    while line and (not line.strip() or line.startswith("#")):
        line, number = handle.readline(_MAX_HEADING), number + 1
    delimiter = max(_DELIMITERS, key=line.count)
    is_text = "\0" not in line
    names = next(csv.reader([line], delimiter=delimiter), []) if is_text else []
    return [name.strip() for name in names], delimiter, number


def _csv(file: Path, wanted: set[str], fields: Fields) -> Columns:
    with _opened(file) as handle:
        head, delimiter, before = _heading(handle)
        for name in sorted(wanted):
            if name not in head:
                raise missing_column(file, name, head, fields)
        places = {name: head.index(name) for name in wanted}
        columns: dict[str, list[str]] = {name: [] for name in wanted}
        reader = csv.reader(handle, delimiter=delimiter)
        for row in reader:
            if not row:
                continue
            if len(row) != len(head) and any(row[len(head) :] or [len(row) < len(head)]):
                raise CampaignError(
                    f"{file}: line {before + reader.line_num} has {len(row)} values, the heading "
                    f"{len(head)}"
                )
            for name, place in places.items():
                columns[name].append(row[place].strip())
    has_commas = delimiter != ","
    return {name: _numbers_or_text(values, has_commas) for name, values in columns.items()}


def _numbers_or_text(values: list[str], has_commas: bool) -> NDArray[Any]:
    plain = [v.replace(",", ".") for v in values] if has_commas else values
    try:
        return np.array([_number(v) for v in plain], np.float64)
    except ValueError:
        return np.array(values, dtype=str)


def _number(text: str) -> float:
    return np.nan if text.lower() in _MISSING else float(text)


def no_number(values: NDArray[Any], where: str) -> CampaignError:
    """Says the first value of a column of texts that is no number, and its row."""
    row = next((i for i, value in enumerate(values) if not _is_number(str(value))), 0)
    return CampaignError(
        f"{where}: row {row + 1} has {str(values[row])[:40]!r}, which is no number; leave the "
        "value empty, and the row is set aside"
    )


def _is_number(text: str) -> bool:
    try:
        _number(text.replace(",", "."))
    except ValueError:
        return False
    return True


def _parquet(file: Path, wanted: set[str], fields: Fields) -> Columns:
    with needs("Parquet tables need pyarrow", "pyarrow"):
        import pyarrow.parquet as parquet
    known = parquet.read_schema(file).names
    for name in sorted(wanted):
        if name not in known:
            raise missing_column(file, name, known, fields)
    table = parquet.read_table(file, columns=sorted(wanted))
    return {name: _plain(table[name].to_numpy()) for name in wanted}


def _hdf5(file: Path, wanted: set[str], fields: Fields) -> Columns:
    with open_container(file) as h5:
        known = [name for name, item in h5.items() if isinstance(item, h5py.Dataset)]
        for name in sorted(wanted):
            if name not in known:
                raise missing_column(file, name, known, fields)
            data = h5[name]
            if data.shape is None or data.ndim not in (1, 2):
                raise CampaignError(f"{file}: '{name}' has shape {data.shape}; it must be [row]")
            if data.dtype.kind not in "biufOS":
                raise CampaignError(f"{file}: '{name}' is of type {data.dtype}; give numbers")
            if data.size * max(data.dtype.itemsize, 1) > MAX_TABLE_BYTES:
                raise CampaignError(f"{file}: '{name}' holds more than 1024 MiB; split it")
        return {name: _plain(h5[name][...]) for name in wanted}


def _plain(values: NDArray[Any]) -> NDArray[Any]:
    if values.dtype.kind in "OSU":
        return np.array([v.decode() if isinstance(v, bytes) else str(v) for v in values])
    return values.astype(np.float64)
