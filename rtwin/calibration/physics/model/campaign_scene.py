"""A campaign in its scene: what is set aside, which paths reach a receiver, what is in the way."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rtwin.arrays import Bools, Floats, Ints
from rtwin.calibration.campaign import (
    WALL_FEATURES,
    Campaign,
    Link,
    Measurements,
    grid_means,
    links_of,
    read_measurements,
    screened,
)
from rtwin.calibration.physics.model.link_profiles import PROFILE_FEATURES, profile_features
from rtwin.errors import CampaignError
from rtwin.scene import Recipe, recipe_dict, recipe_from_dict
from rtwin.trace import World, ground_height_m, is_inside, load_world, obstruction

_MARGIN_M = 1.0


def campaign_recipe(recipe: Recipe, campaign: Campaign, **solver: Any) -> Recipe:
    """The scene's recipe with the campaign's transmitters and frequency.

    A transmitter of the scene with the same name lends its antenna.
    """
    links = links_of(campaign, recipe.georeference)
    return recipe_with_links(recipe, links, campaign.frequency_hz, **solver)


def recipe_with_links(
    recipe: Recipe, links: tuple[Link, ...], frequency_hz: float, **solver: Any
) -> Recipe:
    """The recipe with other transmitters and frequency, and one receiver."""
    data = recipe_dict(recipe)
    known = {tx["name"]: tx for tx in data["transmitter"]}
    made: list[dict[str, Any]] = []
    taken: list[Floats] = []
    for link in links:
        old = known.get(link.name, data["transmitter"][0])
        antenna = {**old.get("antenna", {}), "pattern": link.pattern}
        for key in ("num_rows", "num_cols"):
            antenna[key] = 1
        place = np.array(link.position_m)
        # Cells of one mast differ in name alone; the recipe wants a place for each.
        while any(math.dist(place, other) < 0.015 for other in taken):
            place = place + np.array([0.02, 0.0, 0.0])
        taken.append(place)
        made.append(
            {
                "name": link.name,
                "position_m": place.tolist(),
                "azimuth_deg": link.yaw_deg,
                "downtilt_deg": link.downtilt_deg,
                "antenna": antenna,
                **({} if link.power_dbm is None else {"power_dbm": link.power_dbm}),
            }
        )
    data["transmitter"] = made
    data["frequency_hz"] = frequency_hz
    data["receivers"] = {"kind": "random", "count": 1}
    data["solver"] |= {key: value for key, value in solver.items() if value is not None}
    return recipe_from_dict(data, recipe.name, recipe.folder)


def world_with_links(world: World, links: tuple[Link, ...], frequency_hz: float) -> World:
    """The world with other transmitters, for tracing from them."""
    recipe = recipe_with_links(world.recipe, links, frequency_hz)
    if frequency_hz != world.recipe.frequency_hz:
        world = world.at_frequency(frequency_hz)
    return replace(world, recipe=recipe)


def screen_by_scene(data: Measurements, world: World, campaign: Campaign) -> Measurements:
    """Set aside what lies outside the map or inside buildings; heights count from the ground."""
    low, high = world.bounds_m
    flat = data.position_m[:, :2]
    outside = ((flat < low[:2] - _MARGIN_M) | (flat > high[:2] + _MARGIN_M)).any(axis=1)
    place = data.position_m.copy()
    if campaign.measurements.z is None:
        place[:, 2] += ground_height_m(world, flat)
    lost = ~np.isfinite(place[:, 2])
    checked = np.where(lost[:, None], 0.0, place)
    spots, back = np.unique(checked, axis=0, return_inverse=True)
    within = is_inside(world, spots)[np.asarray(back).reshape(-1)] & ~lost
    if campaign.screen.keep_inside_buildings:
        within[:] = False
    counts, out = dict(data.set_aside), np.zeros(len(data), bool)
    for reason, mask in (
        ("outside the map", outside),
        ("without ground", lost),
        ("inside a building", within),
    ):
        new = int(data.count[mask & ~out].sum())
        if new:
            counts[reason] = new
        out |= mask
    kept = replace(data, position_m=place).take(~out)
    if not len(kept):
        raise CampaignError(
            f"{campaign.name}: none of {len(data)} measurements lies in the open of this scene "
            f"({', '.join(f'{n} {why}' for why, n in counts.items())}); check origin, units and "
            "columns"
        )
    return replace(kept, set_aside=counts)


def measurements_in_scene(campaign: Campaign, world: World) -> Measurements:
    """A campaign's measurements where the scene has them, means over the campaign's grid.

    Raises:
        CampaignError: if they cannot be read, or none lies in the open of the scene.
    """
    raw = screened(read_measurements(campaign, world.recipe.georeference), campaign)
    data = screen_by_scene(raw, world, campaign)
    grid = campaign.measurements.grid_m
    return data if grid is None else grid_means(data, grid, campaign.measurements.min_count)


@dataclass(frozen=True, eq=False)
class SceneFeatures:
    """What a scene says of each row besides its traced gain.

    Attributes:
        names: Of the features.
        values: [row, feature].
        line_of_sight: Whether the row sees its transmitter, [row].
    """

    names: tuple[str, ...]
    values: Floats
    line_of_sight: Bools


def scene_features(world: World, data: Measurements) -> SceneFeatures:
    """What is in the way of each row, in space and in plan; outdoors also along its way."""
    line = obstruction(world, data.tx_position_m, data.position_m)
    level = data.tx_position_m.copy()
    level[:, 2] = data.position_m[:, 2]
    plan = obstruction(world, data.position_m, level)
    values = np.column_stack(
        [
            line.faces == 0,
            np.minimum(line.faces, 8),
            np.minimum(line.inside_m, 100.0),
            np.minimum(plan.faces, 12),
            np.minimum(plan.inside_m, 150.0),
            np.log1p(plan.inside_m / 5.0),
        ]
    )
    names: tuple[str, ...] = WALL_FEATURES
    if world.recipe.environment == "outdoor":
        names = (*names, *PROFILE_FEATURES)
        values = np.column_stack([values, profile_features(world, data)])
    return SceneFeatures(names, values.astype(np.float64), line.faces == 0)


def with_offsets(gain_db: Floats, data: Measurements, train: Ints) -> Floats:
    """Gains plus one offset for each transmitter and device [dB], from the training rows.

    Medians, so that links without a path do not decide; a pair without rows has
    the offset of its transmitter, then of all.
    """
    train = train[~data.censored[train]]
    off = data.level_db[train] - gain_db[train]
    level = gain_db.copy()
    for number in range(len(data.transmitters)):
        for device in range(len(data.devices)):
            rows = (data.tx == number) & (data.device == device)
            own = (data.tx[train] == number) & (data.device[train] == device)
            for mask in (own, data.tx[train] == number, np.ones(len(train), bool)):
                if mask.any():
                    level[rows] += np.median(off[mask])
                    break
    return level


def with_materials(recipe: Recipe, materials: Mapping[str, Mapping[str, float | str]]) -> Recipe:
    """The recipe with some values of some materials replaced."""
    data = recipe_dict(recipe)
    for name, values in materials.items():
        spec = {k: v for k, v in data["materials"].get(name, {}).items() if k != "itu"}
        data["materials"][name] = {**spec, **values}
    return recipe_from_dict(data, recipe.name, recipe.folder)


def with_object_materials(recipe: Recipe, materials: dict[str, str]) -> Recipe:
    """The recipe with some objects of other materials.

    Raises:
        RecipeError: if an object or a material is not known.
    """
    data = recipe_dict(recipe)
    own = {item["name"]: item for item in data.get("object", [])}
    for name, material in materials.items():
        if own:
            own[name]["material"] = material
        else:
            settings = data.setdefault("object_settings", {})
            settings[name] = {**settings.get(name, {}), "material": material}
    return recipe_from_dict(data, recipe.name, recipe.folder)


def world_of(recipe: Recipe, campaign: Campaign) -> World:
    """The scene of a campaign, loaded, with the campaign's transmitters."""
    return load_world(campaign_recipe(recipe, campaign))
