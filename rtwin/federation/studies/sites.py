"""Sites that calibrate materials together, with a known truth that none of them sees alone.

Two operators in the street canyon, one mast each, and one in Munich measure 60 places each.
Brick, the ground (concrete) and marble are something else than the textbook's; the sites share
updates, and nothing that they measured.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rtwin.calibration.campaign import load_campaign
from rtwin.calibration.physics import make_campaign, trace_campaign
from rtwin.errors import OutOfRangeError
from rtwin.federation.sites import CampaignSite, Shared, federate
from rtwin.progress import Progress, silent
from rtwin.scene import load_recipe, recipe_dict, recipe_from_dict
from rtwin.settings import Count, NotNegative, Settings

FREE = ("brick", "ground", "marble")
KINDS = ("relative_permittivity", "conductivity_s_per_m")
TEXTBOOK = {"brick": (3.91, 0.029), "ground": (5.24, 0.123), "marble": (7.074, 0.0176)}
# Site, scene, mast, where places are drawn.
Place = tuple[str, str, str, tuple[float, float, float, float] | None]
SITES: tuple[Place, ...] = (
    ("canyon west", "street_canyon", "tx_1", None),
    ("canyon east", "street_canyon", "tx_2", None),
    ("munich", "munich", "tx_1", (-100.0, 0.0, 150.0, 150.0)),
)
TOGETHER = "all together"
Materials = dict[str, dict[str, float]]


@dataclass(frozen=True)
class SitesStudy(Settings):
    """What is asked.

    Attributes:
        sites: Names among SITES.
        points: Places that each measures.
        noise_db: Standard deviation of a measurement.
        starts, refined: As of rtwin.federation.sites.federate.
        seed: Of truth, places, noise and starts.
    """

    sites: tuple[str, ...] = tuple(name for name, *_ in SITES)
    points: Count = 60
    noise_db: NotNegative = 2.0
    starts: Count = 12
    refined: Count = 2
    seed: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        known = [name for name, *_ in SITES]
        lost = [name for name in self.sites if name not in known]
        if lost or len(self.sites) < 2:
            raise OutOfRangeError(
                f"sites is {', '.join(self.sites)}; give two or more of {', '.join(known)}"
            )


@dataclass(frozen=True, eq=False)
class SitesOutcome:
    """Truth, and what each site and all together find.

    Attributes:
        truth: By material and kind.
        found: By site, and for TOGETHER.
    """

    truth: Materials
    found: dict[str, Shared]


def drawn_truth(seed: int) -> Materials:
    """Materials about the textbook's: sd of ln(permittivity - 1) 0.5, of ln(conductivity) 0.8."""
    rng = np.random.default_rng([seed, 77])
    return {
        name: {
            "relative_permittivity": float(1.0 + (eps - 1.0) * np.exp(0.5 * rng.normal())),
            "conductivity_s_per_m": float(sigma * np.exp(0.8 * rng.normal())),
        }
        for name, (eps, sigma) in TEXTBOOK.items()
    }


def run_sites(study: SitesStudy, done: Progress = silent) -> SitesOutcome:
    """Measure, calibrate each site alone by the same search, then all together.

    Args:
        study: What is asked.
        done: Called with a stage, steps done and in all.
    """
    truth = drawn_truth(study.seed)
    asked = [site for site in SITES if site[0] in study.sites]
    sites = []
    with tempfile.TemporaryDirectory() as folder:
        for number, (name, scene, mast, area) in enumerate(asked):
            place = Path(folder) / f"site-{number}"
            sites.append(_measured(study, place, (name, scene, mast, area), truth, number))
            done("trace", number + 1, len(asked))
    found: dict[str, Shared] = {}
    groups: list[tuple[str, Sequence[CampaignSite]]] = [(site.name, [site]) for site in sites]
    for name, group in [*groups, (TOGETHER, sites)]:
        for site in group:
            site.forget()
        found[name] = federate(group, starts=study.starts, refined=study.refined, seed=study.seed)
        done("fit", len(found), len(groups) + 1)
    return SitesOutcome(truth, found)


def _measured(
    study: SitesStudy, folder: Path, site: Place, truth: Materials, number: int
) -> CampaignSite:
    """A site that measured the scene as it is and knows it as it is drawn."""
    name, scene, mast, area = site
    recipe = load_recipe(scene)
    table = recipe_dict(recipe)
    table["transmitter"] = [tx for tx in table["transmitter"] if tx["name"] == mast]
    own = recipe_from_dict(table, recipe.name, recipe.folder)
    make_campaign(
        own,
        folder,
        truth,
        num_points=study.points,
        noise_db=study.noise_db,
        area=area,
        seed=100 * study.seed + number,
    )
    campaign = load_campaign(folder)
    fit = campaign.fit.model_copy(update={"materials": FREE})
    traced = trace_campaign(campaign.model_copy(update={"fit": fit}), own)
    return CampaignSite(name, traced)
