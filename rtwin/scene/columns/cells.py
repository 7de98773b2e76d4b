"""CSV tables of receivers and tracks, checked cell by cell."""

import csv
import math
from pathlib import Path
from typing import Any

import numpy as np

from rtwin.arrays import Floats
from rtwin.errors import RecipeError, nearest
from rtwin.scene._model import MAX_COORDINATE_M, MAX_SPEED_M_S, MAX_TURN_DEG, one_line, shown
from rtwin.scene.columns.column_names import recognised

Groups = tuple[tuple[str, ...], ...]
PLACES: Groups = (("x_m", "y_m"), ("lat_deg", "lon_deg"))
HEIGHTS: Groups = (("z_m",), ("height_m",))
OPTIONAL = ("vx_m_s", "vy_m_s", "vz_m_s", "azimuth_deg")
MAX_CSV_BYTES = 512 * 2**20
# What the same quantities may be in a recipe.
LIMITS = {
    "lat_deg": 90.0,
    "lon_deg": 180.0,
    "azimuth_deg": MAX_TURN_DEG,
    **dict.fromkeys(("vx_m_s", "vy_m_s", "vz_m_s"), MAX_SPEED_M_S),
}
MAX_TEXT = 100


def read_receiver_csv(path: Path) -> dict[str, Floats]:
    """Columns of a receiver table, [rx] each; optional columns absent are 0.

    Of x_m, y_m and lat_deg, lon_deg one pair is there, and one of z_m and height_m.

    Raises RecipeError with file:line for anything but finite numbers.
    """
    columns = read_csv(path, (PLACES, HEIGHTS), OPTIONAL, what="receivers")
    count = len(next(iter(columns.values())))
    return {name: np.zeros(count) for name in OPTIONAL} | columns


def read_csv(
    path: Path,
    required: tuple[Groups, ...],
    optional: tuple[str, ...] = (),
    *,
    text: tuple[str, ...] = (),
    what: str = "rows",
) -> dict[str, Any]:
    """Columns of a table with a header: arrays of numbers, and lists of str for text.

    Args:
        path: The file, at most MAX_CSV_BYTES of UTF-8.
        required: For each entry exactly one of its groups of columns must be there, by
            these names or by others that mean the same (column_names).
        optional: Columns that may be there; others are refused.
        text: Those of all columns that hold text.
        what: What the rows are, for the message about an empty table.
    Raises:
        RecipeError: with file:line for a missing or broken table, an unknown or
            missing column, or anything but finite numbers.
    """
    where = one_line(path)
    try:
        size = path.stat().st_size
    except OSError as error:
        raise RecipeError(f"{where}: {error.strerror}; give the name of a CSV file") from None
    if size > MAX_CSV_BYTES:
        raise RecipeError(
            f"{where}: has {size / 2**20:.0f} MiB; at most {MAX_CSV_BYTES // 2**20} MiB are read"
        )
    numbers: list[list[float]] = []
    texts: list[list[str]] = []
    # utf-8-sig: spreadsheet programs put a byte-order mark in front.
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, strict=True)
        try:
            header = [cell.strip() for cell in next(reader, [])]
            known = (*(n for groups in required for group in groups for n in group), *optional)
            header = recognised(header, known)
            _check_header(where, header, required, optional)
            for row in reader:
                if row:
                    here = f"{where}:{reader.line_num}"
                    cells = _cells(here, header, row)
                    numbers.append([_number(here, n, c) for n, c in cells if n not in text])
                    texts.append([_text(here, n, c) for n, c in cells if n in text])
        except UnicodeDecodeError:
            line = reader.line_num + 1
            raise RecipeError(f"{where}:{line}: is not UTF-8 text; save it as UTF-8 CSV") from None
        except csv.Error as error:
            raise RecipeError(f"{where}:{reader.line_num}: broken CSV ({error})") from None
    if not numbers:
        raise RecipeError(f"{where}:2: no {what}; give one row for each")
    values = np.array(numbers)
    names = [name for name in header if name not in text]
    columns: dict[str, Any] = {name: values[:, i] for i, name in enumerate(names)}
    words = [name for name in header if name in text]
    return columns | {name: [row[i] for row in texts] for i, name in enumerate(words)}


def _check_header(
    where: str, header: list[str], required: tuple[Groups, ...], optional: tuple[str, ...]
) -> None:
    known = (*(name for groups in required for group in groups for name in group), *optional)
    for name in header:
        if name not in known:
            raise RecipeError(f"{where}:1: unknown column {shown(name)}; {nearest(name, known)}")
        if header.count(name) > 1:
            raise RecipeError(f"{where}:1: column '{name}' appears twice; keep one")
    for groups in required:
        _check_one_of(where, header, groups)


def _check_one_of(where: str, header: list[str], groups: Groups) -> None:
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


def _cells(where: str, header: list[str], row: list[str]) -> list[tuple[str, str]]:
    if len(row) != len(header):
        raise RecipeError(f"{where}: {len(row)} cells under {len(header)} columns; fill every cell")
    return list(zip(header, row, strict=True))


def _number(where: str, name: str, cell: str) -> float:
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
    limit = LIMITS.get(name)
    if limit is not None and abs(number) > limit:
        raise RecipeError(f"{where}: {name} = {number:g}: must be -{limit:g} to {limit:g}")
    return number


def _text(where: str, name: str, cell: str) -> str:
    word = cell.strip()
    if not word or not word.isprintable() or len(word) > MAX_TEXT:
        raise RecipeError(
            f"{where}: {name} = {shown(cell)}: must be 1 to {MAX_TEXT} printable characters"
        )
    return word
