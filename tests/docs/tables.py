"""What the tables in the docs must say, from the recipe models and the file schema."""

import json
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from rtwin.dataset.schema import Variable

UNITS = {
    "_db_per_m": "dB/m",
    "_s_per_m": "S/m",
    "_m_s": "m/s",
    "_hz": "Hz",
    "_dbm": "dBm",
    "_db": "dB",
    "_deg": "degree",
    "_k": "K",
    "_s": "s",
    "_m": "m",
    "_spacing": "wavelength",
    "footprint": "m",
    "holes": "m",
    "area": "m",
}


def key_rows(model: type[BaseModel]) -> list[list[str]]:
    """Key, unit, default and allowed values of each key of a recipe table."""
    hints = get_type_hints(model, include_extras=True)
    return [
        [f"`{key}`", unit(key), default(field), allowed(hints[key])]
        for key, field in model.model_fields.items()
    ]


def layout_rows(layout: tuple[Variable, ...]) -> list[list[str]]:
    """Name, dimensions, type, unit and meaning of each variable of a file."""
    return [
        [f"`{v.name}`", ", ".join(v.dims), v.dtype.replace("|", ""), v.units, v.long_name]
        for v in layout
    ]


def unit(key: str) -> str:
    return next((unit for end, unit in UNITS.items() if key.endswith(end)), "")


def default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    if field.default_factory is not None or field.default in (None, (), ""):
        return "none"
    if isinstance(field.default, BaseModel):
        return "table of defaults"
    return f"`{json.dumps(field.default)}`"


def allowed(kind: Any, metadata: tuple[Any, ...] = ()) -> str:
    """The values that a type takes, in words."""
    origin, args = get_origin(kind), get_args(kind)
    if origin is Annotated:
        inner = [m for a in args[1:] for m in (a.metadata if isinstance(a, FieldInfo) else [a])]
        return allowed(args[0], (*metadata, *inner))
    if origin in (Union, UnionType):
        words = dict.fromkeys(allowed(a, metadata) for a in args if a is not type(None))
        return " or ".join(words)
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in args)
    if origin is tuple:
        return _list(args, metadata)
    if origin is dict:
        return "tables by name"
    if kind is bool:
        return "`true`, `false`"
    if kind in (int, float):
        word = "whole number" if kind is int else "number"
        return f"{word} {_bounds(metadata)}".strip()
    if kind is str:
        # A pattern stands for the one that the recipe has.
        has_pattern = any(getattr(m, "pattern", None) for m in metadata)
        return "letters, digits, `_`, `-`" if has_pattern else "text"
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return "table"
    raise AssertionError(f"no words for {kind}")


def _list(args: tuple[Any, ...], metadata: tuple[Any, ...]) -> str:
    if args[-1] is Ellipsis:
        least = next((m.min_length for m in metadata if hasattr(m, "min_length")), 0)
        return f"list{f' of {least} or more' if least else ''}: {allowed(args[0])}"
    words = {allowed(arg) for arg in args}
    assert len(words) == 1, words
    return words.pop().replace("number", f"{len(args)} numbers", 1)


def _bounds(metadata: tuple[Any, ...]) -> str:
    low, above, high = (
        next((getattr(m, key) for m in metadata if hasattr(m, key)), None)
        for key in ("ge", "gt", "le")
    )
    if high is not None and high >= 2**63 - 1:
        high = None
    if low is not None and high is not None:
        return f"{low:.12g} to {high:.12g}"
    if above is not None:
        return f"above {above:.12g}" + (f", up to {high:.12g}" if high is not None else "")
    return f"{low:.12g} or more" if low is not None else ""
