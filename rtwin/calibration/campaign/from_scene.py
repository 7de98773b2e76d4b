"""What a campaign takes from a scene, so that nobody types it twice."""

import math
from typing import Any

from rtwin.scene import Recipe


def transmitters_of(recipe: Recipe) -> list[dict[str, Any]]:
    """A scene's transmitters as `[[transmitter]]` tables of a campaign.

    Powers are left out: what a phone reads has an offset that a fit has to find.

    Args:
        recipe: Its transmitters have their z; heights above the ground are not known here.
    Checked by tests/calibration/test_drive_test.py.
    """
    return [
        {
            "name": tx.name,
            "x_m": tx.position_m[0],
            "y_m": tx.position_m[1],
            "height_m": tx.position_m[2],
            "azimuth_deg": round(math.degrees(yaw), 6),
            "downtilt_deg": round(math.degrees(tilt), 6),
            "pattern": tx.antenna.pattern,
        }
        for tx, (yaw, tilt, _) in ((tx, tx.orientation_rad) for tx in recipe.transmitter)
    ]
