"""The scene's part in a calibration: physics before and after its fit, for any training rows."""

from dataclasses import dataclass, replace

import numpy as np

from rtwin.arrays import Bools, Floats, Ints
from rtwin.calibration.campaign import GAIN, Campaign, Inputs, Measurements, link_inputs
from rtwin.calibration.journal import Journal
from rtwin.calibration.physics.fitting import (
    PhysicalFit,
    fit_physics,
    predicts_better,
    scaled_gain_db,
)
from rtwin.calibration.physics.material_choice import Choice, choose_materials
from rtwin.calibration.physics.model import (
    MATERIAL_KINDS,
    PATH_CLASSES,
    Parameter,
    PhysicalModel,
    SceneFeatures,
    build_model,
    measurements_in_scene,
    parameters_of,
    scene_features,
    with_materials,
    with_object_materials,
    with_offsets,
    world_of,
)
from rtwin.calibration.physics.transmitter_places import Placement, find_places, prior_sd_m
from rtwin.progress import Count, Progress, count_of, silent, uncounted
from rtwin.scene import INFINITE, Recipe
from rtwin.trace import World, ground_height_m, is_inside

_FIRST_DRAWS, _LATER_DRAWS = 31, 7
RAY_TRACED, CALIBRATED = "ray tracing + offset", "calibrated physics"


@dataclass(frozen=True, eq=False)
class TracedCampaign:
    """A campaign in its scene.

    Attributes:
        data: Its usable rows.
        world: The scene, loaded, with the campaign's transmitters.
        model: Their paths.
        parameters: What is free.
        recipe: The scene as it is drawn.
        gain_db: Traced gain of each row with the scene's own materials [dB].
        features: What is in the way of each row.
        places: Where the transmitters were found, if that was searched.
        choice: What objects are made of, if that was searched.
    """

    campaign: Campaign
    data: Measurements
    world: World
    model: PhysicalModel
    parameters: tuple[Parameter, ...]
    recipe: Recipe
    gain_db: Floats
    features: SceneFeatures
    places: Placement | None = None
    choice: Choice | None = None

    def inputs(self, fit: PhysicalFit | None = None) -> Inputs:
        """Inputs of the statistical models: physics, as fitted or as drawn, and features."""
        return physical_inputs(self.model, self.features, fit)

    def fit(
        self,
        train: Ints,
        seed: int,
        progress: Count = uncounted,
        start: PhysicalFit | None = None,
        *,
        profiled: bool = False,
        journal: Journal | None = None,
    ) -> PhysicalFit:
        """Fit the physics to some rows, at most `fit.max_links` of them; see fit_physics."""
        spec = self.campaign.fit
        if start is not None:  # what another fit found is near: few other starts are needed
            spec = spec.model_copy(update={"starts": 4, "refined": 1})
        if len(train) > spec.max_links:
            train = np.sort(np.random.default_rng(seed).permutation(train)[: spec.max_links])
        model = self.model.take(train)
        fit = fit_physics(
            model,
            self.parameters,
            spec,
            seed,
            progress,
            None if start is None else start.z,
            profiled=profiled,
            journal=journal,
        )
        kept = (journal or Journal()).step(
            lambda: {"kept": np.array(predicts_better(model, fit, spec, seed))}
        )
        return fit if kept["kept"] else fit.not_kept(model)

    def placed(
        self,
        train: Ints,
        seed: int,
        fit: PhysicalFit | None = None,
        progress: Count = uncounted,
        journal: Journal | None = None,
    ) -> "TracedCampaign":
        """The same rows with the transmitters where some rows say that they stand.

        Once a fit is known its materials are used, and only the surroundings of
        the place are searched.
        """
        spec = self.campaign.fit
        if not prior_sd_m(spec).any():
            return self
        found = find_places(
            self.world,
            self.data.take(train),
            self.parameters,
            spec,
            None if fit is None else fit.z,
            self.places,
            seed,
            _FIRST_DRAWS if fit is None else _LATER_DRAWS,
            progress,
            journal,
        )
        data = found.moved(self.data)
        features = scene_features(self.world, data)
        return replace(
            self, data=data, model=build_model(self.world, data), features=features, places=found
        )

    def chosen(
        self, train: Ints, seed: int, progress: Count = uncounted, journal: Journal | None = None
    ) -> "TracedCampaign":
        """The same rows in the scene whose objects are what some rows say that they are."""
        spec = self.campaign.fit
        if not spec.material_choice:
            return self
        found = choose_materials(
            self.recipe,
            self.campaign,
            self.data.take(train),
            self.parameters,
            seed,
            progress,
            journal,
        )
        if not found.materials:
            return replace(self, choice=found)
        recipe = with_object_materials(self.recipe, found.materials)
        world = world_of(recipe, self.campaign)
        model = build_model(world, self.data)
        parameters = parameters_of(spec, world.materials, model.materials, model.sectors)
        return replace(
            self, recipe=recipe, world=world, model=model, parameters=parameters, choice=found
        )

    def solved(
        self,
        train: Ints,
        seed: int,
        progress: Progress = silent,
        journal: Journal | None = None,
        *,
        final: bool = False,
    ) -> tuple["TracedCampaign", PhysicalFit]:
        """Places, then what objects are made of, then materials; paths anew in between.

        Args:
            final: Whether this is the fit that is reported: paths are traced anew
                under its materials, and what it sees is profiled.
        """
        part = self.placed(train, seed, None, count_of(progress, "places"), journal)
        part = part.chosen(train, seed, count_of(progress, "choice"), journal)
        again = part.places is not None
        retrace = final and self.campaign.fit.retrace
        last = final and not (again or retrace)
        fit = part.fit(train, seed, count_of(progress, "fit"), profiled=last, journal=journal)
        if again:
            # A place that was found under the wrong walls is looked at under better ones.
            part = part.placed(train, seed, fit, count_of(progress, "places"), journal)
        if retrace:
            part = part.retraced(fit)
        if again or retrace:
            fit = part.fit(
                train, seed, count_of(progress, "fit"), fit, profiled=final, journal=journal
            )
        return part, fit

    def retraced(self, fit: PhysicalFit) -> "TracedCampaign":
        """The same rows with paths found under the fitted materials, which guide the rays."""
        recipe = with_materials(self.recipe, fitted_materials(self, fit))
        world = world_of(recipe, self.campaign)
        model = build_model(world, self.data)
        touched = {p.target for p in self.parameters}
        return replace(self, model=model) if model.materials & touched else self

    def in_the_open(self, place_m: Floats) -> Bools:
        """Whether places [place, 3] lie outside of buildings, over the ground."""
        world = self.world
        known = np.isfinite(ground_height_m(world, place_m[:, :2]))
        return known & ~is_inside(world, place_m)

    def levels(self, fit: PhysicalFit | None, train: Ints) -> dict[str, Floats]:
        """Levels of the physical models in every row [dB]."""
        found = {RAY_TRACED: with_offsets(self.gain_db, self.data, train)}
        if fit is not None:
            found[CALIBRATED] = fit.level_db(self.model)
        return found


def physical_inputs(
    model: PhysicalModel, features: SceneFeatures, fit: PhysicalFit | None
) -> Inputs:
    """Inputs of the statistical models from a scene: levels, gains by class of path, features.

    Args:
        model: Paths of the rows.
        features: Of the same rows.
        fit: What was fitted; None for the scene as it is drawn.
    """
    parameters, z = ((), np.zeros(0)) if fit is None else (fit.parameters, fit.z)
    level = model.gain_db(parameters, z) if fit is None else fit.level_db(model)
    classes = scaled_gain_db(parameters, z, model.class_gains_db(parameters, z))
    names = (GAIN, *(f"gain of {name} paths" for name in PATH_CLASSES), *features.names)
    return link_inputs(model.data, np.column_stack([level, classes, features.values]), names)


def fitted_materials(part: TracedCampaign, fit: PhysicalFit) -> dict[str, dict[str, float | str]]:
    """Tables of the scene's materials as a recipe has them, fitted where data see them.

    A parameter that the data cannot see keeps the scene's value.
    """
    world = part.world
    seen = {
        (row["target"], row["kind"]): row["value"]
        for row in fit.identifiability()
        if row["identified"]
    }
    tables: dict[str, dict[str, float | str]] = {}
    for name, material in world.materials.items():
        if any(target == name for target, _ in seen):
            tables[name] = {
                key: float(seen.get((name, key), getattr(material, key))) for key in MATERIAL_KINDS
            }
            if material.is_half_space:
                tables[name]["thickness_m"] = INFINITE
    return tables


def trace_campaign(campaign: Campaign, recipe: Recipe) -> TracedCampaign:
    """Load the scene, set aside what does not fit into it, and trace the rest."""
    world = world_of(recipe, campaign)
    data = measurements_in_scene(campaign, world)
    model = build_model(world, data)
    parameters = parameters_of(campaign.fit, world.materials, model.materials, model.sectors)
    features = scene_features(world, data)
    gain = model.gain_db((), np.zeros(0))
    return TracedCampaign(campaign, data, world, model, parameters, recipe, gain, features)
