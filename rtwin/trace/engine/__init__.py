"""The engine: started without risking the process, and what rtwin teaches it."""

from rtwin.trace.engine.half_space import engine_values
from rtwin.trace.engine.patterns import antenna_functions, register
from rtwin.trace.engine.rays import STEP, off_surface, segment
from rtwin.trace.engine.recording import recording
from rtwin.trace.engine.start import GPU_VARIANT, Engine, find_llvm, start_engine

__all__ = [
    "GPU_VARIANT",
    "STEP",
    "Engine",
    "antenna_functions",
    "engine_values",
    "find_llvm",
    "off_surface",
    "recording",
    "register",
    "segment",
    "start_engine",
]
