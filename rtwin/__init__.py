"""rtwin: ray-traced channel twins.

    import rtwin

    dataset = rtwin.generate("munich", "munich.h5", num_receivers=1000)
    response = dataset.cfr(frequencies_hz, rx=3, tx=0)

A scene is traced into path geometry once; fields, radio maps and channels are
evaluated from it as often as needed. Functions have the names of the commands, see
rtwin.door; they are loaded when they are asked for, so that ``import rtwin`` loads
neither the ray tracer nor TensorFlow. ``rtwin.export``, ``rtwin.plot`` and
``rtwin.view`` are packages with a function each: export, plot_map and so on, write_page.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rtwin.door import (
        build_scene,
        calibrate,
        evaluate,
        file_info,
        generate,
        history,
        list_scenes,
        load_recipe,
        merge,
        open_dataset,
        open_link_trace,
        open_radio_map,
        open_twin,
        quality,
        radio_map,
        rehearse,
        sample,
        tf_dataset,
        twin,
        update,
        validate_file,
    )

__version__ = "0.2.0"

__all__ = [
    "build_scene",
    "calibrate",
    "evaluate",
    "file_info",
    "generate",
    "history",
    "list_scenes",
    "load_recipe",
    "merge",
    "open_dataset",
    "open_link_trace",
    "open_radio_map",
    "open_twin",
    "quality",
    "radio_map",
    "rehearse",
    "sample",
    "tf_dataset",
    "twin",
    "update",
    "validate_file",
]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module("rtwin.door"), name)
    raise AttributeError(f"module 'rtwin' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
