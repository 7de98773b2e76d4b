"""Small campaigns whose truth is known."""

import numpy as np
import pytest

from rtwin.calibration.campaign.recipe import campaign_from_dict

from ..tables import two_masts

TABLE = two_masts(points=100, device="phone")


def shadowed(rng, num, exponent=3.2, shadow_db=6.0, noise_db=1.0):
    """Rows of a log-distance world with exponentially correlated shadow fading."""
    position = rng.uniform([-50, -150], [350, 250], (num, 2))
    tx = rng.integers(0, 2, num)
    phone = rng.integers(0, 2, num)
    mast = np.array([[0.0, 0.0, 18.5], [300.0, 100.0, 23.5]])[tx]
    distance = np.sqrt(((position - mast[:, :2]) ** 2).sum(axis=1) + mast[:, 2] ** 2)
    far = np.linalg.norm(position[:, None] - position[None], axis=2)
    covariance = shadow_db**2 * np.exp(-far / 60.0) * (tx[:, None] == tx[None])
    shadow = np.linalg.cholesky(covariance + 1e-6 * np.eye(num)) @ rng.normal(size=num)
    level = -30 - 10 * exponent * np.log10(distance) + shadow + 4.0 * phone
    return tx, phone, position, level + rng.normal(0, noise_db, num)


@pytest.fixture
def plain_campaign(tmp_path):
    """A campaign of 900 rows with shadow fading, on disk."""
    tx, phone, position, level = shadowed(np.random.default_rng(7), 900)
    lines = ["cell,phone,x,y,rss"]
    for t, p, (x, y), v in zip(tx, phone, position, level, strict=True):
        lines.append(f"{'ab'[t]},{'pq'[p]},{x:.3f},{y:.3f},{v:.3f}")
    (tmp_path / "points.csv").write_text("\n".join(lines))
    return campaign_from_dict(TABLE, "plain", tmp_path)


BRICK = {"brick": {"relative_permittivity": 6.0, "conductivity_s_per_m": 0.08}}


@pytest.fixture(scope="session")
def measured_yard():
    """The courtyard as it is drawn, its campaign, and rows measured with other brick in it."""
    from dataclasses import replace

    from rtwin.calibration.physics.model.campaign_scene import with_materials
    from rtwin.calibration.physics.model.synthetic_campaign import _table, true_gain
    from rtwin.scene import load_recipe

    recipe = load_recipe("courtyard", max_depth=2)
    campaign = campaign_from_dict(_table(recipe, 1, 1), "yard", ".")
    data, gain = true_gain(with_materials(recipe, BRICK), campaign, 260, 1)
    rows = np.flatnonzero(np.isfinite(gain))
    noise = np.random.default_rng(1).normal(0, 2.0, len(rows))
    data = replace(data.take(rows), level_db=gain[rows] - 20.0 + noise)
    return recipe, campaign, data, gain[rows] - 20.0
