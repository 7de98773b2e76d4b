"""Options that several commands have: each is written once, and means the same everywhere."""

from pathlib import Path
from typing import Annotated, Any

from typer import Argument, BadParameter, Option

from rtwin.cli.terminal.option_groups import OptionGroup
from rtwin.cli.terminal.report import Talk
from rtwin.errors import OutOfRangeError


def shipped_scenes(incomplete: str) -> list[str]:
    """Names that a shell completes a scene's to; where none fits it goes on with files."""
    from rtwin.scene import scenes_folder

    found = (path.parent.name for path in scenes_folder().glob("*/scene.toml"))
    return sorted(name for name in found if name.startswith(incomplete))


SceneArgument = Annotated[
    str,
    Argument(
        metavar="SCENE",
        help="A shipped scene (see `rtwin scenes`), a folder or a .toml file.",
        autocompletion=shipped_scenes,
    ),
]
JsonFlag = Annotated[bool, Option("--json", help="Print JSON instead of a table.")]
Quiet = Annotated[bool, Option("--quiet", help="No progress bar.")]
Talking = Annotated[
    Talk, OptionGroup({"quiet": (Quiet, False), "json": (JsonFlag, False)}, Talk, last=True)
]
Output = Annotated[Path, Option("-o", "--output", metavar="FILE", help="File to write.")]
Overwrite = Annotated[bool, Option("--overwrite", help="Replace what an earlier run wrote.")]
StudyFolder = Annotated[
    Path, Option("-o", "--output", metavar="FOLDER", help="Folder for tables and pictures.")
]
CampaignData = Annotated[
    Path | None, Option(metavar="FOLDER", help="Where the campaign's files are, if elsewhere.")
]
Calibration = Annotated[
    Path | None, Option(metavar="RESULT", help="Result of a calibration, whose materials count.")
]
DryRun = Annotated[
    bool,
    Option("--dry-run", help="Only say how many links it is, and about what time and memory."),
]
SceneOfFile = Annotated[
    str | None, Option(help="The recipe, where its geometry is in files of its own.")
]
CellSize = Annotated[float | None, Option(metavar="M", help="Cell size [m].")]
MapHeight = Annotated[float | None, Option(metavar="M", help="Height above the ground [m].")]
DiscoveryRays = Annotated[int | None, Option(help="Rays per transmitter that find chains.")]
StrongestPaths = Annotated[
    int | None, Option(metavar="K", help="Keep the K strongest paths per link.")
]
MinGain = Annotated[float | None, Option(metavar="DB", help="Leave out paths of less gain [dB].")]

Hands = Annotated[
    dict[str, Any],
    OptionGroup(
        {
            "workers": (
                Annotated[
                    int | None, Option(help="Processes of this machine that trace; 1 if not given.")
                ],
                None,
            ),
            "ray": (
                Annotated[
                    str | None,
                    Option(
                        metavar="auto|ADDRESS",
                        help="Trace on a Ray cluster instead: HOST:PORT of its head.",
                    ),
                ],
                None,
            ),
        },
        dict,
    ),
]
"""Who traces shards: `workers` and `ray` of the functions that do."""


_LEAST_HZ = 1e6  # of a recipe
_MOST_GHZ = 300.0  # a number alone below it is one of GHz, above of MHz


def hertz(text: str) -> float:
    """A frequency [Hz], from a number alone or one with Hz, kHz, MHz or GHz behind it."""
    units = {"Hz": 1.0, "kHz": 1e3, "MHz": 1e6, "GHz": 1e9, "": 1.0}
    found = quantity(str(text), units, "frequency")
    if 0 < found < _LEAST_HZ and not str(text).endswith("z"):
        meant = f"{found:g}{'GHz' if found < _MOST_GHZ else 'MHz'}"
        raise BadParameter(
            f"{text} Hz is no carrier; did you mean {meant}?", param_hint="frequency"
        )
    return found


Carrier = Annotated[
    float, Option(metavar="HZ", help="Carrier frequency [Hz], or as 28GHz.", parser=hertz)
]
Frequency = Annotated[
    float | None, Option(metavar="HZ", help="Carrier frequency [Hz], or as 28GHz.", parser=hertz)
]

Switch = bool | None
# Keys of a recipe that every tracing command can override, and their options.
SOLVER_OPTIONS: dict[str, Any] = {
    "seed": Annotated[int | None, Option(help="Seed of positions and rays.")],
    "frequency": Frequency,
    "max_depth": Annotated[int | None, Option(help="Most interactions per path.")],
    "line_of_sight": Annotated[
        Switch, Option("--line-of-sight/--no-line-of-sight", help="Paths that touch nothing.")
    ],
    "specular_reflection": Annotated[
        Switch, Option("--specular-reflection/--no-specular-reflection", help="Mirror reflections.")
    ],
    "refraction": Annotated[
        Switch, Option("--refraction/--no-refraction", help="Paths through walls.")
    ],
    "diffraction": Annotated[
        Switch,
        Option("--diffraction/--no-diffraction", help="Paths over edges of solids."),
    ],
    "edge_diffraction": Annotated[
        Switch,
        Option(
            "--edge-diffraction/--no-edge-diffraction",
            help="Free edges of sheets diffract as well.",
        ),
    ],
    "diffuse_reflection": Annotated[
        Switch,
        Option(
            "--diffuse-reflection/--no-diffuse-reflection",
            help="Scattering, where materials scatter.",
        ),
    ],
}
_KEYS = {"frequency": "frequency_hz"}


def _overrides(**values: Any) -> dict[str, Any]:
    return {_KEYS.get(key, key): value for key, value in values.items()}


SolverOverrides = Annotated[
    dict[str, Any],
    OptionGroup({key: (option, None) for key, option in SOLVER_OPTIONS.items()}, _overrides),
]
"""Overrides of a recipe's solver, as with_overrides takes them."""


def pair(option: str, text: str) -> tuple[str, str]:
    """Both sides of a NAME=VALUE that an option was given."""
    key, equals, value = text.partition("=")
    if not (key and equals and value):
        raise OutOfRangeError(f"--{option} is {text!r}; write NAME=VALUE")
    return key.strip(), value.strip()


def numbers(option: str, text: str) -> dict[str, float]:
    """Numbers of a NAME=X,NAME=X that an option was given; nothing for an empty one."""
    found = {}
    for part in filter(None, text.split(",")):
        key, value = pair(option, part)
        try:
            found[key] = float(value)
        except ValueError:
            raise OutOfRangeError(f"--{option} has {part!r}; write NAME=X with a number") from None
    return found


def quantity(text: str | None, units: dict[str, float], option: str) -> float:
    """A number with a unit in the unit that counts as 1; infinite where nothing is said."""
    if text is None:
        return float("inf")
    unit = text.lstrip("0123456789.+-e ")
    try:
        return float(text.removesuffix(unit)) * units[unit]
    except (ValueError, KeyError):
        known = ", ".join(u for u in units if u)
        raise BadParameter(f"{text!r}: give a number with {known}", param_hint=option) from None
