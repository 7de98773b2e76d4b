"""A round of calibration by file: what a site answers at the shared parameters of the round."""

from pathlib import Path

import numpy as np

from rtwin.arrays import Floats
from rtwin.federation.sites.aggregate import Shared
from rtwin.federation.sites.site import Site, load_site
from rtwin.federation.sites.site_update import SiteUpdate

SETTLED = 4  # updates at the same shared parameters until a site's own ones stand still


def place_in(site: Site, shared: Shared | None) -> Floats:
    """Where a site is asked: at the shared parameters, or at the prior if there are none yet."""
    known: dict[str, float] = {}
    if shared is not None:
        names = [p.name for p in shared.parameters]
        known = {name: float(z) for name, z in zip(names, shared.z, strict=True)}
    return np.array([known.get(p.name, 0.0) for p in site.parameters], np.float64)


def make_update(
    scene: str | Path,
    campaign: str | Path,
    *,
    name: str | None = None,
    at: Shared | None = None,
    data: str | Path | None = None,
) -> SiteUpdate:
    """What a site sends: loss, pull and precision about the shared parameters, no measurement.

    Args:
        scene, campaign, name, data: As of load_site.
        at: Shared parameters of the last round; None: the prior.
    Raises:
        CampaignError, RecipeError, GeometryError: as of load_site.
    Checked by tests/federation/sites.
    """
    site = load_site(scene, campaign, name, data)
    return settled_update(site, place_in(site, at))


def settled_update(site: Site, z: Floats) -> SiteUpdate:
    """Its update after its own parameters and noise have found their place."""
    for _ in range(SETTLED):
        site.update(z)
        site.adopt_noise(z)
    return site.update(z)
