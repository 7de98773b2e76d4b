"""Starting Sionna RT without risking the process.

Three things kill a process that imports Mitsuba carelessly: a libLLVM that
Dr.Jit cannot use aborts it at the first kernel (LLVM 15), TensorFlow imported
first makes libLLVM bind to TensorFlow's LLVM symbols and segfault, and a
missing libLLVM surfaces only deep inside the first call. `start_engine` is the
one place that deals with them, and the only place that imports the engine.
"""

import ctypes
import glob
import hashlib
import importlib.metadata
import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtwin.errors import EngineError
from rtwin.trace.engine.half_space import teach_half_spaces

GPU_VARIANT = "cuda_ad_mono_polarized"
CPU_VARIANT = "llvm_ad_mono_polarized"
BUNDLED_LLVM = "karellen-llvm-core"
_ALIGNMENT = 64  # bytes, of the widest vectors there are
_DTYPES = {
    "Float": np.float32,
    "Float64": np.float64,
    "UInt": np.uint32,
    "UInt32": np.uint32,
    "Bool": np.bool_,
}
OLDEST_LLVM = 16  # 14 is refused by Dr.Jit, 15 aborts the process

# Runs one kernel of the kind that aborts the process on LLVM 15.
_PROBE = (
    "import drjit as dr; from drjit.llvm import Float; "
    "x = dr.minimum(dr.arange(Float, 64), 3); "
    "assert float(dr.sum(x)[0]) == 186.0"
)

_HOW_TO_GET_LLVM = (
    "install one (`pip install karellen-llvm-core` on Linux x86-64, `apt install libllvm19`, "
    "`brew install llvm`) or point DRJIT_LIBLLVM_PATH at a libLLVM of version 16 or newer"
)


@dataclass(frozen=True)
class Engine:
    """The loaded engine: the three modules, the variant and the libLLVM in use."""

    rt: ModuleType
    mi: ModuleType
    dr: ModuleType
    variant: str
    llvm_path: str | None

    def opaque(self, values: Any, kind: str = "Float") -> Any:
        """Device array of `values` that a kernel reads instead of baking it in.

        Literals would make Dr.Jit compile a new kernel for each value, and
        could round differently from the same value in an array. The memory is aligned:
        Dr.Jit takes NumPy's as it is, and compiles a kernel anew for each pattern of
        arrays that happen to be aligned and others that are not.
        """
        array = getattr(self.mi, kind)(_aligned(values, _DTYPES[kind]))
        self.dr.make_opaque(array)
        return array


def _aligned(values: Any, dtype: type) -> NDArray[Any]:
    """Values, one after the other from an address that any vector can be read at."""
    values = np.asarray(values, dtype)
    memory = np.empty(values.nbytes + _ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % _ALIGNMENT
    out = memory[start : start + values.nbytes].view(values.dtype).reshape(values.shape)
    out[...] = values
    return out


@cache
def start_engine() -> Engine:
    """Import Sionna RT, Mitsuba and Dr.Jit, once per process.

    The GPU variant is taken where CUDA works, else LLVM on the CPU. The
    environment variable RTWIN_VARIANT ("cuda" or "llvm") forces one.

    Raises:
        EngineError: if no usable libLLVM is found, or the variant asked for
            does not start; the line says what to install.
    """
    wanted = os.environ.get("RTWIN_VARIANT", "auto").lower()
    if wanted not in ("auto", "cuda", "llvm"):
        raise EngineError(f"RTWIN_VARIANT is {wanted!r}; allowed are auto, cuda, llvm")
    llvm_path = None if "drjit" in sys.modules else find_llvm()
    if llvm_path is not None:
        _bind_llvm(llvm_path)
    elif "drjit" not in sys.modules:
        if wanted == "llvm":
            raise EngineError(f"no usable libLLVM found; {_HOW_TO_GET_LLVM}")
        # Left alone, Dr.Jit would find the very library that just failed.
        os.environ["DRJIT_LIBLLVM_PATH"] = os.devnull

    import drjit
    import mitsuba

    if mitsuba.variant() not in (GPU_VARIANT, CPU_VARIANT):
        variants = {"auto": (GPU_VARIANT, CPU_VARIANT), "cuda": (GPU_VARIANT,)}
        try:
            mitsuba.set_variant(*variants.get(wanted, (CPU_VARIANT,)))
        except ImportError as error:
            if wanted == "cuda":
                raise EngineError(
                    "RTWIN_VARIANT asks for cuda, but no usable NVIDIA GPU was found; unset it"
                ) from error
            if os.environ.get("DRJIT_LIBLLVM_PATH") == os.devnull:
                raise EngineError(
                    f"no NVIDIA GPU and no usable libLLVM found; {_HOW_TO_GET_LLVM}"
                ) from error
            raise EngineError(
                f"the ray tracer did not start ({str(error).splitlines()[0]}); {_HOW_TO_GET_LLVM}"
            ) from error
    import sionna.rt

    teach_half_spaces()
    mitsuba.set_log_level(mitsuba.LogLevel.Error)
    return Engine(sionna.rt, mitsuba, drjit, str(mitsuba.variant()), llvm_path)


def _bind_llvm(path: str) -> None:
    """Load libLLVM so that its symbols stay its own, whatever was imported before."""
    os.environ["DRJIT_LIBLLVM_PATH"] = path
    deep_bind = getattr(os, "RTLD_DEEPBIND", 0)
    ctypes.CDLL(path, mode=deep_bind | os.RTLD_NOW | os.RTLD_LOCAL)


@cache
def find_llvm() -> str | None:
    """Path of a libLLVM that works, or None.

    Order: DRJIT_LIBLLVM_PATH if it is set, the wheel's, the system's newest
    first. Every candidate but the wheel's (whose version pip controls) runs one
    kernel in a process of its own first, because a bad one aborts the process.

    Raises:
        EngineError: if DRJIT_LIBLLVM_PATH names a library that does not work.
    """
    named = os.environ.get("DRJIT_LIBLLVM_PATH")
    if named:
        if named == _bundled_llvm() or _probe(named):
            return named
        raise EngineError(
            f"DRJIT_LIBLLVM_PATH is {named!r}, which does not work with Dr.Jit "
            f"(needs LLVM {OLDEST_LLVM} or newer); unset it or {_HOW_TO_GET_LLVM}"
        )
    bundled = _bundled_llvm()
    if bundled is not None:
        return bundled
    return next((path for path in _system_llvms() if _probe(path)), None)


def _bundled_llvm() -> str | None:
    try:
        files = importlib.metadata.files(BUNDLED_LLVM) or []
    except importlib.metadata.PackageNotFoundError:
        return None
    for file in files:
        path = Path(str(file.locate())).resolve()
        if path.name.startswith("libLLVM") and path.is_file():
            return str(path)
    return None


def _system_llvms() -> list[str]:
    """Candidate libraries, newest version first; each real file once."""
    if platform.system() == "Darwin":
        folders = ["/opt/homebrew/opt/llvm*/lib", "/usr/local/opt/llvm*/lib"]
        patterns = [f"{folder}/libLLVM*.dylib" for folder in folders]
    else:
        folders = ["/usr/lib/*", "/usr/lib64", "/usr/lib", "/usr/lib/llvm-*/lib", "/usr/local/lib"]
        patterns = [f"{folder}/libLLVM*.so*" for folder in folders]
    real = {os.path.realpath(p) for pattern in patterns for p in glob.glob(pattern)}
    versions = {path: _version_in_name(path) for path in real}
    usable = [path for path in real if versions[path] == 0 or versions[path] >= OLDEST_LLVM]
    return sorted(usable, key=lambda path: (versions[path], path), reverse=True)


def _version_in_name(path: str) -> int:
    """Major version as the file name has it; 0 where it does not say."""
    digits = [part for part in Path(path).name.replace("-", ".").split(".") if part.isdigit()]
    return int(digits[0]) if digits else 0


def _probe(path: str) -> bool:
    """Whether Dr.Jit runs a kernel with this library; the answer is remembered on disk."""
    try:
        stat = os.stat(path)
    except OSError:
        return False
    drjit_version = importlib.metadata.version("drjit")
    key = f"{os.path.realpath(path)}:{stat.st_size}:{stat.st_mtime_ns}:{drjit_version}"
    cache_home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    memo = cache_home / "rtwin" / f"llvm-{hashlib.sha256(key.encode()).hexdigest()[:16]}"
    if memo.exists():
        return memo.read_text() == "works"
    environment = {**os.environ, "DRJIT_LIBLLVM_PATH": path}
    try:
        run = subprocess.run(
            [sys.executable, "-c", _PROBE], env=environment, capture_output=True, timeout=60
        )
        works = run.returncode == 0
    except subprocess.TimeoutExpired:
        works = False
    try:
        memo.parent.mkdir(parents=True, exist_ok=True)
        memo.write_text("works" if works else "fails")
    except OSError:
        pass  # the memo only saves time
    return works
