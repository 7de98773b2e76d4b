"""Arrays in files: NumPy alone, nothing that runs code when it is read."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from rtwin.dataset.store import plain_errors, write_whole
from rtwin.errors import StoreError

MAX_BYTES = 256 * 2**20


def save_arrays(file: Path, arrays: dict[str, Any], told: dict[str, Any]) -> None:
    """Arrays and what is told of them, in one .npz that appears whole."""
    image = io.BytesIO()
    text = np.frombuffer(json.dumps(told, sort_keys=True).encode(), np.uint8)
    np.savez_compressed(image, told=text, **arrays)
    with plain_errors(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, image.getvalue())


def load_arrays(file: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """What save_arrays wrote.

    Raises:
        StoreError: if it is no such file.
    """
    try:
        if file.stat().st_size > MAX_BYTES:
            raise StoreError(f"{file}: has more than {MAX_BYTES} bytes, such files never have")
        with zipfile.ZipFile(file) as packed:
            if sum(entry.file_size for entry in packed.infolist()) > 4 * MAX_BYTES:
                raise StoreError(f"{file}: unpacks to more than such files ever hold")
        with np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        told = json.loads(bytes(arrays.pop("told")).decode())
    except StoreError:
        raise
    except Exception as error:
        raise StoreError(f"{file}: no readable file of arrays ({error})") from None
    return arrays, told
