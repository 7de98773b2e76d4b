"""What formats that are pictures of a radio map have in common."""

from typing import Any

import numpy as np

from rtwin.arrays import Bytes
from rtwin.dataset.reading import RadioMap
from rtwin.errors import OutOfRangeError
from rtwin.plot.fields import MapField
from rtwin.plot.style import CATEGORIES, color_table

METRIC_HELP = "rss, path_gain, sinr, error, serving, or one that maps from paths hold"
TX_HELP = "name or row of one transmitter; the best of all if not given"


def tx_row(radio_map: RadioMap, transmitter: str) -> int | None:
    """Row of a transmitter named by its name or row; None for "".

    Raises:
        OutOfRangeError: if there is none.
    """
    names = radio_map.tx_name
    if not transmitter:
        return None
    if transmitter in names:
        return names.index(transmitter)
    if transmitter.isdecimal() and int(transmitter) < len(names):
        return int(transmitter)
    raise OutOfRangeError(
        f"transmitter is {transmitter!r}; the map has {', '.join(names)} "
        f"(rows 0 to {len(names) - 1})"
    )


def transmitter_of(radio_map: RadioMap, field: MapField, tx: int | None) -> str:
    """Whose values these are: a name, "best transmitter", or "" where that goes without saying."""
    if tx is not None:
        return radio_map.tx_name[tx]
    several = len(radio_map.tx_name) > 1 and field.metric != "serving"
    return "best transmitter" if several else ""


def pixels(field: MapField) -> Bytes:
    """The colours of rtwin plot, [cell_y, cell_x, 4], the south first, clear without a value.

    Raises:
        MissingExtraError: if matplotlib is not installed.
    """
    reached = np.isfinite(field.values)
    values = np.where(reached, field.values, 0.0)
    if field.colors:
        low, high = field.limits
        rows = np.clip(256 * (values - low) / (high - low), 0, 255).astype(np.int64)
        rgb = color_table(field.colors)[rows]
    else:
        named = [[int(color[k : k + 2], 16) for k in (1, 3, 5)] for color in CATEGORIES]
        rgb = np.array(named, np.uint8)[values.astype(np.int64) % len(CATEGORIES)]
    return np.concatenate([rgb, np.where(reached, 255, 0).astype(np.uint8)[..., None]], axis=-1)


def described(radio_map: RadioMap, field: MapField, tx: int | None) -> dict[str, Any]:
    """What a picture shows, as names and values that a file can carry."""
    attributes = radio_map.attributes
    low, high = field.limits
    return {
        "title": str(attributes.get("title", "")),
        "metric": field.title,
        "transmitter": transmitter_of(radio_map, field, tx),
        "unit": field.unit,
        **({"first colour": low, "last colour": high} if field.colors else {}),
        "height_m": float(attributes["height_m"]),
        "frequency_hz": float(attributes["frequency_hz"]),
        "source": str(attributes.get("source", "")),
        "licence": str(attributes.get("licence", "")),
    }
