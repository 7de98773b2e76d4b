"""A campaign without a form: a table of levels, and a scene that knows the rest."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rtwin.arrays import Floats
from rtwin.calibration.campaign import (
    Campaign,
    campaign_from_dict,
    default_block_m,
    links_of,
    read_measurements,
    read_table,
    transmitters_of,
)
from rtwin.calibration.campaign.reading import cell_name
from rtwin.calibration.campaign.tables import TABLE_SUFFIXES, column_names, missing_column
from rtwin.calibration.judgement import whose_levels
from rtwin.calibration.judgement.place_checks import MIN_ROWS
from rtwin.errors import CampaignError, OutOfRangeError
from rtwin.scene import Recipe
from rtwin.scene.columns import MEANINGS, flat_name
from rtwin.scene.surfaces import surfaces
from rtwin.units import wavelength_m

_GRID_WAVELENGTHS = 40  # means over them are free of small-scale fading
_SHOWN_CELLS = 6
_MOST_CELLS = 100


class DriveCampaign(NamedTuple):
    """A campaign that was made of a table, and what was guessed on the way."""

    campaign: Campaign
    notes: tuple[str, ...]


def is_table(campaign: object) -> bool:
    """Whether that is a table of measurements, not a campaign file."""
    return isinstance(campaign, str | Path) and str(campaign).lower().endswith(TABLE_SUFFIXES)


def drive_campaign(
    recipe: Recipe,
    file: str | Path,
    *,
    value: str | None = None,
    quantity: str | None = None,
    tx: str | None = None,
    cells: Mapping[str, str] | None = None,
    device: str | None = None,
    noise_floor: float | None = None,
) -> DriveCampaign:
    """The campaign of a table of levels that were measured in a scene.

    Transmitters, antennas, frequency and place on Earth are the scene's. Columns that
    are not named are known by the names that drive-test tools give them.

    Args:
        recipe: The scene.
        file: A .csv, .parquet or .h5 with places, levels and, where the scene has several
            transmitters, whose they are.
        value: Column of levels; default: the first that has one of their names.
        quantity: As in a campaign; default: what the column's name says, else rss_dbm.
        tx: Column of cells or transmitters.
        cells: The scene's transmitter by cell, {"101": "roof"}; default: names that are the
            scene's, else what the levels say, where they leave no doubt.
        device: Column of devices, each with an offset of its own.
        noise_floor: Level at and below which nothing was heard.
    Returns:
        The campaign, which `campaign_toml` writes, and notes of what was guessed.
    Raises:
        CampaignError: if a column is missing, or cells cannot be told apart; one line.
    Source: means over 40 wavelengths, Lee, IEEE Trans. Veh. Technol. 34 (1985); checked by
    tests/calibration/test_drive_test.py.
    """
    file = Path(file)
    columns = _Columns(file)
    places = columns.places(recipe)
    value = columns.named("value", value) or columns.required("value", "levels", "--value")
    tx = columns.named("tx", tx)
    device = columns.named("device", device)
    if tx is None and len(recipe.transmitter) > 1:
        raise CampaignError(
            f"{file}: no column says whose level a row is, and {recipe.name} has "
            f"{len(recipe.transmitter)} transmitters; {columns.which('--tx')}"
        )
    named = {"tx": tx, "device": device, "noise_floor": noise_floor}
    table: dict[str, Any] = {
        "title": f"{file.stem} in {recipe.name}",
        "environment": recipe.environment,
        "frequency_hz": recipe.frequency_hz,
        "transmitter": transmitters_of(_standing(recipe)),
        "measurements": {
            "file": file.name,
            "quantity": quantity or _quantity(value),
            "value": value,
            **places,
            **{key: given for key, given in named.items() if given is not None},
            "grid_m": round(_GRID_WAVELENGTHS * wavelength_m(recipe.frequency_hz), 1),
        },
    }
    if recipe.georeference is not None:
        table["origin"] = {
            "latitude_deg": recipe.georeference.origin_lat_deg,
            "longitude_deg": recipe.georeference.origin_lon_deg,
        }
    notes: list[str] = []
    if tx is not None:
        found, notes = _cells(recipe, table, file, tx, cells or {})
        table["measurements"]["cells"] = found
    elif cells:
        raise OutOfRangeError("cells are given, but no column of them; name it with tx")
    return DriveCampaign(campaign_from_dict(table, file.stem, file.parent), tuple(notes))


class _Columns:
    """Columns of a table by what they mean."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.names = column_names(file)
        if not self.names:  # says why
            read_table(file, {"value"})

    def named(self, meaning: str, given: str | None) -> str | None:
        """The column that is given, else the one whose name comes first among its meaning's."""
        if given is not None:
            if given not in self.names:
                raise missing_column(self.file, given, self.names, {})
            return given
        known = MEANINGS[meaning]
        found = [name for name in self.names if flat_name(name) in known]
        return min(found, key=lambda name: known.index(flat_name(name)), default=None)

    def required(self, meaning: str, what: str, option: str) -> str:
        found = self.named(meaning, None)
        if found is None:
            raise CampaignError(f"{self.file}: no column of {what} is known; {self.which(option)}")
        return found

    def which(self, option: str) -> str:
        """What to do where no column is known by its name."""
        return f"say which with {option}: {', '.join(self.names)[:200]}"

    def places(self, recipe: Recipe) -> dict[str, str]:
        """The keys of a campaign that name the columns of positions."""
        x, y, z = (self.named(key, None) for key in ("x_m", "y_m", "z_m"))
        lat, lon = (self.named(key, None) for key in ("lat_deg", "lon_deg"))
        if lat and lon and recipe.georeference is not None:
            return {"latitude": lat, "longitude": lon}
        if x and y:
            return {"x": x, "y": y, **({"z": z} if z else {})}
        if lat and lon:
            raise CampaignError(
                f"{self.file}: has {lat} and {lon}, but {recipe.name} has no [georeference]; add "
                "one to its scene.toml (docs/recipes.md), or give columns x and y [m]"
            )
        raise CampaignError(
            f"{self.file}: no columns of positions are known; call them x and y [m], or latitude "
            f"and longitude, not {', '.join(self.names)[:200]}"
        )


def _standing(recipe: Recipe) -> Recipe:
    """The recipe with transmitters where they stand above the ground."""
    if all(tx.height_m is None for tx in recipe.transmitter):
        return recipe
    from rtwin.trace import load_world

    return load_world(recipe).recipe


def _quantity(value: str) -> str:
    name = flat_name(value)
    for word in ("path_loss_db", "path_gain_db"):
        if name.startswith(flat_name(word)[:8]):
            return word
    return "rss_dbm"


def _cells(
    recipe: Recipe, table: dict[str, Any], file: Path, tx: str, given: Mapping[str, str]
) -> tuple[dict[str, str], list[str]]:
    """The transmitter of each cell, and what to say of it."""
    masts = [mast.name for mast in recipe.transmitter]
    counts = Counter(cell_name(v) for v in read_table(file, {tx})[tx])
    by_name = {name.casefold(): name for name in masts}
    found = {c: by_name[c.casefold()] for c in counts if c.casefold() in by_name}
    found |= {_as_in_table(cell): name for cell, name in given.items()}
    notes: list[str] = []
    if not found and len(counts) == len(masts) == 1:
        found = dict.fromkeys(counts, masts[0])
    elif not found:
        found, notes = _as_levels_say(recipe, table, file, counts)
    strange = [cell for cell in counts if cell not in found]
    if strange:
        rows = sum(counts[cell] for cell in strange)
        notes.append(
            f"{rows} rows of {_listed(counts, strange)} are set aside: no transmitter of "
            f"{recipe.name} is called so; --cells CELL=TRANSMITTER brings them in"
        )
    return {cell: name for cell, name in found.items() if cell != name}, notes


def _as_levels_say(
    recipe: Recipe, table: dict[str, Any], file: Path, counts: Counter[str]
) -> tuple[dict[str, str], list[str]]:
    """Cells as the transmitters that their levels fall away from.

    Raises:
        CampaignError: if that leaves a doubt, with the line to write.
    """
    masts = [mast.name for mast in recipe.transmitter]
    names = [cell for cell, _ in counts.most_common(_MOST_CELLS)]
    stand_in = table["transmitter"][0]
    trial = table | {
        "transmitter": [{**stand_in, "name": f"cell_{i}"} for i in range(len(names))],
        "measurements": table["measurements"]
        | {"cells": {name: f"cell_{i}" for i, name in enumerate(names)}},
    }
    campaign = campaign_from_dict(trial, file.stem, file.parent)
    data = read_measurements(campaign, recipe.georeference)
    _check_places(recipe, data.position_m, file)
    own = campaign_from_dict(table, file.stem, file.parent)
    links = links_of(own, recipe.georeference)
    fits = whose_levels(data, links, default_block_m(data), recipe.seed)
    best = {names[cell]: masts[fit.link] for cell, fit in fits.items()}
    left = [cell for cell in names if cell not in best]
    # A few rows are a stranger's, but only where every transmitter has its own already.
    strange = len(best) == len(masts) and all(counts[cell] < MIN_ROWS for cell in left)
    if (left and not strange) or not all(fit.is_sure for fit in fits.values()):
        as_fit = ",".join(f"{cell}={name}" for cell, name in best.items())
        raise CampaignError(
            f"{file}: whose are {_listed(counts, names)}? {recipe.name} has the transmitters "
            f"{', '.join(masts)}; write --cells "
            + (
                f"{as_fit} if that is right (the levels alone leave a doubt)"
                if as_fit
                else f"{names[0]}={masts[0]},..."
            )
        )
    notes = [
        f"cell {names[cell]} is taken for {masts[fit.link]}: its levels fit there within "
        f"{fit.error_db:.1f} dB, elsewhere {fit.next_db:.1f} dB; --cells says otherwise"
        for cell, fit in fits.items()
    ]
    return best, notes


def _check_places(recipe: Recipe, position_m: Floats, file: Path) -> None:
    """Refuse rows that lie elsewhere, before levels say whose they are.

    Raises:
        CampaignError: if most lie farther outside of the scene than it is large.
    """
    corners = np.concatenate([surface.vertices[:, :2] for surface in surfaces(recipe)])
    low, high = corners.min(axis=0), corners.max(axis=0)
    size = float((high - low).max())
    beyond = np.maximum(low - position_m[:, :2], position_m[:, :2] - high).max(axis=1)
    if np.median(beyond) > size:
        raise CampaignError(
            f"{file}: half of the rows lie {np.median(beyond):.0f} m or more outside of "
            f"{recipe.name}, which is {size:.0f} m wide; check the origin, and the units of the "
            "places [m]"
        )


def _as_in_table(cell: str) -> str:
    """A cell as somebody types it, as a column of numbers has it: 0101 is 101."""
    try:
        return cell_name(float(cell))
    except ValueError:
        return cell


def _listed(counts: Counter[str], cells: list[str]) -> str:
    """Cells with their rows, the most frequent first."""
    shown = sorted(cells, key=lambda cell: -counts[cell])
    text = ", ".join(f"{cell} ({counts[cell]})" for cell in shown[:_SHOWN_CELLS])
    rest = len(shown) - _SHOWN_CELLS
    return f"cells {text}" + (f" and {rest} more" if rest > 0 else "")
