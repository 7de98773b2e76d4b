"""Sites that calibrate materials together, with a known truth that none of them sees alone.

Two operators in the street canyon and two in Munich, on masts and frequencies of their own. Walls
are slabs: one frequency tells their permittivity but for half wavelengths inside, so that each
operator alone has several values that fit. Of two frequencies only the truth fits both. Brick, the
ground (concrete) and marble are something else than the textbook's, and the same at both
frequencies; the sites share updates, and nothing that they measured.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rtwin.calibration.campaign import load_campaign
from rtwin.calibration.physics import make_campaign, materials_about, trace_campaign, with_materials
from rtwin.errors import OutOfRangeError
from rtwin.federation.sites import CampaignSite, Shared, federate
from rtwin.progress import Progress, silent
from rtwin.scene import load_recipe, recipe_dict, recipe_from_dict, with_overrides
from rtwin.settings import Count, NotNegative, Settings

FREE = ("brick", "ground", "marble")
KINDS = ("relative_permittivity", "conductivity_s_per_m")
TEXTBOOK = {"brick": (3.91, 0.029), "ground": (5.24, 0.123), "marble": (7.074, 0.0176)}
# Site, scene, mast, frequency [Hz], where places are drawn.
Place = tuple[str, str, str, float, tuple[float, float, float, float] | None]
_SQUARE = (-100.0, 0.0, 150.0, 150.0)  # around Marienhof
SITES: tuple[Place, ...] = (
    ("canyon 3.5 GHz", "street_canyon", "tx_1", 3.5e9, None),
    ("canyon 2.1 GHz", "street_canyon", "tx_2", 2.1e9, None),
    ("munich 3.5 GHz", "munich", "tx_1", 3.5e9, _SQUARE),
    ("munich 2.1 GHz", "munich", "tx_2", 2.1e9, _SQUARE),
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
    points: Count = 150
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
        found: By site, for those of each scene that has several, and for TOGETHER.
        joint: Of these, who is more than one site.
    """

    truth: Materials
    found: dict[str, Shared]
    joint: tuple[str, ...] = (TOGETHER,)


def prior() -> Materials:
    """The textbook's materials."""
    return {name: dict(zip(KINDS, values, strict=True)) for name, values in TEXTBOOK.items()}


def drawn_truth(seed: int) -> Materials:
    """Materials about the textbook's; see materials_about."""
    return materials_about(TEXTBOOK, seed)


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
        for number, place in enumerate(asked):
            sites.append(_measured(study, Path(folder) / f"site-{number}", place, truth))
            done("trace", number + 1, len(asked))
    joint = _joint(asked, sites)
    found: dict[str, Shared] = {}
    groups: dict[str, Sequence[CampaignSite]] = {site.name: [site] for site in sites} | joint
    for name, group in groups.items():
        for site in group:
            site.forget()
        found[name] = federate(group, starts=study.starts, refined=study.refined, seed=study.seed)
        done("fit", len(found), len(groups))
    return SitesOutcome(truth, found, tuple(joint))


def _joint(
    asked: Sequence[Place], sites: Sequence[CampaignSite]
) -> dict[str, Sequence[CampaignSite]]:
    """Who calibrates together: sites of one scene, if there are several scenes, and all."""
    scenes: dict[str, list[CampaignSite]] = {}
    for (_, scene, *_), site in zip(asked, sites, strict=True):
        scenes.setdefault(scene, []).append(site)
    found: dict[str, Sequence[CampaignSite]] = {}
    if len(scenes) > 1:
        for group in scenes.values():
            if len(group) > 1:
                found[f"{group[0].name.split()[0]} together"] = group
    return found | {TOGETHER: sites}


def _measured(study: SitesStudy, folder: Path, site: Place, truth: Materials) -> CampaignSite:
    """A site that measured the scene as it is and knows it as it is drawn."""
    name, scene, mast, frequency_hz, area = site
    number = next(i for i, known in enumerate(SITES) if known[0] == name)
    recipe = with_overrides(load_recipe(scene), frequency_hz=frequency_hz)
    table = recipe_dict(recipe)
    table["transmitter"] = [tx for tx in table["transmitter"] if tx["name"] == mast]
    # One textbook at all frequencies: sites share a prior.
    own = with_materials(recipe_from_dict(table, recipe.name, recipe.folder), prior())
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
