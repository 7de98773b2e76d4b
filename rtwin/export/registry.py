"""What a format is, and the table of all of them.

A format is one row of `FORMATS` and one function. To add a format, write the
function and add the row; the command line, its help and the checks follow.
"""

import importlib
import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from rtwin.errors import OutOfRangeError, nearest

Report = dict[str, Any]
"""What a writer tells: names and values, printed as they are."""

Writer = Callable[..., Report]
"""`writer(source, target, progress, **options) -> Report`.

source: a PathView for a dataset of paths, a RadioMap for a radio map; the path
    of the file if the format takes files.
target: where to write, freely. A format with a suffix writes this file; one
    without finds an empty folder here. It is put in place when the writer is
    done, and thrown away if the writer raises.
progress: called with stage ("export"), steps done and in all.
options: keyword-only parameters with a default, annotated with int, float,
    str or bool, or with `Annotated[type, "help"]`.
"""

PATHS, SWEEP, MAP, TRACE = "paths", "sweep", "radiomap", "trace"


@dataclass(frozen=True)
class Option:
    """One option of a format."""

    name: str
    type: type
    default: Any
    help: str


@dataclass(frozen=True)
class Format:
    """One way to write a twin for another tool.

    Attributes:
        name: How `--to` names it.
        summary: What it is, in one line.
        sources: Kinds of file that it takes: "paths" (a sweep at one of its
            frequencies), "sweep" (all of them), "radiomap", "trace".
        room: Package of its writer.
        function: Name of its writer there.
        suffix: Suffix of the file that it writes; "" for a folder.
        magic: First bytes of such a file, by which one is known for replacing.
        folder: Where the folder goes if no target is given.
        name_rule: What the name of the target must match; "" for anything.
        takes_file: The writer gets the path of the file, and no links can be chosen.
    """

    name: str
    summary: str
    sources: tuple[str, ...]
    room: str
    function: str
    suffix: str = ""
    magic: bytes = b""
    folder: str = ""
    name_rule: str = ""
    takes_file: bool = False

    @property
    def writer(self) -> Writer:
        """The function that writes it."""
        function: Writer = getattr(importlib.import_module(self.room), self.function)
        return function

    @property
    def options(self) -> tuple[Option, ...]:
        """The options of its writer."""
        hints = get_type_hints(self.writer, include_extras=True)
        found = []
        for name, parameter in inspect.signature(self.writer).parameters.items():
            if parameter.kind is not parameter.KEYWORD_ONLY:
                continue
            kind, text = hints[name], ""
            if get_origin(kind) is Annotated:
                kind, text = get_args(kind)
            found.append(Option(name, kind, parameter.default, text))
        return tuple(found)

    def default_target(self, source: Path) -> Path:
        """Where the export of a file goes if nobody says."""
        if self.suffix:
            return Path(f"{source.stem}{self.suffix}")
        return (
            Path(self.folder) / source.stem.lower()
            if self.folder
            else Path(f"{source.stem}-{self.name}")
        )

    def check_name(self, target: Path) -> None:
        """Make sure that the other tool takes the name.

        Raises:
            OutOfRangeError: if it does not.
        """
        if self.name_rule and not re.fullmatch(self.name_rule, target.name):
            raise OutOfRangeError(
                f"the name is {target.name!r}; format {self.name!r} takes names that match "
                f"{self.name_rule}"
            )

    def read_options(self, given: dict[str, Any]) -> dict[str, Any]:
        """Options as the writer takes them; texts become the type of the option.

        Raises:
            OutOfRangeError: if an option is unknown or its value is none of its type.
        """
        known = {option.name: option for option in self.options}
        options = {}
        for name, value in given.items():
            if name not in known:
                hint = nearest(name, known) if known else "it has none"
                raise OutOfRangeError(f"format {self.name!r} has no option {name!r}; {hint}")
            options[name] = _converted(name, value, known[name].type)
        return options


def _converted(name: str, value: Any, kind: type) -> Any:
    words = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
    try:
        if kind is bool:
            return {"true": True, "false": False}[str(value).lower()]
        if kind is int:
            number = float(value)  # 1e6 counts as well as 1000000
            if not number.is_integer():
                raise ValueError
            return int(number)
        if kind is float and not abs(float(value)) < float("inf"):
            raise ValueError
        return kind(value)
    except (KeyError, ValueError, TypeError, OverflowError):
        raise OutOfRangeError(f"option {name} is {value!r}; it must be {words[kind]}") from None


# The reader searches the whole path of a file for these.
_NO_TX_RX = r"(?!.*(Tx|Rx)).+"

FORMATS = (
    Format(
        "deepmimo",
        "DeepMIMO v4 scenario",
        (PATHS,),
        "rtwin.export.learning",
        "write_deepmimo",
        folder="deepmimo_scenarios",
        name_rule="[a-z0-9_.-]+",
    ),
    Format(
        "sionna-cir",
        "arrays for Sionna's CIRDataset",
        (PATHS,),
        "rtwin.export.learning",
        "write_cir",
    ),
    Format(
        "sionna-rk",
        "cirs.bin of one link for Sionna Research Kit's channel emulator",
        (PATHS,),
        "rtwin.export.learning",
        "write_emulator",
    ),
    Format(
        "tfrecord",
        "one example per link for tf.data",
        (PATHS,),
        "rtwin.export.learning",
        "write_tfrecord",
        suffix=".tfrecord",
    ),
    Format(
        "netcdf",
        "all of a file as netCDF-4",
        (PATHS, SWEEP, MAP, TRACE),
        "rtwin.export.analysis",
        "write_netcdf",
        suffix=".nc",
        magic=b"\x89HDF",
        takes_file=True,
    ),
    Format(
        "zarr",
        "all of a file as Zarr",
        (PATHS, SWEEP, MAP, TRACE),
        "rtwin.export.analysis",
        "write_zarr",
        takes_file=True,
    ),
    Format(
        "aodt",
        "Parquet tables in the style of AODT",
        (PATHS,),
        "rtwin.export.analysis",
        "write_aodt",
    ),
    Format(
        "qd-files",
        "QdFiles for ns-3's qd-channel",
        (PATHS,),
        "rtwin.export.networks",
        "write_qd",
        name_rule=_NO_TX_RX,
    ),
    Format(
        "siolena",
        "SioLENA traces for 5G-LENA",
        (PATHS,),
        "rtwin.export.networks",
        "write_siolena",
        name_rule=_NO_TX_RX,
    ),
    Format(
        "ns3-loss",
        "path loss over time, for ns-3's MatrixPropagationLossModel",
        (PATHS,),
        "rtwin.export.networks",
        "write_loss",
        suffix=".csv",
        magic=b"time_s,tx,rx,loss_db\n",
    ),
    Format(
        "ns3-lte",
        "losses, nodes and a program that runs them as an LTE downlink in ns-3",
        (PATHS,),
        "rtwin.export.networks",
        "write_lte",
    ),
    Format(
        "ns3-fading",
        "fading trace of one link, for ns-3's TraceFadingLossModel",
        (PATHS,),
        "rtwin.export.networks",
        "write_fading",
        suffix=".fad",
    ),
    Format(
        "colosseum",
        "four taps per link and time for Colosseum",
        (PATHS,),
        "rtwin.export.networks",
        "write_colosseum",
        suffix=".mat",
        magic=b"MATLAB 5.0 MAT-file",
    ),
    Format(
        "matlab",
        "rays by the names of comm.Ray, and channels, for MATLAB",
        (PATHS,),
        "rtwin.export.analysis",
        "write_matlab",
        suffix=".mat",
        magic=b"MATLAB 5.0 MAT-file",
    ),
    Format(
        "geotiff",
        "a metric as GeoTIFF for QGIS and others, a band per transmitter",
        (MAP,),
        "rtwin.export.maps",
        "write_geotiff",
        suffix=".tif",
        magic=b"II*\0",
    ),
    Format(
        "png",
        "a metric as picture, with or without legend",
        (MAP,),
        "rtwin.export.maps",
        "write_png",
        suffix=".png",
        magic=b"\x89PNG",
    ),
    Format(
        "glb",
        "a metric over the ground as 3D model, for Blender and others",
        (MAP,),
        "rtwin.export.maps",
        "write_glb",
        suffix=".glb",
        magic=b"glTF",
    ),
    Format(
        "radiomapseer",
        "pictures in the layout of RadioMapSeer",
        (MAP,),
        "rtwin.export.learning",
        "write_radiomapseer",
    ),
    Format(
        "bandwidth",
        "rates of a link trace as seconds and Mbps, for streaming",
        (TRACE,),
        "rtwin.export.networks",
        "write_bandwidth",
        takes_file=True,
    ),
)


def find_format(name: str) -> Format:
    """The format of a name.

    Raises:
        OutOfRangeError: if there is none.
    """
    for item in FORMATS:
        if item.name == name:
            return item
    raise OutOfRangeError(
        f"there is no format {name!r}; {nearest(name, (item.name for item in FORMATS))}"
    )
