"""What a Mitsuba or Sionna scene file says about its materials, kept as a recipe would say it."""

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from pydantic import ValidationError

from rtwin.errors import GeometryError
from rtwin.scene import MaterialSpec
from rtwin.scene._model import recipe_error
from rtwin.trace.engine import Engine

_PATTERN = ("scattering_pattern", "alpha_r", "alpha_i", "lambda_")


def without_patterns(text: str) -> tuple[str, dict[str, dict[str, str]]]:
    """A scene file's text without scattering patterns, and the patterns by id of the material.

    Sionna RT 2.2 knows patterns, but refuses a file that holds their parameters.

    Args:
        text: XML that was checked before.
    """
    root = ElementTree.fromstring(text)
    found: dict[str, dict[str, str]] = {}
    for bsdf in root.iter("bsdf"):
        for child in list(bsdf):
            if child.get("name") in _PATTERN:
                said = found.setdefault(bsdf.get("id", ""), {})
                said[child.get("name", "")] = child.get("value", "")
                bsdf.remove(child)
    return (ElementTree.tostring(root, encoding="unicode") if found else text), found


def material_spec(
    engine: Engine, bsdf: Any, name: str, file: Path, pattern: dict[str, str]
) -> MaterialSpec:
    """A material of the engine as a recipe's [materials.NAME] table.

    Args:
        pattern: What the file says of its scattering pattern, if anything.
    Raises:
        GeometryError: if it is no radio material, or its pattern is none that rtwin has.
    """
    rt = engine.rt
    if not isinstance(bsdf, rt.RadioMaterial):
        raise GeometryError(
            f"{file}: material {name!r} is no radio material; name it mat-itu_TYPE "
            "(for example mat-itu_concrete)"
        )
    table: dict[str, Any] = {
        "thickness_m": float(bsdf.thickness[0]),
        # Six digits: what single precision made of the file's own.
        "scattering_coefficient": float(f"{bsdf.scattering_coefficient[0]:.6g}"),
        "xpd_coefficient": float(f"{bsdf.xpd_coefficient[0]:.6g}"),
    }
    if isinstance(bsdf, rt.ITURadioMaterial):
        table["itu"] = str(bsdf.itu_type)
    else:
        table["relative_permittivity"] = float(bsdf.relative_permittivity[0])
        table["conductivity_s_per_m"] = float(bsdf.conductivity[0])
    for key, value in pattern.items():
        try:
            table[key] = value if key == "scattering_pattern" else float(value)
        except ValueError:
            raise GeometryError(
                f"{file}: {key} of material {name!r} is {value[:40]!r}; it must be a number"
            ) from None
    try:
        return MaterialSpec.model_validate(table)
    except ValidationError as error:
        said = recipe_error(f"{file}: material {name!r}", table, error)
        raise GeometryError(str(said)) from None
