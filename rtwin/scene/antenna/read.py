"""Pattern files: MSI/Planet (.msi, .pln), and CSV of two cuts or of a whole sphere."""

import re
from pathlib import Path

import numpy as np

from rtwin.arrays import Floats
from rtwin.errors import RecipeError
from rtwin.scene._model import one_line, shown
from rtwin.scene.antenna.pattern import AntennaPattern, from_cuts
from rtwin.scene.columns import read_csv
from rtwin.units import from_db

PATTERN_SUFFIXES = (".msi", ".pln", ".csv")
MAX_PATTERN_BYTES = 64 * 2**20
MAX_GAIN_DBI = 100.0
DBD_DBI = 2.15  # a dipole over an isotropic antenna
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_PLACES = (("cut", "angle_deg"), ("zenith_deg", "azimuth_deg"))
_GAINS = (("gain_dbi",), ("gain_theta_dbi", "gain_phi_dbi"))
_PHASES = ("phase_theta_deg", "phase_phi_deg")


def read_antenna(file: str | Path) -> AntennaPattern:
    """The pattern that a file holds.

    Args:
        file: `.msi` or `.pln`: MSI/Planet, attenuations below GAIN (dBd unless it says
            dBi), azimuths clockwise, elevations downwards. `.csv`: with columns cut
            ("horizontal", "vertical"), angle_deg (azimuth from +x towards +y; elevation
            upwards) and gain_dbi; or zenith_deg, azimuth_deg and gain_dbi; or the latter
            with gain_theta_dbi, gain_phi_dbi and optional phase_theta_deg, phase_phi_deg.
    Returns:
        The pattern over the whole sphere.
    Raises:
        RecipeError: if the file is missing, too large, broken or holds no whole pattern.
    Checked by tests/scene/test_antenna.py.
    """
    file = Path(file)
    suffix = file.suffix.lower()
    if suffix not in PATTERN_SUFFIXES:
        raise RecipeError(
            f"{one_line(file)}: is no antenna pattern; it must end in {', '.join(PATTERN_SUFFIXES)}"
        )
    return _read_csv(file) if suffix == ".csv" else _read_msi(file)


def _read_msi(file: Path) -> AntennaPattern:
    where = one_line(file)
    try:
        if file.stat().st_size > MAX_PATTERN_BYTES:
            raise RecipeError(f"{where}: is larger than {MAX_PATTERN_BYTES // 2**20} MiB")
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise RecipeError(f"{where}: {error.strerror}; give the name of a pattern file") from None
    head: dict[str, str] = {}
    cuts: dict[str, tuple[Floats, Floats]] = {}
    number = 0
    while number < len(lines):
        key, _, rest = lines[number].strip().partition(" ")
        key, rest = key.upper(), rest.strip()
        number += 1
        if key in ("HORIZONTAL", "VERTICAL"):
            count = _count(rest, where, number)
            rows = [_pair(lines, number + n, where) for n in range(count)]
            table = np.array(rows, np.float64)
            if len(np.unique(table[:, 0] % 360.0)) < 4:
                raise RecipeError(f"{where}: its {key.lower()} cut has fewer than 4 directions")
            cuts[key.lower()] = (table[:, 0], table[:, 1])
            number += count
        elif key:
            head.setdefault(key, rest)
    if set(cuts) != {"horizontal", "vertical"}:
        raise RecipeError(
            f"{where}: has {' and '.join(cuts) or 'no'} cut; a pattern file has both, "
            "HORIZONTAL and VERTICAL"
        )
    gain = _gain_dbi(head.get("GAIN", ""), where)
    azimuth, horizontal = cuts["horizontal"]
    below, vertical = cuts["vertical"]
    # Azimuths run clockwise seen from above, and elevations downwards.
    return from_cuts(
        head.get("NAME", file.stem)[:100] or file.stem,
        (-azimuth, gain - np.abs(horizontal)),
        (-below, gain - np.abs(vertical)),
        _frequency_hz(head.get("FREQUENCY", "")),
    )


def _count(text: str, where: str, line: int) -> int:
    match = _NUMBER.match(text or "360")
    count = int(float(match[0])) if match else 0
    if not 4 <= count <= 36_000:
        raise RecipeError(f"{where}:{line}: a cut has {shown(text)} rows; it must be 4 to 36000")
    return count


def _pair(lines: list[str], number: int, where: str) -> tuple[float, float]:
    text = lines[number].split() if number < len(lines) else []
    try:
        angle, value = (float(part.replace(",", ".")) for part in text[:2])
    except ValueError:
        raise RecipeError(
            f"{where}:{number + 1}: is {shown(' '.join(text))}; it must be an angle and a loss"
        ) from None
    if not (abs(angle) <= 720 and abs(value) <= 1000):
        raise RecipeError(f"{where}:{number + 1}: {angle:g} degrees, {value:g} dB are out of range")
    return angle, value


def _gain_dbi(text: str, where: str) -> float:
    match = _NUMBER.match(text)
    if match is None:
        raise RecipeError(f"{where}: GAIN is {shown(text)}; it must be a number with dBd or dBi")
    gain = float(match[0]) + (0.0 if "dbi" in text.lower() else DBD_DBI)
    if not abs(gain) <= MAX_GAIN_DBI:
        raise RecipeError(f"{where}: GAIN is {gain:g} dBi, allowed are {MAX_GAIN_DBI:g}")
    return gain


def _frequency_hz(text: str) -> float | None:
    found = [float(match[0]) for match in _NUMBER.finditer(text)][:2]
    return 1e6 * sum(found) / len(found) if found else None


def _read_csv(file: Path) -> AntennaPattern:
    columns = read_csv(file, (_PLACES, _GAINS), _PHASES, text=("cut",), what="directions")
    where = one_line(file)
    for name in ("gain_dbi", "gain_theta_dbi", "gain_phi_dbi"):
        if name in columns and columns[name].max() > MAX_GAIN_DBI:
            raise RecipeError(f"{where}: {name} is {columns[name].max():g}; at most 100 is allowed")
    if "cut" in columns:
        if "gain_dbi" not in columns:
            raise RecipeError(f"{where}: cuts have a gain_dbi; polarised gains need a whole sphere")
        return _of_cuts(file, columns)
    zenith, row = np.unique(np.round(columns["zenith_deg"], 6), return_inverse=True)
    azimuth, column = np.unique(
        np.round((columns["azimuth_deg"] + 180.0) % 360.0 - 180.0, 6), return_inverse=True
    )
    steps = [np.ptp(np.diff(axis)) if len(axis) > 2 else np.inf for axis in (zenith, azimuth)]
    whole = len(zenith) * len(azimuth)
    counted = np.bincount(row * len(azimuth) + column, minlength=whole)
    around = 360.0 - np.ptp(azimuth) - (azimuth[1] - azimuth[0] if len(azimuth) > 1 else 0)
    closed = zenith[0] == 0 and zenith[-1] == 180 and abs(around) < 1e-3
    if max(steps) > 1e-3 or (counted == 0).any() or not closed:
        raise RecipeError(
            f"{where}: is no whole sphere: zenith_deg must run from 0 to 180 and azimuth_deg once "
            "around, in equal steps, with a row for each pair"
        )
    shape = (len(zenith), len(azimuth))
    has_polarization = "gain_theta_dbi" in columns
    theta, phi = np.zeros(shape, np.complex128), np.zeros(shape, np.complex128)
    gains = ("gain_theta_dbi", "gain_phi_dbi") if has_polarization else ("gain_dbi",)
    for name, field, phase in zip(gains, (theta, phi), _PHASES, strict=False):
        turn = np.exp(1j * np.radians(columns[phase])) if phase in columns else 1.0
        field[row, column] = np.sqrt(from_db(np.maximum(columns[name], -300.0))) * turn
    around_deg = np.append(azimuth, azimuth[0] + 360.0)
    theta, phi = (np.concatenate([field, field[:, :1]], axis=1) for field in (theta, phi))
    if around_deg[0] > -180.0 + 1e-6:
        raise RecipeError(f"{where}: azimuth_deg must hold -180 or 180 degrees")
    return AntennaPattern(file.stem, zenith, around_deg, theta, phi, has_polarization)


def _of_cuts(file: Path, columns: dict[str, Floats]) -> AntennaPattern:
    names = [str(name).strip().lower() for name in columns["cut"]]
    odd = next((name for name in names if name not in ("horizontal", "vertical")), None)
    if odd is not None:
        raise RecipeError(
            f"{one_line(file)}: cut is {shown(odd)}; it must be horizontal or vertical"
        )
    cuts = []
    for wanted in ("horizontal", "vertical"):
        rows = np.array([name == wanted for name in names])
        angle = columns["angle_deg"][rows]
        if len(np.unique(angle % 360.0)) < 4:
            raise RecipeError(
                f"{one_line(file)}: its {wanted} cut has {len(angle)} directions; "
                "it must have 4 or more"
            )
        cuts.append((angle, columns["gain_dbi"][rows]))
    return from_cuts(file.stem, cuts[0], cuts[1])
