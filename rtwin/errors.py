"""The errors that rtwin raises on purpose.

Each message is one line: the value seen, what is allowed, what to do. The
command line prints that line and nothing else.

    RtwinError
     |- RecipeError         a scene recipe says something impossible
     |- MaterialRangeError  a material is asked for outside its frequency range
     |- GeometryError       a mesh or scene file cannot be used
     |- CampaignError       a measurement campaign cannot be used
     |- EditError           an edit of a twin's world is impossible
     |- EngineError         the ray tracer cannot start or run
     |- OutOfRangeError     a number is not one that can be worked with
     |- ShapeError          arrays do not fit together
     |- StoreError          a dataset file is broken, foreign or unwritable
     |- MissingExtraError   an optional dependency is not installed
"""

import difflib
from collections.abc import Iterable


class RtwinError(Exception):
    """Base of every error that rtwin raises on purpose."""


class RecipeError(RtwinError, ValueError):
    """A scene recipe says something impossible."""


class MaterialRangeError(RecipeError):
    """A material is asked for outside the frequency range of its source."""


class GeometryError(RtwinError, ValueError):
    """A mesh or scene file cannot be used."""


class CampaignError(RtwinError, ValueError):
    """A measurement campaign cannot be used."""


class EditError(RtwinError, ValueError):
    """An edit of a twin's world is impossible."""


class EngineError(RtwinError, RuntimeError):
    """The ray tracer cannot start or run."""


class OutOfRangeError(RtwinError, ValueError):
    """A number is not one that can be worked with."""


class ShapeError(RtwinError, ValueError):
    """Arrays do not fit together."""


class StoreError(RtwinError, OSError):
    """A dataset file is broken, foreign or unwritable."""


class MissingExtraError(RtwinError, ImportError):
    """An optional dependency is not installed."""


def nearest(word: str, known: Iterable[str]) -> str:
    """The hint behind an unknown word: the nearest known one, else all of them."""
    known = list(known)
    match = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f"did you mean '{match[0]}'?" if match else f"allowed: {', '.join(known)}"
