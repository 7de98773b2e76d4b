"""A site: a campaign in its scene that answers questions about shared parameters."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from rtwin.arrays import Floats
from rtwin.calibration.campaign import load_campaign
from rtwin.calibration.physics import Parameter, PhysicalModel, TracedCampaign, trace_campaign
from rtwin.calibration.physics.fitting import LIMIT, Problem
from rtwin.federation.sites.site_update import SharedParameter, SiteUpdate, without_own
from rtwin.scene import load_recipe

# Kinds that belong to a material wherever it is used; antennas, clutter and offsets do not.
SHARED_KINDS = (
    "relative_permittivity",
    "conductivity_s_per_m",
    "thickness_m",
    "scattering_coefficient",
    "xpd_coefficient",
)


class Site(Protocol):
    """What the one who combines can ask of a site."""

    name: str

    @property
    def parameters(self) -> tuple[SharedParameter, ...]:
        """Shared parameters that its data could say something of."""
        ...

    def loss(self, z: Floats) -> float:
        """Its loss at some place, its own parameters as they are, [parameter]."""
        ...

    def update(self, z: Floats) -> SiteUpdate:
        """Its update at some place, its own parameters solved for."""
        ...

    def adopt_noise(self, z: Floats) -> None:
        """Measure by the scatter that is left at some place."""
        ...

    def fringes(self, z: Floats) -> list[list[float]]:
        """Values of each parameter at which the site would look much the same."""
        ...


class CampaignSite:
    """A site from a traced campaign; its measurements never leave it."""

    def __init__(self, name: str, traced: TracedCampaign) -> None:
        self.name = name
        self._set_up(traced.model, traced.parameters, traced)

    def _set_up(
        self, model: PhysicalModel, parameters: tuple[Parameter, ...], traced: TracedCampaign
    ) -> None:
        self._problem = Problem(model, parameters, traced.campaign.fit)
        self._shared = np.array([p.kind in SHARED_KINDS for p in parameters], bool)
        # Its last update: place, own parameters, their precision, the same across, pull.
        self._last: tuple[Floats, Floats, Floats, Floats, Floats] | None = None
        self.forget()

    def forget(self) -> None:
        """Start anew: own parameters and noise as of the prior."""
        self._own, self._last = np.zeros(int((~self._shared).sum())), None
        self._problem.adopt_noise(np.zeros(len(self._shared)))

    @property
    def parameters(self) -> tuple[SharedParameter, ...]:
        """As of Site."""
        every = self._problem.parameters
        return tuple(
            SharedParameter(p.kind, p.target, p.prior, p.sd, p.scale)
            for p, shared in zip(every, self._shared, strict=True)
            if shared
        )

    def _own_at(self, z: Floats) -> Floats:
        """Its own parameters beside shared ones, to first order about its last update."""
        if self._last is None:
            return self._own
        place, own, precision, across, pull = self._last
        step = np.linalg.solve(precision, pull - across @ (z - place))
        return np.clip(own + step, -LIMIT, LIMIT)

    def _whole(self, z: Floats, own: Floats) -> Floats:
        whole = np.empty(len(self._shared))
        whole[self._shared], whole[~self._shared] = z, own
        return whole

    def loss(self, z: Floats) -> float:
        """As of Site."""
        return self._settled(z)[0] - float(z @ z)

    def _settled(self, z: Floats) -> tuple[float, Floats]:
        """Its loss and its own parameters: as they were, or moved with the shared ones."""
        tried = [self._own, self._own_at(z)] if self._last is not None else [self._own]
        losses = [self._problem.loss(self._whole(z, own)) for own in tried]
        best = int(np.argmin(losses))
        return losses[best], tried[best]

    def adopt_noise(self, z: Floats) -> None:
        """As of Site."""
        self._problem.adopt_noise(self._whole(z, self._settled(z)[1]))

    def fringes(self, z: Floats) -> list[list[float]]:
        """As of Site."""
        whole = self._whole(z, self._own)
        return [self._problem.fringes(whole, int(i)) for i in np.flatnonzero(self._shared)]

    def update(self, z: Floats) -> SiteUpdate:
        """As of Site."""
        z = np.asarray(z, np.float64)
        loss, own = self._settled(z)
        residual, slope, weight = self._problem.linearised(self._whole(z, own))
        scatter = self._problem.scatter
        worth = scatter.share / scatter.noise_db**2
        precision = worth * (slope * weight[:, None]).T @ slope
        pull = worth * slope.T @ (weight * residual)
        rank = np.flatnonzero(~self._shared)
        precision[rank, rank] += 1.0
        pull[rank] -= own
        self._own = own
        if rank.size:
            shared = np.flatnonzero(self._shared)
            self._last = (
                z.copy(),
                own,
                precision[np.ix_(rank, rank)],
                precision[np.ix_(rank, shared)],
                pull[rank],
            )
        precision, pull = without_own(precision, pull, self._shared)
        rows = len(self._problem.model.data)
        return SiteUpdate(
            self.name, self.parameters, z.copy(), pull, precision, loss - float(z @ z), rows
        )


def load_site(
    scene: str | Path, campaign: str | Path, name: str | None = None, data: str | Path | None = None
) -> CampaignSite:
    """A site from its scene and campaign, as rtwin calibrate takes them.

    Args:
        scene: Shipped scene, folder or recipe.
        campaign: Shipped campaign, folder or campaign.toml.
        name: Of the site; default: the campaign's.
        data: Folder of the measurement files, where it is not the campaign's.
    Raises:
        CampaignError, RecipeError, GeometryError: as of rtwin.calibration.calibrate.
    """
    plan = load_campaign(campaign, data)
    return CampaignSite(name or plan.name, trace_campaign(plan, load_recipe(scene)))


def union_of(sites: Sequence[Site]) -> tuple[SharedParameter, ...]:
    """All shared parameters of some sites, by name."""
    found = {p.name: p for site in sites for p in site.parameters}
    return tuple(found[name] for name in sorted(found))
