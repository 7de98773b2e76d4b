"""Antenna patterns as functions of the engine: its own by name, and those from files."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from rtwin.scene import Antenna, AntennaPattern, read_antenna, resolve_file
from rtwin.trace.engine.start import Engine

Function = Callable[[Any, Any], tuple[Any, Any]]


def antenna_functions(engine: Engine, antenna: Antenna, folder: Path) -> list[Function]:
    """Fields along theta and phi of zenith and azimuth, one function for each port.

    Raises:
        RecipeError: if a pattern file cannot be read, or says another polarisation.
    """
    from sionna.rt.antenna_pattern import antenna_pattern_registry

    if not antenna.is_file:
        made = antenna_pattern_registry.get(antenna.pattern)(polarization=antenna.polarization)
        return list(made.patterns)
    file = resolve_file(folder, antenna.pattern)
    stamp = file.stat()
    return _of_file(engine, str(file), stamp.st_mtime_ns, stamp.st_size, antenna.polarization)


def register(engine: Engine, antenna: Antenna, folder: Path) -> str:
    """The name by which the engine's arrays find an antenna's pattern."""
    from sionna.rt.antenna_pattern import AntennaPattern as EnginePattern
    from sionna.rt.antenna_pattern import antenna_pattern_registry

    if not antenna.is_file:
        return antenna.pattern
    functions = antenna_functions(engine, antenna, folder)
    name = f"file-{id(functions)}"

    def factory(**_: Any) -> Any:
        made = EnginePattern()
        made.patterns = functions
        return made

    if name not in antenna_pattern_registry.list():
        antenna_pattern_registry.register(factory, name)
    return name


@lru_cache(maxsize=64)
def _of_file(
    engine: Engine, file: str, _modified: int, _size: int, polarization: str
) -> list[Function]:
    from sionna.rt.antenna_pattern import polarization_model_registry, polarization_registry

    pattern = read_antenna(file)
    antenna_fits(pattern, polarization, file)
    theta_field, phi_field = _table(engine, pattern, "theta"), _table(engine, pattern, "phi")
    if polarization == "file":
        return [lambda theta, phi: (theta_field(theta, phi), phi_field(theta, phi))]
    turn = polarization_model_registry.get("tr38901_2")

    def slanted(angle: float) -> Function:
        return lambda theta, phi: turn(theta_field(theta, phi), theta, phi, angle)

    return [slanted(angle) for angle in polarization_registry.get(polarization)]


def _table(engine: Engine, pattern: AntennaPattern, name: str) -> Callable[[Any, Any], Any]:
    """A field of the pattern, linear between its directions."""
    mi, dr = engine.mi, engine.dr
    values = getattr(pattern, name)
    rows, columns = values.shape
    real, imag = engine.opaque(values.real.ravel()), engine.opaque(values.imag.ravel())
    is_real = not np.any(values.imag)

    def field(theta: Any, phi: Any) -> Any:
        row = dr.clip(theta * ((rows - 1) / dr.pi), 0.0, rows - 1.0)
        turns = (phi + dr.pi) / dr.two_pi
        column = (turns - dr.floor(turns)) * (columns - 1)
        i = dr.minimum(mi.UInt(row), rows - 2)
        j = dr.minimum(mi.UInt(column), columns - 2)
        u, v = row - mi.Float(i), column - mi.Float(j)
        first = i * columns + j
        weights = ((0, (1 - u) * (1 - v)), (1, (1 - u) * v), (columns, u * (1 - v)))
        parts = []
        for part in (real,) if is_real else (real, imag):
            total = u * v * dr.gather(mi.Float, part, first + columns + 1)
            for offset, weight in weights:
                total += weight * dr.gather(mi.Float, part, first + offset)
            parts.append(total)
        return mi.Complex2f(parts[0], 0.0 if is_real else parts[1])

    return field


def antenna_fits(pattern: AntennaPattern, polarization: str, file: str | Path) -> None:
    """Refuse a polarisation that a pattern's file contradicts.

    Raises:
        RecipeError: naming what to write instead.
    """
    from rtwin.errors import RecipeError

    if pattern.has_polarization and polarization != "file":
        raise RecipeError(
            f"{file}: says how its field is polarised, and the antenna says '{polarization}'; "
            'write polarization = "file"'
        )
    if not pattern.has_polarization and polarization == "file":
        raise RecipeError(
            f"{file}: says nothing of polarisation; write polarization = V, H, VH or cross"
        )
