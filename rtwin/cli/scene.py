"""Commands of `rtwin scene`: build, lint."""

from pathlib import Path
from typing import Annotated, Any

import typer
from typer import Argument, Option

from rtwin.cli.terminal import (
    Carrier,
    Frequency,
    Overwrite,
    SceneArgument,
    Talking,
    command_group,
    print_json,
    print_rows,
    stderr,
)
from rtwin.errors import OutOfRangeError

app = command_group("Build scenes from maps and meshes, and check them.")
SHOWN_NOTES = 12
SHOWN_TAGS = 8


@app.command()
def build(
    talk: Talking,
    source: Annotated[
        list[Path],
        Argument(
            metavar="SOURCE...",
            help="Maps or meshes: .osm (also .gz, .bz2, .pbf), .geojson, .json (CityJSON, "
            "Overpass), .jsonl (CityJSON), .xml (Mitsuba), .obj, .ply, .stl, .glb, .off; several "
            "are merged.",
        ),
    ],
    output: Annotated[
        Path, Option("-o", "--output", metavar="FOLDER", help="Scene folder to write.")
    ],
    terrain: Annotated[
        Path | None, Option(metavar="FILE", help="GeoTIFF of ground heights [m].")
    ] = None,
    bbox: Annotated[
        str, Option(metavar="S,W,N,E", help="Build only this part: degrees, comma separated.")
    ] = "",
    epsg: Annotated[
        int | None, Option(help="Projected system of the scene; by default the UTM zone.")
    ] = None,
    source_epsg: Annotated[
        int | None, Option(help="Reference system of sources that name none.")
    ] = None,
    up: Annotated[str, Option(metavar="AXIS", help="Axis of a mesh that points up: y or z.")] = "",
    units: Annotated[
        str, Option(metavar="UNIT", help="Units of a mesh: mm, cm, m, km, in or ft.")
    ] = "m",
    scale: Annotated[
        float, Option(metavar="FACTOR", help="Factor besides the units of a mesh.")
    ] = 1.0,
    latitude_first: Annotated[
        bool, Option("--latitude-first", help="Sources give latitude before longitude.")
    ] = False,
    default_height: Annotated[
        float, Option(metavar="M", help="Height of buildings without one [m].")
    ] = 9.0,
    level_height: Annotated[float, Option(metavar="M", help="Height of a storey [m].")] = 3.0,
    frequency: Carrier = 3.5e9,
    title: Annotated[str, Option(help="Title in the recipe.")] = "",
    overwrite: Overwrite = False,
) -> None:
    """Build a scene folder from maps or meshes: a recipe that traces as it is.

    Example: rtwin scene build campus.osm -o scenes/campus
    """
    from rtwin.scene.build import build_scene

    with talk.progress("Loading map") as progress:
        report = build_scene(
            source,
            output,
            terrain=terrain,
            bbox=_bbox(bbox),
            epsg=epsg,
            source_epsg=source_epsg,
            up=up,
            units=units,
            scale=scale,
            latitude_first=latitude_first,
            default_height_m=default_height,
            level_height_m=level_height,
            frequency_hz=frequency,
            title=title,
            overwrite=overwrite,
            progress=progress,
        )
    if talk.json:
        print_json(report)
        return
    notes = [f"{count} {what}" for what, count in report["notes"].items()]
    for line in notes[:SHOWN_NOTES]:
        stderr(f"note: {line}")
    if len(notes) > SHOWN_NOTES:
        stderr(f"note: {len(notes) - SHOWN_NOTES} more in {output / 'build.json'}")
    if report["unused"]:
        stderr(f"note: not built, by tag: {_unused(report['unused'])}")
    rows: list[tuple[str, Any]] = [
        ("recipe", output / "scene.toml"),
        (
            "buildings",
            f"{report['buildings']} ({report['heights_defaulted']} without a height in the map, "
            f"taken as {report['default_height_m']:g} m or less)",
        ),
        ("structures", report["structures"]),
        ("vegetation", report["vegetation"]),
        ("water", report["water"]),
        ("ways", report["ways"]),
        ("time", f"{report['seconds']:.1f} s"),
    ]
    print_rows(rows)


@app.command()
def lint(
    talk: Talking,
    scene: SceneArgument,
    fix: Annotated[
        bool, Option("--fix", help="Mend meshes and footprints of the recipe's own folder first.")
    ] = False,
    frequency: Frequency = None,
) -> None:
    """Check a scene before it is traced; exit status 1 if there is an error.

    Example: rtwin scene lint courtyard
    """
    from rtwin.scene import load_recipe, recipe_file
    from rtwin.scene.lint import fix_scene, lint_scene

    recipe = load_recipe(scene, frequency_hz=frequency)
    with talk.progress() as progress:
        done = []
        if fix:
            done = fix_scene(recipe, recipe_file(scene))
            recipe = load_recipe(scene, frequency_hz=frequency)
        if recipe.object:
            found = lint_scene(recipe, progress=progress)
        else:
            from rtwin.trace import scene_file_meshes

            found = lint_scene(recipe, *scene_file_meshes(recipe), progress=progress)
    bad = any(finding.severity == "error" for finding in found)
    if talk.json:
        findings = [finding.as_dict() for finding in found]
        print_json({"scene": recipe.name, "ok": not bad, "fixed": done, "findings": findings})
    else:
        for line in done:
            typer.echo(f"fixed {line}")
        for finding in found:
            typer.echo(str(finding))
        if not found:
            typer.echo(f"{recipe.name}: nothing to say")
    if bad:
        raise typer.Exit(1)


def _unused(counts: dict[str, int]) -> str:
    """The most frequent tags of what was left out, and how many there are besides."""
    parts = [f"{count} {tag}" for tag, count in list(counts.items())[:SHOWN_TAGS]]
    rest = list(counts.values())[SHOWN_TAGS:]
    return ", ".join(parts) + (f", {sum(rest)} with {len(rest)} other tags" if rest else "")


def _bbox(text: str) -> tuple[float, float, float, float] | None:
    if not text:
        return None
    try:
        south, west, north, east = (float(part) for part in text.split(","))
    except ValueError:
        raise OutOfRangeError(
            f"--bbox is {text!r}; it must be four numbers, SOUTH,WEST,NORTH,EAST"
        ) from None
    return south, west, north, east
