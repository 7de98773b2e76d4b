"""Updates and shared parameters as small JSON files, for sites that only send mail."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import tomlkit

from rtwin.dataset.store import plain_errors, write_whole
from rtwin.errors import CampaignError, StoreError
from rtwin.federation.sites.aggregate import Shared
from rtwin.federation.sites.site_update import SharedParameter, SiteUpdate
from rtwin.files import check_replaceable
from rtwin.scene._model import one_line

MAX_BYTES = 4 * 2**20
MATERIALS = "# Materials that sites calibrated together, by rtwin federate.\n"
UPDATE, SHARED = "rtwin-site-update", "rtwin-shared-parameters"
_SCALES = ("log", "log1", "logit", "linear")


def write_update(update: SiteUpdate, file: str | Path) -> Path:
    """Write a update; whole or not at all."""
    return _write(
        Path(file),
        {
            "format": UPDATE,
            "site": update.site,
            "rows": update.rows,
            "loss": update.loss,
            "parameters": [asdict(p) for p in update.parameters],
            "z": update.z.tolist(),
            "pull": update.pull.tolist(),
            "precision": update.precision.tolist(),
        },
    )


def read_update(file: str | Path) -> SiteUpdate:
    """Read an update.

    Raises:
        CampaignError: if the file is missing or no update, or a number in it is not finite
            or a precision is none.
    Checked by tests/federation/sites/test_files.py.
    """
    data = _read(Path(file), UPDATE)
    where = one_line(file)
    try:
        parameters = tuple(_parameter(p) for p in data["parameters"])
        count = len(parameters)
        update = SiteUpdate(
            str(data["site"])[:80],
            parameters,
            _numbers(data["z"], (count,)),
            _numbers(data["pull"], (count,)),
            _numbers(data["precision"], (count, count)),
            float(data["loss"]),
            int(data["rows"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise CampaignError(
            f"{where}: is no update of a site ({one_line(error)[:80]}); write it again"
        ) from None
    precision = update.precision
    if count and (
        not np.allclose(precision, precision.T, atol=1e-6 * np.abs(precision).max())
        or np.linalg.eigvalsh(precision).min() < -1e-6 * np.abs(precision).max() - 1e-9
    ):
        raise CampaignError(f"{where}: its precision is no covariance's inverse; write it again")
    return update


def write_shared(shared: Shared, file: str | Path) -> Path:
    """Write shared parameters; whole or not at all."""
    return _write(
        Path(file),
        {
            "format": SHARED,
            "parameters": [asdict(p) for p in shared.parameters],
            "z": shared.z.tolist(),
            "precision": shared.precision.tolist(),
            "loss": shared.loss,
            "rows": shared.rows(),
        },
    )


def read_shared(file: str | Path) -> Shared:
    """Read shared parameters.

    Raises:
        CampaignError: if the file is missing or holds none.
    """
    data = _read(Path(file), SHARED)
    try:
        parameters = tuple(_parameter(p) for p in data["parameters"])
        count = len(parameters)
        return Shared(
            parameters,
            _numbers(data["z"], (count,)),
            _numbers(data["precision"], (count, count)),
            float(data["loss"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise CampaignError(
            f"{one_line(file)}: holds no shared parameters ({one_line(error)[:80]}); "
            "aggregate them again"
        ) from None


def write_materials(shared: Shared, file: str | Path) -> Path:
    """Write the materials that the data see as tables that a recipe and rtwin evaluate read.

    A value that is not seen is the scene's; a material of which none is seen is left out.
    """
    tables: dict[str, dict[str, float]] = {}
    for row in shared.rows():
        if row["identified"]:
            tables.setdefault(row["target"], {})[row["kind"]] = float(row["value"])
    for row in shared.rows():
        # A recipe wants permittivity and conductivity together.
        if row["target"] in tables:
            tables[row["target"]].setdefault(row["kind"], float(row["prior"]))
    file = Path(file)
    if file.is_file() and not file.read_bytes().startswith(MATERIALS.encode()):
        raise StoreError(f"{file}: exists and holds no shared materials; choose another name")
    with plain_errors(file):
        write_whole(file, (MATERIALS + tomlkit.dumps({"materials": tables})).encode())
    return file


def _parameter(data: dict[str, Any]) -> SharedParameter:
    made = SharedParameter(
        str(data["kind"]),
        str(data["target"]),
        float(data["prior"]),
        float(data["sd"]),
        str(data["scale"]),
    )
    if made.scale not in _SCALES or not np.isfinite([made.prior, made.sd]).all() or made.sd <= 0:
        raise ValueError(f"parameter {made.name[:40]!r} has no usable prior")
    return made


def _numbers(values: Any, shape: tuple[int, ...]) -> np.ndarray:
    numbers = np.array(values, np.float64).reshape(shape)
    if not np.isfinite(numbers).all():
        raise ValueError("a number is not finite")
    return numbers


def _read(file: Path, kind: str) -> dict[str, Any]:
    where = one_line(file)
    try:
        if file.stat().st_size > MAX_BYTES:
            raise CampaignError(f"{where}: is larger than an update can be; write it again")
        data = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise CampaignError(f"{where}: cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError):
        raise CampaignError(f"{where}: is no JSON; write it again") from None
    if not isinstance(data, dict) or data.get("format") != kind:
        raise CampaignError(
            f"{where}: is no file of format '{kind}'; give one that rtwin federate wrote"
        )
    return data


def _write(file: Path, data: dict[str, Any]) -> Path:
    check_replaceable(file)
    with plain_errors(file):
        write_whole(file, (json.dumps(data, indent=1) + "\n").encode())
    return file
