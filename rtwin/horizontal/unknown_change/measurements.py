"""Measurements of a twin: a campaign, or a table of places and levels."""

import csv
from pathlib import Path

from rtwin.calibration.campaign import (
    Campaign,
    Measurements,
    campaign_from_dict,
    load_campaign,
    read_measurements,
    screened,
    transmitters_of,
)
from rtwin.errors import CampaignError
from rtwin.scene import Recipe
from rtwin.scene._model import one_line
from rtwin.scene.columns import recognised, same_meaning

QUANTITIES = ("path_gain_db", "path_loss_db", "rss_dbm")
UNCERTAINTY_DB = 2.0  # of one measurement where the file says nothing
_MAX_HEADER = 2**16


def load_twin_measurements(file: str | Path, recipe: Recipe) -> tuple[Measurements, str]:
    """Measurements of a twin and their quantity.

    Args:
        file: A campaign (its folder or .toml), or a .csv with the columns x_m, y_m and one
            of path_gain_db, path_loss_db and rss_dbm; tx, device, z_m and uncertainty_db
            are optional (tx only where the twin has one transmitter). Names that mean the
            same are known as well; lat_deg and lon_deg in a scene with a georeference.
        recipe: The twin's.
    Raises:
        CampaignError: if it cannot be used; one line.
    """
    file = Path(file)
    campaign = _campaign_of(file, recipe) if file.suffix == ".csv" else load_campaign(file)
    data = screened(read_measurements(campaign, recipe.georeference), campaign)
    if not len(data):
        why = ", ".join(f"{count} {reason}" for reason, count in data.set_aside.items())
        raise CampaignError(f"{file}: no measurement can be used ({why or 'it is empty'})")
    return data, campaign.measurements.quantity


def _hint(header: list[str], is_on_earth: bool, quantity: list[str]) -> str:
    """What the columns of other programs lack to be taken."""
    hints = []
    earth = [name for key in ("lat_deg", "lon_deg") for name in same_meaning(key, header)]
    if earth and not is_on_earth:
        hints.append(f"{', '.join(earth)} need a [georeference] in the twin's scene")
    levels = [] if quantity else same_meaning("value", header)
    if levels:
        hints.append(f"call '{levels[0]}' by the one of these that it is")
    return one_line("".join(f"; {hint}" for hint in hints))


def _campaign_of(file: Path, recipe: Recipe) -> Campaign:
    try:
        with open(file, encoding="utf-8", newline="") as text:
            header = next(csv.reader([text.readline(_MAX_HEADER)]), [])
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise CampaignError(f"{file}: cannot be read ({reason})") from None
    own_names = [name.strip() for name in header]
    places = ("lat_deg", "lon_deg") if recipe.georeference is not None else ()
    columns = recognised(own_names, ("x_m", "y_m", *places, "z_m", "tx", "device"))
    spelled = dict(zip(columns, own_names, strict=True))
    quantity = [name for name in QUANTITIES if name in columns]
    is_earth = bool(places) and set(places) <= set(columns) and "x_m" not in columns
    missing = [name for name in (places if is_earth else ("x_m", "y_m")) if name not in columns]
    if missing or len(quantity) != 1:
        raise CampaignError(
            f"{file}: has the columns {', '.join(own_names)[:200] or 'of no name'}; it needs x_m, "
            f"y_m and one of {', '.join(QUANTITIES)}, or write a campaign.toml"
            + _hint(own_names, bool(places), quantity)
        )
    if "tx" not in columns and len(recipe.transmitter) > 1:
        raise CampaignError(
            f"{file}: has no column tx, and the twin has {len(recipe.transmitter)} transmitters; "
            "say which one each row is of"
        )
    optional = {
        key: spelled[name]
        for key, name in (("tx", "tx"), ("device", "device"), ("z", "z_m"))
        if name in columns
    }
    place = (
        {"latitude": spelled["lat_deg"], "longitude": spelled["lon_deg"]}
        if is_earth
        else {"x": spelled["x_m"], "y": spelled["y_m"]}
    )
    own = "uncertainty_db" if "uncertainty_db" in columns else UNCERTAINTY_DB
    return campaign_from_dict(
        {
            "title": file.name,
            "frequency_hz": recipe.frequency_hz,
            "transmitter": [
                table | {"power_dbm": tx.power_dbm}
                for table, tx in zip(transmitters_of(recipe), recipe.transmitter, strict=True)
            ],
            "measurements": {
                "file": file.name,
                "quantity": quantity[0],
                "value": quantity[0],
                **place,
                "uncertainty_db": own,
                **optional,
            },
        },
        file.name,
        file.parent,
    )
