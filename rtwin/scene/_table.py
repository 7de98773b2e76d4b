"""Receivers from a CSV file, checked cell by cell."""

import csv
import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rtwin.errors import RecipeError, nearest
from rtwin.scene._model import MAX_COORDINATE_M, one_line, shown

REQUIRED = ("x_m", "y_m", "z_m")
OPTIONAL = ("vx_m_s", "vy_m_s", "vz_m_s", "azimuth_deg")
MAX_CSV_BYTES = 512 * 2**20


def read_receiver_csv(path: Path) -> dict[str, NDArray[np.float64]]:
    """Columns of a receiver table, [rx] each; optional columns absent are 0.

    Raises RecipeError with file:line for anything but finite numbers.
    """
    where = one_line(path)
    size = path.stat().st_size
    if size > MAX_CSV_BYTES:
        raise RecipeError(
            f"{where}: has {size / 2**20:.0f} MiB; at most {MAX_CSV_BYTES // 2**20} MiB are read"
        )
    rows: list[list[float]] = []
    # utf-8-sig: spreadsheet programs put a byte-order mark in front.
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, strict=True)
        try:
            header = [cell.strip() for cell in next(reader, [])]
            _check_header(where, header)
            for row in reader:
                if row:
                    rows.append(_numbers(f"{where}:{reader.line_num}", header, row))
        except UnicodeDecodeError:
            line = reader.line_num + 1
            raise RecipeError(f"{where}:{line}: is not UTF-8 text; save it as UTF-8 CSV") from None
        except csv.Error as error:
            raise RecipeError(f"{where}:{reader.line_num}: broken CSV ({error})") from None
    if not rows:
        raise RecipeError(f"{where}:2: no receivers; give one row for each")
    values = np.array(rows)
    columns = {name: np.zeros(len(rows)) for name in (*REQUIRED, *OPTIONAL)}
    columns.update({name: values[:, i] for i, name in enumerate(header)})
    return columns


def _check_header(where: str, header: list[str]) -> None:
    known = (*REQUIRED, *OPTIONAL)
    for name in header:
        if name not in known:
            raise RecipeError(f"{where}:1: unknown column {shown(name)}; {nearest(name, known)}")
        if header.count(name) > 1:
            raise RecipeError(f"{where}:1: column '{name}' appears twice; keep one")
    for name in REQUIRED:
        if name not in header:
            seen = f"has {', '.join(header)}" if header else "is empty"
            raise RecipeError(
                f"{where}:1: missing column '{name}'; the header {seen} "
                f"and needs {', '.join(REQUIRED)}"
            )


def _numbers(where: str, header: list[str], row: list[str]) -> list[float]:
    if len(row) != len(header):
        raise RecipeError(f"{where}: {len(row)} cells under {len(header)} columns; fill every cell")
    numbers = []
    for name, cell in zip(header, row, strict=True):
        try:
            number = float(cell)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise RecipeError(f"{where}: {name} = {shown(cell)}: must be a finite number")
        if name in REQUIRED and abs(number) > MAX_COORDINATE_M:
            raise RecipeError(
                f"{where}: {name} = {number:g}: must be within {MAX_COORDINATE_M:g} m of the origin"
            )
        numbers.append(number)
    return numbers
