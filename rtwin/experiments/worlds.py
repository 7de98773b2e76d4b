"""Worlds that differ: a reference that no twin equals, and twins that know less of it.

All are recipes; what no ray tracer can know is added to the reference's map as
a residual that is correlated in space.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np

from rtwin.arrays import Floats
from rtwin.channel import path_gain, rss_dbm, serving_transmitter, sinr
from rtwin.dataset import RadioMap, generate, open_dataset
from rtwin.errors import OutOfRangeError
from rtwin.scene import INFINITE, Recipe, recipe_dict, recipe_from_dict, with_overrides
from rtwin.settings import AtLeast, NotNegative, Settings
from rtwin.units import from_db


@dataclass(frozen=True)
class WorldSettings(Settings):
    """How far the reference world is from what a recipe says.

    Attributes:
        permittivity_sd: Of ln(relative permittivity - 1) of each material.
        conductivity_sd: Of ln(conductivity).
        thickness_sd: Of ln(thickness).
        scattering: Lowest and highest scattering coefficient; twins have none.
        azimuth_sd_deg, downtilt_sd_deg, power_sd_db: Of each transmitter.
        extra_depth: Interactions that the reference follows beyond the recipe's.
        residual_db: Standard deviation of what rays do not explain [dB].
        residual_distance_m: Distance at which its correlation is 1/e [m].
    Raises:
        OutOfRangeError: if a number is negative.
    """

    permittivity_sd: NotNegative = 0.4
    conductivity_sd: NotNegative = 1.0
    thickness_sd: NotNegative = 0.3
    scattering: Annotated[tuple[float, float], AtLeast(0)] = (0.1, 0.4)
    azimuth_sd_deg: NotNegative = 3.0
    downtilt_sd_deg: NotNegative = 1.0
    power_sd_db: NotNegative = 1.0
    extra_depth: Annotated[int, AtLeast(0)] = 2
    residual_db: NotNegative = 4.0
    residual_distance_m: NotNegative = 15.0


@dataclass(frozen=True)
class Materials:
    """Materials that a scene uses: their names and properties at its frequency."""

    name: tuple[str, ...]
    relative_permittivity: Floats
    conductivity_s_per_m: Floats
    thickness_m: Floats


def materials_in_use(recipe: Recipe, folder: Path) -> Materials:
    """The materials of a recipe's scene, as the ray tracer has them.

    Args:
        recipe: Any recipe.
        folder: Where a small dataset may be written.
    """
    small = with_overrides(recipe, num_receivers=1, max_depth=0, rays=1000)
    with open_dataset(generate(small, folder / "materials.h5", overwrite=True)) as dataset:
        return Materials(
            tuple(dataset.read("material_name")),
            *(
                dataset.read(name)
                for name in ("relative_permittivity", "conductivity_s_per_m", "thickness_m")
            ),
        )


def perturbed(
    recipe: Recipe, materials: Materials, settings: WorldSettings, rng: np.random.Generator
) -> Recipe:
    """The world as it really is: other materials and aims, richer propagation.

    Materials are drawn around the recipe's, transmitters are turned and their
    power is off a little; paths are followed deeper and around edges, and
    materials scatter.
    """
    data = recipe_dict(updated(recipe, materials, settings, rng))
    low, high = settings.scattering
    for name in materials.name:
        data["materials"][name]["scattering_coefficient"] = float(rng.uniform(low, high))
    data["solver"] |= {
        "max_depth": min(recipe.solver.max_depth + settings.extra_depth, 10),
        "diffraction": True,
        "diffuse_reflection": True,
    }
    return recipe_from_dict(data, recipe.name, recipe.folder)


def updated(
    recipe: Recipe, materials: Materials, settings: WorldSettings, rng: np.random.Generator
) -> Recipe:
    """A twin that was told the materials and aims of the world, but traces as the recipe says.

    With a generator in the same state its materials and aims are those of
    `perturbed`.
    """
    data = recipe_dict(recipe)
    for row, name in enumerate(materials.name):
        eps, sigma, thick = rng.standard_normal(3)
        data["materials"][name] = {
            "relative_permittivity": 1.0
            + (float(materials.relative_permittivity[row]) - 1.0)
            * float(np.exp(settings.permittivity_sd * eps)),
            "conductivity_s_per_m": float(materials.conductivity_s_per_m[row])
            * float(np.exp(settings.conductivity_sd * sigma)),
            "thickness_m": INFINITE
            if np.isinf(materials.thickness_m[row])
            else float(materials.thickness_m[row]) * float(np.exp(settings.thickness_sd * thick)),
        }
    for tx, spec in zip(data["transmitter"], recipe.transmitter, strict=True):
        yaw, pitch, _ = np.degrees(spec.orientation_rad)
        tx.pop("look_at_m", None)
        tx["azimuth_deg"] = float(yaw + settings.azimuth_sd_deg * rng.standard_normal())
        tx["downtilt_deg"] = float(pitch + settings.downtilt_sd_deg * rng.standard_normal())
        tx["power_dbm"] = spec.power_dbm + float(settings.power_sd_db * rng.standard_normal())
    return recipe_from_dict(data, recipe.name, recipe.folder)


def without_objects(recipe: Recipe, names: Sequence[str]) -> Recipe:
    """The scene of a recipe before some of its objects were there.

    Raises:
        OutOfRangeError: if the recipe has no object of a name.
    """
    data = recipe_dict(recipe)
    known = [item["name"] for item in data["object"]]
    for name in names:
        if name not in known:
            raise OutOfRangeError(
                f"{recipe.name} has no object {name!r} of its own; it has "
                f"{', '.join(known) or 'none, its geometry is ready-made'}"
            )
    data["object"] = [item for item in data["object"] if item["name"] not in names]
    data["geometry"]["ground"] = [g for g in data["geometry"]["ground"] if g not in names]
    used = {item["material"] for item in data["object"]}
    data["materials"] = {key: value for key, value in data["materials"].items() if key in used}
    return recipe_from_dict(data, recipe.name, recipe.folder)


def free_space_map(radio_map: RadioMap, recipe: Recipe, folder: Path) -> RadioMap:
    """The map of a recipe's transmitters, antennas included, in an empty world.

    Exact paths in line of sight to every cell centre: Friis and the patterns.
    """
    data = recipe_dict(recipe)
    centers = radio_map.cell_centers_m.reshape(-1, 3)
    far = {
        "name": "far",
        "material": "metal",
        "shape": "plane",
        "center_m": [0.0, 0.0, -1e4],
        "size_m": [1.0, 1.0],
    }
    data |= {"object": [far], "geometry": {}, "materials": {}, "object_settings": {}}
    # A hundredth of a metre beside the centre: a cell may have a transmitter in it.
    data["receivers"] = {
        "kind": "list",
        "positions_m": (centers + 0.01).tolist(),
        "keep_invalid": True,
    }
    data["solver"] = {"max_depth": 0, "rays": 1000}
    data.pop("camera", None)
    empty = recipe_from_dict(data, recipe.name, recipe.folder)
    gain = np.zeros((len(centers), len(recipe.transmitter)))
    with open_dataset(generate(empty, folder / "free_space.h5", overwrite=True)) as dataset:
        for links, paths in dataset.batches():
            gain.reshape(-1)[links] = path_gain(paths)
    return with_gain(radio_map, gain.T.reshape(radio_map.path_gain.shape))


def with_gain(radio_map: RadioMap, gain: Floats) -> RadioMap:
    """A radio map of the same cells with another path gain, known without error."""
    power = radio_map.tx_power_dbm
    noise = float(radio_map.attributes["noise_power_w"])
    return replace(
        radio_map,
        path_gain=gain,
        path_gain_standard_error=np.zeros_like(gain),
        rss_dbm=rss_dbm(gain, power).astype(np.float32),
        sinr=sinr(gain, power, noise),
        serving_transmitter=serving_transmitter(gain, power),
        attributes={**radio_map.attributes, "content_hash": ""},
        path_statistics={},
    )


def with_residual(
    radio_map: RadioMap, settings: WorldSettings, rng: np.random.Generator
) -> RadioMap:
    """A map with a log-normal residual, drawn for each transmitter.

    Its correlation falls exponentially with distance. It adds to the decibels
    of what arrives; where nothing arrives nothing changes.

    Source: M. Gudmundson, Electronics Letters 27(23), 1991; checked by
    tests/experiments/test_worlds.py.
    """
    if settings.residual_db == 0:
        return radio_map
    num_tx, num_y, num_x = radio_map.path_gain.shape
    step = float(radio_map.attributes["cell_size_m"])
    field = correlated_fields(num_tx, (num_y, num_x), step, settings.residual_distance_m, rng)
    gain = radio_map.path_gain * from_db(settings.residual_db * field)
    # A residual may not make more arrive than was sent.
    return with_gain(radio_map, np.minimum(gain, 1.0))


def correlated_fields(
    count: int, shape: tuple[int, int], step_m: float, distance_m: float, rng: np.random.Generator
) -> Floats:
    """Gaussian fields of unit variance whose correlation is exp(-r / distance), [count, y, x].

    Drawn by circulant embedding on a grid twice as large and at least six
    distances longer, whose negative eigenvalues are cut.

    Source: C. R. Dietrich and G. N. Newsam, SIAM J. Sci. Comput. 18(4), 1997.
    """
    size = [2 * n + int(np.ceil(6.0 * distance_m / step_m)) for n in shape]
    y, x = (np.minimum(np.arange(n), n - np.arange(n)) * step_m for n in size)
    power = np.maximum(np.fft.fft2(np.exp(-np.hypot(y[:, None], x) / distance_m)).real, 0.0)
    power *= size[0] * size[1] / power.sum()  # the variance stays 1 without what was cut
    noise = rng.standard_normal((count, *size)) + 1j * rng.standard_normal((count, *size))
    field = np.fft.fft2(noise * np.sqrt(power)).real / np.sqrt(size[0] * size[1])
    return np.asarray(field[:, : shape[0], : shape[1]], np.float64)
