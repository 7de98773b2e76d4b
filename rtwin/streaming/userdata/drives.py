"""Drives with a phone that logged its channel: CSV files of the 5G data set of Raca et al."""

import csv
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from rtwin.arrays import Floats
from rtwin.errors import StoreError

ATTRIBUTES = ("RSRP", "RSRQ", "SNR", "CQI", "Speed")
RATE = "DL_bitrate"
MAX_BYTES = 2**28


def read_drives(file: str | Path, part: str = "Download/Driving") -> list[Floats]:
    """Drives: the columns RSRP, RSRQ, SNR, CQI, Speed and DL_bitrate [kbit/s], [second, 6].

    Args:
        file: The archive of the data set, or a folder of its CSV files.
        part: Of the paths of the files that are taken.
    Returns:
        One array for each file, in the order of their names; NaN where there is no number.
    Raises:
        StoreError: if it is missing or too large, or holds no such file.
    Source: Raca et al., "Beyond throughput, the next generation", MMSys 2020; the data are GPL
        and not shipped. Checked by tests/streaming/userdata/test_drives.py.
    """
    file, names = Path(file), (*ATTRIBUTES, RATE)
    drives = []
    try:
        for name, text in _files(file, part):
            reader = csv.DictReader(io.StringIO(text))
            if not set(names) <= set(reader.fieldnames or ()):
                raise ValueError(f"{name} lacks some of the columns {', '.join(names)}")
            rows = [[_number(row[column]) for column in names] for row in reader]
            if rows:
                drives.append(np.array(rows))
    except (OSError, ValueError, zipfile.BadZipFile, UnicodeError, csv.Error) as error:
        raise StoreError(f"{file}: cannot be read ({str(error)[:90]})") from None
    if not drives:
        raise StoreError(f"{file}: holds no CSV file under {part}; give the data set's archive")
    return drives


def _files(file: Path, part: str) -> Iterator[tuple[str, str]]:
    if file.is_dir():
        for path in sorted(file.rglob("*.csv")):
            if part in path.as_posix():
                yield path.name, path.read_text(encoding="utf-8")
        return
    if file.stat().st_size > MAX_BYTES:
        raise ValueError(f"has more than {MAX_BYTES >> 20} MiB")
    with zipfile.ZipFile(file) as archive:
        for info in sorted(archive.infolist(), key=lambda i: i.filename):
            name = info.filename
            if part in name and name.endswith(".csv") and not name.startswith("__MACOSX"):
                if info.file_size > MAX_BYTES:
                    raise ValueError(f"{name} has more than {MAX_BYTES >> 20} MiB")
                yield name, archive.read(info).decode()


def _number(text: str | None) -> float:
    try:
        return float(text or "")
    except ValueError:
        return float("nan")
