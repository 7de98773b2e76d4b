"""The engine starts everywhere and never takes the process down."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

import rtwin.trace.engine.start as engine_module
from rtwin.errors import EngineError
from rtwin.trace import find_llvm, start_engine

RUN_ENGINE = (
    "from rtwin.trace import start_engine; e = start_engine(); "
    "x = e.dr.minimum(e.dr.arange(e.mi.Float, 8), 3); print(float(e.dr.sum(x)[0]))"
)
RUN_TENSORFLOW = "print(int(tf.reduce_sum(tf.range(4))))"


def run(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None,
    reason="TensorFlow is not installed (pip install 'rtwin[horizontal]')",
)
@pytest.mark.parametrize("tensorflow_first", [True, False])
def test_lives_with_tensorflow(tensorflow_first):
    """Both import orders work, results and exit status included."""
    parts = ["import tensorflow as tf", RUN_ENGINE, RUN_TENSORFLOW, RUN_ENGINE]
    if not tensorflow_first:
        parts = [RUN_ENGINE, "import tensorflow as tf", RUN_TENSORFLOW, RUN_ENGINE]
    result = run("; ".join(parts))
    assert result.returncode == 0, result.stderr[-2000:]
    assert sorted(result.stdout.split()) == ["18.0", "18.0", "6"]


def test_bundled_library_is_taken_where_the_wheel_is_installed():
    if engine_module._bundled_llvm() is None:
        pytest.skip("no LLVM wheel on this platform")
    assert find_llvm() == os.environ.get("DRJIT_LIBLLVM_PATH", engine_module._bundled_llvm())


@pytest.mark.parametrize("version", [14, 15])
def test_system_library_that_would_abort_is_refused(version):
    found = sorted(Path("/usr/lib").glob(f"*/libLLVM-{version}.so*"))
    if not found:
        pytest.skip(f"this machine has no LLVM {version}")
    result = run(RUN_ENGINE, DRJIT_LIBLLVM_PATH=str(found[0]))
    assert result.returncode == 1
    assert "EngineError" in result.stderr.splitlines()[-1]
    assert "LLVM 16 or newer" in result.stderr.splitlines()[-1]


def test_file_that_is_no_library_is_refused(tmp_path):
    bad = tmp_path / "libLLVM.so.99"
    bad.write_bytes(b"not a library")
    result = run(RUN_ENGINE, DRJIT_LIBLLVM_PATH=str(bad))
    assert result.returncode == 1
    assert str(bad) in result.stderr.splitlines()[-1]


def test_without_any_library_the_line_says_what_to_install():
    """Dr.Jit must not be left to find the library that would abort it."""
    hidden = (
        "import rtwin.trace.engine.start as m; m._bundled_llvm = lambda: None; "
        "m._system_llvms = lambda: []; "
    )
    result = run(hidden + RUN_ENGINE, DRJIT_LIBLLVM_PATH="")
    assert result.returncode == 1
    assert "pip install karellen-llvm-core" in result.stderr.splitlines()[-1]


def test_newest_system_library_first(monkeypatch):
    paths = [
        "/usr/lib/x/libLLVM-14.so.1",
        "/usr/lib/x/libLLVM-15.so",
        "/usr/lib/x/libLLVM.so.19.1",
        "/usr/lib/x/libLLVM-16.so.1",
    ]
    monkeypatch.setattr(engine_module.glob, "glob", lambda pattern: paths)
    monkeypatch.setattr(engine_module.os.path, "realpath", lambda path: path)
    found = engine_module._system_llvms()
    assert found == ["/usr/lib/x/libLLVM.so.19.1", "/usr/lib/x/libLLVM-16.so.1"]


def test_unknown_variant_is_one_line(monkeypatch):
    monkeypatch.setenv("RTWIN_VARIANT", "vulkan")
    with pytest.raises(EngineError, match="allowed are auto, cuda, llvm"):
        start_engine.__wrapped__()


def test_importing_rtwin_loads_no_engine():
    code = (
        "import sys, rtwin, rtwin.trace, rtwin.dataset, rtwin.channel; "
        "print([m for m in ('mitsuba', 'drjit', 'sionna.rt', 'tensorflow') if m in sys.modules])"
    )
    result = run(code)
    assert result.stdout.strip() == "[]", result.stderr
