"""A finished calibration on disk: a folder with result.json, report.html and the twin's levels."""

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tomlkit

from rtwin.dataset.store import plain_errors
from rtwin.errors import StoreError
from rtwin.files import replace_folder, temporary_beside

FORMAT = "rtwin-calibration-1"
RESULT_FILE, REPORT_FILE, MATERIALS_FILE = "result.json", "report.html", "materials.toml"
CAMPAIGN_FILE = "campaign.toml"
MAX_RESULT_BYTES = 256 * 2**20
_OWN = (RESULT_FILE, REPORT_FILE, MATERIALS_FILE, CAMPAIGN_FILE, "twin.h5")


def prepare_result(folder: Path, overwrite: bool) -> None:
    """Make sure that a result may be written there.

    Raises:
        StoreError: if the place holds something else than a result, or a result
            and overwrite is not set.
    """
    if not folder.exists():
        return
    if not folder.is_dir():
        raise StoreError(f"{folder}: is a file; a result is a folder, give another name")
    if not any(folder.iterdir()):
        return
    if not _is_result(folder):
        raise StoreError(f"{folder}: holds something else than a result; choose another name")
    if not overwrite:
        raise StoreError(
            f"{folder}: holds another result; choose another name, or ask to overwrite it"
        )


def finished_result(folder: Path, request: str) -> bool:
    """Whether a folder holds the result of this very request."""
    try:
        return read_result(folder).get("request_hash") == request
    except StoreError:
        return False


def _is_result(folder: Path) -> bool:
    try:
        return read_result(folder)["format"] == FORMAT
    except StoreError:
        return False


def write_result(
    folder: Path,
    result: dict[str, Any],
    report: str,
    overwrite: bool,
    more: Callable[[Path], None] = lambda place: None,
) -> Path:
    """Write a result; the folder appears whole or not at all.

    Args:
        more: Writes further files into the folder that it is given.
    """
    prepare_result(folder, overwrite)
    with plain_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        place = temporary_beside(folder)
        place.mkdir()
        try:
            text = json.dumps(plain({"format": FORMAT, **result}), indent=1, allow_nan=False)
            (place / RESULT_FILE).write_text(text, encoding="utf-8")
            # What `rtwin evaluate --materials` and a recipe read.
            materials = tomlkit.dumps({"materials": result.get("materials", {})})
            (place / MATERIALS_FILE).write_text(materials, encoding="utf-8")
            (place / REPORT_FILE).write_text(report, encoding="utf-8")
            more(place)
            replace_folder(place, folder, _OWN.__contains__)
        finally:
            shutil.rmtree(place, ignore_errors=True)
    return folder


def read_result(folder: str | Path) -> dict[str, Any]:
    """What result.json of a calibration holds.

    Args:
        folder: The result's folder, or its result.json.
    Raises:
        StoreError: if there is none, or it is not one of rtwin's.
    """
    file = Path(folder)
    file = file / RESULT_FILE if file.is_dir() else file
    try:
        if file.stat().st_size > MAX_RESULT_BYTES:
            raise StoreError(f"{file}: has more than {MAX_RESULT_BYTES // 2**20} MiB")
        data = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        if isinstance(error, StoreError):
            raise
        raise StoreError(f"{file}: not the result of a calibration") from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise StoreError(f"{file}: not the result of a calibration (format {FORMAT})")
    return data


def plain(data: Any) -> Any:
    """Data as JSON holds it: numbers that are not finite become null."""
    if isinstance(data, dict):
        return {str(key): plain(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [plain(value) for value in data]
    if isinstance(data, np.ndarray):
        return plain(data.tolist())
    if isinstance(data, np.generic):
        return plain(data.item())
    if isinstance(data, float) and not math.isfinite(data):
        return None
    return data
