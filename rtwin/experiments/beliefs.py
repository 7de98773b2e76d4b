"""What a seed draws: users in a reference world, and what each twin believes of their channels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from rtwin.arrays import Bools, Floats
from rtwin.dataset import (
    LinkTrace,
    RadioMap,
    SampleSettings,
    generate_radio_map,
    open_radio_map,
    sample,
    sample_map,
)
from rtwin.dataset.tracks import recipe_of
from rtwin.errors import OutOfRangeError
from rtwin.experiments.fitted_maps import (
    SparsePoints,
    filled,
    kriged_map,
    leveled,
    log_distance_map,
    measure,
)
from rtwin.experiments.network import Service, awaited, delayed, make_slices
from rtwin.experiments.stale import map_without, objects_that_tell
from rtwin.experiments.worlds import (
    WorldSettings,
    free_space_map,
    materials_in_use,
    perturbed,
    updated,
    with_residual,
)
from rtwin.scene import (
    Recipe,
    Tracks,
    Walk,
    load_recipe,
    read_footways,
    recipe_dict,
    recipe_from_dict,
    walk_ways,
    with_overrides,
)
from rtwin.settings import Count, Settings
from rtwin.units import to_db

REFERENCE, FEEDBACK = "the reference itself", "last epoch's channels"
SCENE = "courtyard"
STALE_WITHOUT = {SCENE: ("office", "office_front")}
USERS = {"vr": 3, "short_video": 12, "embb": 6, "urllc": 6}
_DRIVE_TEST = 10_000  # added to the seed of the walks, for the walk on which was measured


@dataclass(frozen=True)
class SlicingExperiment(Settings):
    """What is compared, and on what.

    Attributes:
        scene: A shipped scene, a folder or a .toml file.
        seeds: Reference worlds, walks and traffic that are drawn.
        users: Number of users of each service.
        duration_s: Time that users walk [s].
        epoch_s: Time between decisions [s].
        bandwidth_hz: Channel bandwidth [Hz].
        map_rays: Rays per transmitter of every map; None: the recipe's.
        stale_without: Objects that the stale twin does not know of; None: those that change the
            map the most, in the courtyard the office.
        points: Measurements that log-distance and kriging are fitted to.
        check_points: Further measurements, by which everybody's error is found.
        point_error_db: Their standard deviation [dB].
        ways: GeoJSON file of ways to walk along; None: random waypoints.
        twins: Further radio maps to decide on, by name.
        ages_s: When some of these twins are there, in seconds after users set off, by name;
            until then the first of all twins is decided on.
        world: How far the reference is from the recipe.
        reference: A radio map that is the reference world of every seed, such
            as one made of measurements; None: one is drawn for every seed.
            There is no updated twin of it. Its recipe's transmitters are those
            of the scene; every twin is shifted to its level by the fit points,
            and users on ways stay where it holds something.
        walk_interval_s: Time between positions of users [s].
        speed_m_s: Lowest and highest speed of users [m/s].
        power_dbm: Power of every transmitter [dBm]; None: the recipe's.
        told: Whether there is a twin that was told the materials and aims of the reference.
        told_distance: Whether kriging is told over which distance what rays do not explain is
            alike; otherwise, and of a measured world, it takes what is likeliest.
        interference_load: Share of their power that other transmitters send; None: of the blocks
            that their cells reserve.
        lending: Whether slices of a cell lend each other reserved blocks that they leave.
        admission: Whether users whom a cell is believed not to hold are turned away.
        policies: MODULE:FUNCTION of further policies, by name.
        services: Further services, by name.
    """

    scene: str | Path = SCENE
    seeds: Count = 5
    users: Mapping[str, int] = field(default_factory=lambda: dict(USERS))
    duration_s: float = 30.0
    epoch_s: float = 0.5
    bandwidth_hz: float = 100e6
    map_rays: int | None = None
    stale_without: tuple[str, ...] | None = None
    points: Count = 60
    check_points: Count = 30
    point_error_db: float = 2.0
    ways: Path | None = None
    twins: Mapping[str, Path] = field(default_factory=dict)
    ages_s: Mapping[str, float] = field(default_factory=dict)
    world: WorldSettings = field(default_factory=WorldSettings)
    reference: Path | None = None
    walk_interval_s: float = 0.1
    speed_m_s: tuple[float, float] = (0.6, 1.8)
    power_dbm: float | None = None
    told: bool = True
    told_distance: bool = False
    interference_load: float | None = None
    lending: bool = False
    admission: bool = False
    policies: Mapping[str, str] = field(default_factory=dict)
    services: Mapping[str, Service] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        make_slices(self.users, self.services)
        SampleSettings(bandwidth_hz=self.bandwidth_hz, interference_load=self.sent_share)
        for name, age_s in self.ages_s.items():
            if name not in list(self.twins)[1:]:
                raise OutOfRangeError(
                    f"an age is given for '{name}'; ages are of twins after the first, "
                    "which stands in for them until then"
                )
            if not age_s >= 0:
                raise OutOfRangeError(f"the age of '{name}' is {age_s} s; it must be 0 or more")

    @property
    def sent_share(self) -> float:
        """The interference load that link traces are made with."""
        return 1.0 if self.interference_load is None else self.interference_load


@dataclass(frozen=True, eq=False)
class Drawn:
    """A reference world, and the maps that others have of it.

    Attributes:
        reference: The world.
        maps: By the name of who has it.
        check: Measurements by which everybody finds the error of his map.
    """

    reference: RadioMap
    maps: Mapping[str, RadioMap]
    check: SparsePoints


@dataclass(frozen=True)
class Belief:
    """What somebody thinks of the channels, and the error that he found in it [dB]."""

    trace: LinkTrace
    error_db: float

    def until(self, age_s: float, newer: "Belief") -> "Belief":
        """This belief until a newer one is there [s]; its error is the mean over time."""
        trace = awaited(self.trace, newer.trace, age_s)
        share = min(age_s / (trace.num_steps * trace.step_s), 1.0)
        square = share * self.error_db**2 + (1 - share) * newer.error_db**2
        return Belief(trace, float(np.sqrt(square)))


class Worlds:
    """Reference worlds and what twins predict in them; what seeds share is traced once.

    Args:
        experiment: What is drawn and compared.
        folder: Where maps are traced into.
    """

    def __init__(self, experiment: SlicingExperiment, folder: Path) -> None:
        self.experiment, self.folder = experiment, folder
        recipe = load_recipe(experiment.scene, map_rays=experiment.map_rays)
        if experiment.power_dbm is not None:
            recipe = _with_power(recipe, experiment.power_dbm)
        self.reference: RadioMap | None = None
        if experiment.reference is not None:
            # A measured world has transmitters that the scene was not built with.
            self.reference = open_radio_map(experiment.reference)
            recipe = recipe_of(self.reference.attributes, experiment.scene)
            if experiment.map_rays is not None:
                recipe = with_overrides(recipe, map_rays=experiment.map_rays)
            recipe = _with_cells_of(recipe, self.reference)
        first = self._map(recipe, "current")
        # All maps have the cells of the first.
        self.recipe = _with_cells_of(recipe, first)
        if self.reference is not None and self.reference.path_gain.shape != first.path_gain.shape:
            raise OutOfRangeError(
                f"{experiment.reference} has {self.reference.path_gain.shape[1:]} cells, the "
                f"scene's map {first.path_gain.shape[1:]}; its cells must be squares of one size"
            )
        self.materials = materials_in_use(self.recipe, folder)
        free_space = free_space_map(first, self.recipe, folder)
        self.shared = {"free space": free_space}
        stale = experiment.stale_without
        if stale is None:
            stale = STALE_WITHOUT.get(str(experiment.scene))
        if stale is None:
            stale = objects_that_tell(self.recipe, folder)
        if stale:
            self.shared["stale twin"] = map_without(self.recipe, stale, folder / "stale.h5")
        self.shared["ray-traced twin"] = first
        for name, file in experiment.twins.items():
            self.shared[name] = self._fitting(file, recipe)

    @property
    def link(self) -> SampleSettings:
        """The radio link of all users; where interference follows decisions, that of full cells."""
        return SampleSettings(
            bandwidth_hz=self.experiment.bandwidth_hz,
            interference_load=self.experiment.sent_share,
            line_of_sight=False,
        )

    @property
    def num_beliefs(self) -> int:
        """How many beliefs there are of a reference world."""
        # Log-distance, kriging, the corrected twin, last epoch's channels, the reference
        # itself; the updated twin.
        return len(self.shared) + 5 + (self.reference is None and self.experiment.told)

    @staticmethod
    def _fitting(file: Path, recipe: Recipe) -> RadioMap:
        """A radio map of the recipe's transmitters."""
        found, names = open_radio_map(file), tuple(tx.name for tx in recipe.transmitter)
        if found.tx_name != names:
            raise OutOfRangeError(
                f"{file} has transmitters {', '.join(found.tx_name)}, the scene "
                f"{', '.join(names)}; trace the map from a recipe with the same ones"
            )
        return found

    def _map(self, recipe: Recipe, name: str) -> RadioMap:
        return open_radio_map(
            generate_radio_map(recipe, self.folder / f"{name}.h5", overwrite=True)
        )

    def of(self, seed: int) -> tuple[LinkTrace, dict[str, Belief]]:
        """The reference's trace and what is believed of it, of one seed."""
        drawn, tracks, settings = self.drawn(seed), self.tracks(seed), self.link
        truth = sample_map(drawn.reference, tracks, settings)
        beliefs = {
            name: Belief(sample_map(found, tracks, settings), drawn.check.error_db(found))
            for name, found in drawn.maps.items()
        }
        for name, age_s in self.experiment.ages_s.items():
            first = beliefs[next(iter(self.experiment.twins))]
            beliefs[name] = first.until(age_s, beliefs[name])
        late = delayed(truth, self.experiment.epoch_s)
        # Who hears of every channel afterwards knows how much they change.
        beliefs[FEEDBACK] = Belief(late, compare_traces(late, truth)[0])
        beliefs[REFERENCE] = Belief(truth, 0.0)
        return truth, beliefs

    def drawn(self, seed: int) -> Drawn:
        """The reference world of a seed, and the maps that others have of it."""
        experiment, recipe = self.experiment, self.recipe
        rng = np.random.Generator(np.random.PCG64([seed, 1]))
        same = np.random.Generator(np.random.PCG64([seed, 1]))
        reference = self.reference
        told: dict[str, RadioMap] = {}
        if reference is None:
            real = perturbed(recipe, self.materials, experiment.world, rng)
            reference = with_residual(self._map(real, "reference"), experiment.world, rng)
            if experiment.told:
                recipe = updated(recipe, self.materials, experiment.world, same)
                told = {"updated twin": self._map(recipe, "updated")}
        free_space = self.shared["free space"]
        walkable = _visited(free_space, self.past_tracks(seed))
        error_db = experiment.point_error_db
        points = measure(
            reference, walkable, experiment.points + experiment.check_points, error_db, rng
        )
        fit, check = points.split(experiment.points)
        if self.reference is not None:
            # No recipe knows the power that arrived at a real receiver: one level for each cell.
            shared = {name: leveled(found, fit) for name, found in self.shared.items()}
        else:
            shared = self.shared
        trend = log_distance_map(free_space, fit)
        told_m = experiment.world.residual_distance_m if experiment.told_distance else None
        distance_m = told_m if self.reference is None else None
        maps = {
            "free space": shared["free space"],
            "log-distance": trend,
            "kriging": kriged_map(trend, fit, error_db, distance_m),
            **{name: found for name, found in shared.items() if name != "free space"},
            "corrected twin": kriged_map(
                filled(leveled(shared["ray-traced twin"], fit), trend), fit, error_db, distance_m
            ),
            **told,
        }
        return Drawn(reference, maps, check)

    def past_tracks(self, seed: int) -> Tracks:
        """Ways on which the world of a seed was measured before."""
        return self.tracks(seed + _DRIVE_TEST)

    def tracks(self, seed: int) -> Tracks:
        """Users' ways of a seed, as traced in the scene or along the ways that are given."""
        experiment = self.experiment
        walk = Walk(
            num_ues=sum(experiment.users.values()),
            duration_s=experiment.duration_s,
            interval_s=experiment.walk_interval_s,
            speed_m_s=experiment.speed_m_s,
            seed=seed,
        )
        if self.reference is not None and experiment.ways is not None:
            # Nobody is scored where nothing was measured.
            lines = read_footways(experiment.ways, self.recipe.georeference)
            return walk_ways(known_parts(lines, self.reference), walk)
        trace = sample(
            self.folder / "current.h5",
            experiment.ways or "random-waypoint",
            self.folder / "walk.h5",
            walk=walk,
            overwrite=True,
            scene=experiment.scene,
            settings=SampleSettings(line_of_sight=False),
        )
        return Tracks(trace.time_s, trace.ue_name, trace.ue_position_m.copy())


def known_parts(lines: Sequence[Floats], world: RadioMap) -> list[Any]:
    """The parts of lines [corner, 2] m that lie in cells where a map holds something.

    Raises:
        OutOfRangeError: if there are none.
    """
    import shapely

    x, y = world.cell_centers_m[0, :, 0], world.cell_centers_m[:, 0, 1]
    half = float(world.attributes["cell_size_m"]) / 2
    rows, columns = np.nonzero((world.path_gain > 0).any(axis=0))
    cells = shapely.box(x[columns] - half, y[rows] - half, x[columns] + half, y[rows] + half)
    inside = shapely.union_all(cells)
    parts = shapely.get_parts([shapely.LineString(line) for line in lines if len(line) > 1])
    kept = shapely.get_parts(shapely.intersection(parts, inside))
    found = [shapely.get_coordinates(part) for part in kept if part.length > 0]
    if not found:
        raise OutOfRangeError("no way runs through a cell of which the reference knows anything")
    return found


def _with_power(recipe: Recipe, power_dbm: float) -> Recipe:
    data = recipe_dict(recipe)
    for transmitter in data["transmitter"]:
        transmitter["power_dbm"] = power_dbm
    return recipe_from_dict(data, recipe.name, recipe.folder)


def _with_cells_of(recipe: Recipe, radio_map: RadioMap) -> Recipe:
    size = float(radio_map.attributes["cell_size_m"])
    centers, half = radio_map.cell_centers_m, size / 2
    data = recipe_dict(recipe)
    low, high = centers[0, 0, :2] - half, centers[-1, -1, :2] + half
    data["radio_map"] |= {"area": [*low.tolist(), *high.tolist()], "cell_size_m": size}
    return recipe_from_dict(data, recipe.name, recipe.folder)


def _visited(radio_map: RadioMap, tracks: Tracks) -> Bools:
    """Cells that somebody walks through, [cell_y, cell_x]."""
    centers = radio_map.cell_centers_m
    step = float(radio_map.attributes["cell_size_m"])
    xy = tracks.position_m[..., :2].reshape(-1, 2)
    xy = xy[np.isfinite(xy).all(axis=1)]
    cell = np.rint((xy - centers[0, 0, :2]) / step).astype(np.int64)
    inside = ((cell >= 0) & (cell < centers.shape[1::-1])).all(axis=1)
    found = np.zeros(centers.shape[:2], bool)
    found[cell[inside, 1], cell[inside, 0]] = True
    return found


def compare_traces(belief: LinkTrace, truth: LinkTrace) -> tuple[float, float]:
    """How well a belief knows the channels of users that are served.

    Returns:
        Root-mean-square error of the received power of the truly serving cell
        [dB], where both have some; and the share of rows with the right cell.
    """
    served = truth.serving_tx >= 0
    cell = np.maximum(truth.serving_tx, 0)[..., None].astype(np.int64)

    def level(trace: LinkTrace) -> Floats:
        gain = np.take_along_axis(trace.path_gain, cell, axis=2)[..., 0]
        return to_db(np.nan_to_num(gain)) + trace.tx_power_dbm[cell[..., 0]]

    miss = level(belief)[served] - level(truth)[served]
    miss = miss[np.isfinite(miss)]
    error = float(np.sqrt(np.mean(miss**2))) if miss.size else np.nan
    right = (belief.serving_tx == truth.serving_tx)[served]
    return error, float(right.mean()) if right.size else np.nan
