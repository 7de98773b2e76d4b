"""Receivers from a CSV file, checked cell by cell."""

import csv
import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rtwin.errors import RecipeError, nearest
from rtwin.scene._model import MAX_COORDINATE_M, one_line, shown

PLACES = (("x_m", "y_m"), ("lat_deg", "lon_deg"))
HEIGHTS = (("z_m",), ("height_m",))
OPTIONAL = ("vx_m_s", "vy_m_s", "vz_m_s", "azimuth_deg")
MAX_CSV_BYTES = 512 * 2**20


def read_receiver_csv(path: Path) -> dict[str, NDArray[np.float64]]:
    """Columns of a receiver table, [rx] each; optional columns absent are 0.

    Of x_m, y_m and lat_deg, lon_deg one pair is there, and one of z_m and height_m.

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
    columns = {name: np.zeros(len(rows)) for name in OPTIONAL}
    columns.update({name: values[:, i] for i, name in enumerate(header)})
    return columns


def _check_header(where: str, header: list[str]) -> None:
    known = (*(name for group in (*PLACES, *HEIGHTS) for name in group), *OPTIONAL)
    for name in header:
        if name not in known:
            raise RecipeError(f"{where}:1: unknown column {shown(name)}; {nearest(name, known)}")
        if header.count(name) > 1:
            raise RecipeError(f"{where}:1: column '{name}' appears twice; keep one")
    for groups in (PLACES, HEIGHTS):
        _check_one_of(where, header, groups)


def _check_one_of(where: str, header: list[str], groups: tuple[tuple[str, ...], ...]) -> None:
    """Exactly one of some groups of columns must be there, and whole."""
    begun = [group for group in groups if set(group) & set(header)]
    if len(begun) > 1:
        both = " and ".join(", ".join(group) for group in begun)
        raise RecipeError(f"{where}:1: has {both}, which say the same; keep one of them")
    group = begun[0] if begun else groups[0]
    for name in group:
        if name not in header:
            seen = f"has {', '.join(header)}" if header else "is empty"
            needed = " or ".join(", ".join(g) for g in groups)
            raise RecipeError(
                f"{where}:1: missing column '{name}'; the header {seen} and needs {needed}"
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
        if name in ("x_m", "y_m", "z_m", "height_m") and abs(number) > MAX_COORDINATE_M:
            raise RecipeError(
                f"{where}: {name} = {number:g}: must be within {MAX_COORDINATE_M:g} m of the origin"
            )
        limit = {"lat_deg": 90.0, "lon_deg": 180.0}.get(name)
        if limit is not None and abs(number) > limit:
            raise RecipeError(f"{where}: {name} = {number:g}: must be -{limit:g} to {limit:g}")
        numbers.append(number)
    return numbers
