"""MATLAB files that say who made them."""

from pathlib import Path
from typing import Any

from rtwin.files import MARK

_TEXT_BYTES = 116


def save_mat(target: Path, content: dict[str, Any]) -> None:
    """Write a MATLAB 5 file, the same bytes whatever the date."""
    from scipy.io import savemat

    savemat(target, content, do_compression=True)
    # The text in front of such a file names its date, and not who made it.
    with open(target, "r+b") as file:
        file.write(f"MATLAB 5.0 MAT-file, {MARK}".encode().ljust(_TEXT_BYTES))
