"""One's own policies and services: a function that is named, a file of services."""

import importlib
import os
import sys
from pathlib import Path
from typing import Any, cast

import numpy as np
from pydantic import Field, ValidationError

from rtwin.errors import OutOfRangeError
from rtwin.experiments.network.policies import Policy
from rtwin.experiments.network.services import Service
from rtwin.scene._model import Table, read_toml, recipe_error

MAX_BYTES = 2**20
MAX_BURSTS = 1_000_000


def load_policy(name: str) -> Policy:
    """The policy that MODULE:FUNCTION names; modules of the working folder are found.

    A class is made without arguments.

    Raises:
        OutOfRangeError: if there is none, or it cannot be called.
    Checked by tests/experiments/network/test_plugins.py.
    """
    module, _, function = name.partition(":")
    if not (module and function):
        raise OutOfRangeError(f"policy is {name!r}; write MODULE:FUNCTION")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        found: Any = importlib.import_module(module)
    except ImportError as error:
        raise OutOfRangeError(f"policy {name!r}: {error}") from error
    for part in function.split("."):
        found = getattr(found, part, None)
    made = found() if isinstance(found, type) else found
    if not callable(made):
        raise OutOfRangeError(f"policy {name!r}: {module} has no function {function!r}")
    return cast(Policy, made)


class _Service(Table):
    name: str
    burst_bits: float | None = Field(None, gt=0)
    interval_s: float | None = Field(None, gt=0)
    is_periodic: bool = True
    spread: float = Field(0.0, ge=0, lt=1)
    latency_s: float = Field(gt=0)
    reliability: float = Field(gt=0, le=1)
    file: str | None = None


class _Services(Table):
    service: tuple[_Service, ...] = Field(min_length=1)


def load_services(file: str | Path) -> dict[str, Service]:
    """Services of a TOML file, by name.

    Each [[service]] has name, latency_s, reliability, and either burst_bits and interval_s
    (is_periodic, spread) or `file`, a CSV of recorded bursts beside it with columns time_s, bits.

    Raises:
        OutOfRangeError: if a file cannot be read, or a service is impossible; one line.
    Checked by tests/experiments/network/test_plugins.py.
    """
    file = Path(file)
    table = read_toml(file, MAX_BYTES, OutOfRangeError)
    try:
        told = _Services.model_validate(table).service
    except ValidationError as error:
        raise OutOfRangeError(str(recipe_error(str(file), table, error))) from None
    found = {}
    for one in told:
        drawn = one.burst_bits is not None and one.interval_s is not None
        if drawn == (one.file is not None):
            raise OutOfRangeError(
                f"{file}: service '{one.name}' needs burst_bits and interval_s, or a file"
            )
        if one.file is not None:
            found[one.name] = _recorded(one, file.parent / one.file)
        elif one.burst_bits is not None and one.interval_s is not None:
            found[one.name] = Service(
                one.name,
                one.burst_bits,
                one.interval_s,
                one.is_periodic,
                one.spread,
                one.latency_s,
                one.reliability,
            )
    return found


def _recorded(told: _Service, file: Path) -> Service:
    """A service whose bursts are those of a recording."""
    try:
        with file.open(encoding="utf-8") as lines:
            head = [word.strip() for word in lines.readline().split(",")]
            columns = [head.index(name) for name in ("time_s", "bits")]
            rows = np.loadtxt(
                lines, delimiter=",", usecols=columns, ndmin=2, max_rows=MAX_BURSTS, dtype=float
            )
    except (OSError, ValueError) as error:
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise OutOfRangeError(
            f"{file}: no recording with columns time_s and bits ({said})"
        ) from None
    time_s, bits = rows.T if rows.size else (np.zeros(0), np.zeros(0))
    ordered = len(rows) > 1 and (np.diff(time_s) >= 0).all() and time_s[0] >= 0
    if not (ordered and np.isfinite(rows).all() and (bits > 0).all() and time_s[-1] > time_s[0]):
        raise OutOfRangeError(
            f"{file}: a recording has two bursts or more, of bits above 0, in order of their times"
        )
    # As long as its bursts and one mean pause more.
    interval_s = float(time_s[-1] - time_s[0]) / (len(rows) - 1)
    mean = float(bits.mean())
    bursts = tuple(zip((time_s - time_s[0]).tolist(), bits.tolist(), strict=True))
    spread = min(float(bits.std() / mean), 0.99)
    return Service(
        told.name, mean, interval_s, False, spread, told.latency_s, told.reliability, bursts
    )
