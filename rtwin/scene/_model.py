"""The base of every recipe table, and how its mistakes become one line.

Each table refuses unknown keys itself, because only the table knows its keys
and can name the nearest one.
"""

import math
import numbers
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    PrivateAttr,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from rtwin.errors import RecipeError, RtwinError, nearest

# float32, which the ray tracer computes in, keeps a centimetre up to here.
MAX_COORDINATE_M = 1e5
INFINITE: Literal["infinite"] = "infinite"
MAX_THICKNESS_M = 100.0
MAX_SPEED_M_S = 1e5
MAX_TURN_DEG = 36_000.0  # a hundred turns


def one_line(text: object) -> str:
    """Text without line breaks or control characters."""
    return "".join(c if c.isprintable() else " " for c in " ".join(str(text).split()))


def shown(value: object) -> str:
    """A value as an error message shows it: its repr, cut to a readable length."""
    try:
        text = one_line(repr(value))
    except (RecursionError, ValueError):
        # Nested without end, or an integer of thousands of digits.
        text = f"a {type(value).__name__}"
    return text if len(text) <= 60 else text[:57] + "..."


def read_toml(path: Path, max_bytes: int, error_class: type[RtwinError]) -> dict[str, Any]:
    """The tables of a TOML file.

    Args:
        path: The file, of at most `max_bytes` of UTF-8.
        error_class: What is raised where it cannot be read; one line.
    """
    where = f"{one_line(path)}: not a readable TOML file"
    try:
        if path.exists() and not path.is_file():
            raise error_class(f"{where} (no regular file)")
        size = path.stat().st_size
        if size > max_bytes:
            raise error_class(
                f"{one_line(path)}: has {size / 2**20:.0f} MiB; at most {max_bytes // 2**20} MiB "
                "are read: move geometry and tables into files of their own"
            )
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise error_class(f"{where} (byte {error.start} is not UTF-8; save it as UTF-8)") from None
    except ValueError as error:
        if isinstance(error, error_class):
            raise
        # TOMLDecodeError, or Python's refusal of a number of thousands of digits.
        raise error_class(f"{one_line(path)}: not valid TOML: {one_line(error)}") from None
    except OSError as error:
        raise error_class(f"{where} ({error.strerror})") from None
    except RecursionError:
        raise error_class(f"{where} (nested too deeply)") from None


class Table(BaseModel):
    """A frozen TOML table that refuses unknown keys, NaN and infinity."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, data: Any) -> Any:
        if isinstance(data, Mapping):
            for key in data:
                if key not in cls.model_fields:
                    hint = nearest(str(key), cls.model_fields)
                    raise PydanticCustomError("unknown_key", "{hint}", {"key": key, "hint": hint})
        return data


class FileTable(Table):
    """A table that is a file of its own; where it came from is not part of what it says."""

    _name: str = PrivateAttr("")
    _folder: Path = PrivateAttr(Path())

    @property
    def name(self) -> str:
        """Its short name: the name of its folder, or of its file without the suffix."""
        return self._name

    @property
    def folder(self) -> Path:
        """The folder that its files are relative to."""
        return self._folder


def _number(value: Any) -> float:
    if not isinstance(value, numbers.Real) or isinstance(value, bool):
        raise PydanticCustomError("number", "must be a number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise PydanticCustomError("number", "must be a finite number")
    return number


def _whole(value: Any) -> int:
    # TOML writes 1e6 as a float; as a count it is as good as 1000000.
    number = _number(value)
    if not number.is_integer():
        raise PydanticCustomError("number", "must be a whole number")
    return int(value)


def _switch(value: Any) -> bool:
    if not isinstance(value, bool):
        raise PydanticCustomError("switch", "must be true or false")
    return value


def _thickness(value: Any) -> float | str:
    if value == INFINITE:
        return INFINITE
    if isinstance(value, str):
        raise PydanticCustomError(
            "thickness", 'must be metres, or "infinite" for a half-space such as the ground'
        )
    number = _number(value)
    if not 0 < number <= MAX_THICKNESS_M:
        raise PydanticCustomError("thickness", 'must be above 0 m and at most 100 m, or "infinite"')
    return number


def _relative_file(value: str) -> str:
    parts = value.replace("\\", "/").split("/")
    if value.startswith(("/", "\\", "~")) or ":" in value or ".." in parts or "\0" in value:
        raise PydanticCustomError(
            "file", "must be a path inside the recipe's folder, without '..'; copy the file there"
        )
    return value


def _area(value: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    if value[0] >= value[2] or value[1] >= value[3]:
        raise PydanticCustomError("area", "must be [xmin, ymin, xmax, ymax] with min below max")
    return value


Float = Annotated[float, BeforeValidator(_number)]
Int = Annotated[int, BeforeValidator(_whole)]
Bool = Annotated[bool, BeforeValidator(_switch)]
Positive = Annotated[Float, Field(gt=0, le=1e15)]
Angle = Annotated[Float, Field(ge=-MAX_TURN_DEG, le=MAX_TURN_DEG)]
Speed = Annotated[Float, Field(ge=-MAX_SPEED_M_S, le=MAX_SPEED_M_S)]
Fraction = Annotated[Float, Field(ge=0, le=1)]
Coordinate = Annotated[Float, Field(ge=-MAX_COORDINATE_M, le=MAX_COORDINATE_M)]
Length = Annotated[Float, Field(gt=0, le=MAX_COORDINATE_M)]
Thickness = Annotated[
    Annotated[float, Field(gt=0, le=MAX_THICKNESS_M)] | Literal["infinite"],
    PlainValidator(_thickness),
]
Point2 = tuple[Coordinate, Coordinate]
Point3 = tuple[Coordinate, Coordinate, Coordinate]
Velocity3 = tuple[Speed, Speed, Speed]
Area = Annotated[tuple[Coordinate, Coordinate, Coordinate, Coordinate], AfterValidator(_area)]
RelativeFile = Annotated[str, Field(min_length=1), AfterValidator(_relative_file)]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$", max_length=100)]


def recipe_error(where: str, data: Any, error: ValidationError) -> RecipeError:
    """A RecipeError of one line: the first problem in full, the others counted."""
    details = _distinct(error.errors(include_url=False))
    line = f"{one_line(where)}: {_problem(data, details[0])}"
    if len(details) > 1:
        line += f" (and {len(details) - 1} more)"
    return RecipeError(line)


def _distinct(details: list[ErrorDetails]) -> list[ErrorDetails]:
    """The errors without those that merely follow from another."""
    kept: list[ErrorDetails] = []
    for i, detail in enumerate(details):
        loc, kind = detail["loc"], detail["type"]
        # A list with a bad item is counted short of it as well.
        if kind == "too_short" and any(d["loc"][: len(loc)] == loc for d in details[:i]):
            continue
        # Every item that a short list lacks is reported: the last tells the length.
        both_short = kept and _is_short_list(detail) and _is_short_list(kept[-1])
        if both_short and kept[-1]["loc"][:-1] == loc[:-1]:
            kept.pop()
        kept.append(detail)
    return kept


def _is_short_list(detail: ErrorDetails) -> bool:
    return detail["type"] == "missing" and isinstance(detail["loc"][-1], int)


def _problem(data: Any, detail: ErrorDetails) -> str:
    kind, ctx, value = detail["type"], detail.get("ctx", {}), detail["input"]
    key = _key_path(data, detail["loc"])
    if kind == "unknown_key":
        return f"unknown key '{_join(key, ctx['key'])}'; {ctx['hint']}"
    if _is_short_list(detail):
        key, wanted = key[: key.rindex("[")], int(detail["loc"][-1]) + 1
        return f"{key} = {shown(value)}: must have {wanted} items, not {len(value)}"
    if kind == "missing":
        return f"missing key '{key}'; add it"
    if kind == "union_tag_not_found":
        tag = ctx["discriminator"].strip("'")
        return f"missing key '{_join(key, tag)}'; add it"
    if kind == "union_tag_invalid":
        allowed = re.findall(r"'([^']*)'", ctx["expected_tags"])
        tag = ctx["discriminator"].strip("'")
        return f"{_join(key, tag)} = {shown(ctx['tag'])}: {nearest(ctx['tag'], allowed)}"
    if kind == "literal_error":
        text = f"must be {ctx['expected']}"
    elif kind == "value_error":
        # Raised by a whole table: its message names the values that matter.
        text = one_line(ctx["error"])
        return f"{key}: {text}" if key else text
    elif kind in ("model_type", "dict_type", "model_attributes_type"):
        text = "must be a table"
    elif kind == "tuple_type":
        text = "must be a list"
    elif kind == "string_pattern_mismatch":
        text = "may hold letters, digits, '_' and '-' only"
    else:
        text = one_line(detail["msg"]).replace("Input should be", "must be")
        text = re.sub("^(Tuple|String) should", "must", text).replace(" after validation", "")
    return f"{key} = {shown(value)}: {text}"


def _join(path: str, key: object) -> str:
    return f"{path}.{one_line(key)}" if path else one_line(key)


def _key_path(data: Any, loc: tuple[int | str, ...]) -> str:
    """The dotted key of an error; pydantic's union tags are not keys and drop out."""
    path = ""
    for i, part in enumerate(loc):
        if isinstance(part, int):
            path += f"[{part}]"
            in_range = isinstance(data, (list, tuple)) and part < len(data)
            data = data[part] if in_range else None
        elif isinstance(data, Mapping) and (part in data or i == len(loc) - 1):
            # The tag of a union that fails as a whole also comes last.
            if part not in data and part in data.values():
                continue
            path = _join(path, part)
            data = data.get(part)
    return path
