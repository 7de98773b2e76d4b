"""NetCDF and Zarr, read by xarray."""

import subprocess
import sys

import numpy as np
import pytest
import xarray as xr

from rtwin.dataset.schema import MAP_LAYOUT, PATHS_LAYOUT
from rtwin.errors import OutOfRangeError
from rtwin.export import export

LAYOUT = {"paths": PATHS_LAYOUT, "map": MAP_LAYOUT}


@pytest.fixture(params=["paths", "map"])
def twin(request, dual, map_file):
    return request.param, {"paths": dual, "map": map_file}[request.param]


def compare(found, file, layout, complex_parts):
    with xr.open_dataset(file, engine="h5netcdf") as wanted:
        for variable in layout:
            ours = wanted[variable.name]
            if variable.name == "a" and complex_parts:
                values = found["a_real"].values + 1j * found["a_imag"].values
                there = found["a_real"]
            else:
                there = found[variable.name]
                values = there.values
            if variable.dtype == "str":
                assert values.tolist() == ours.values.tolist()
            else:
                np.testing.assert_array_equal(values, ours.values)
            assert there.dims == ours.dims
            assert there.attrs.get("units", "") == variable.units
            assert there.attrs["long_name"] == variable.long_name
        for name in ("content_hash", "recipe", "frequency_hz", "scene"):
            assert found.attrs[name] == wanted.attrs[name]
        assert found.tx.values.tolist() == wanted.tx.values.tolist()


def test_netcdf(twin, tmp_path):
    kind, file = twin
    export(file, "netcdf", tmp_path / "t.nc")
    with xr.open_dataset(tmp_path / "t.nc", engine="h5netcdf") as found:
        compare(found, file, LAYOUT[kind], True)
        assert not any(np.issubdtype(v.dtype, np.complexfloating) for v in found.values())


def test_zarr(twin, tmp_path):
    pytest.importorskip("zarr")
    kind, file = twin
    export(file, "zarr", tmp_path / "t.zarr")
    with xr.open_zarr(tmp_path / "t.zarr") as found:
        compare(found, file, LAYOUT[kind], False)


def test_the_whole_file_or_nothing(dual, tmp_path):
    with pytest.raises(OutOfRangeError, match="takes the whole file; leave tx out"):
        export(dual, "netcdf", tmp_path / "t.nc", tx="0")
    with pytest.raises(OutOfRangeError, match="leave strongest_paths out"):
        export(dual, "zarr", tmp_path / "z", strongest_paths=3)
    assert list(tmp_path.iterdir()) == []


def test_link_trace(trace_file, tmp_path):
    export(trace_file, "netcdf", tmp_path / "t.nc")
    with (
        xr.open_dataset(tmp_path / "t.nc", engine="h5netcdf") as found,
        xr.open_dataset(trace_file, engine="h5netcdf") as wanted,
    ):
        xr.testing.assert_equal(found, wanted)


FULL = """
import resource, signal, sys
sys.dont_write_bytecode = True  # cut off by the limit, it would break every later run
from rtwin.cli import main
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop(1)), -1))
main()
"""


@pytest.mark.parametrize("limit", [0, 100, 3000, 20_000, 40_000])
def test_full_disk_is_one_line(dual, tmp_path, limit):
    """A limit on file size stands in for the full disk: writes fail in the same place."""
    size = export(dual, "netcdf", tmp_path / "whole.nc") and (tmp_path / "whole.nc").stat().st_size
    assert size > 40_000
    command = ["export", str(dual), "--to", "netcdf", "-o", str(tmp_path / "t.nc"), "--quiet"]
    run = subprocess.run(
        [sys.executable, "-c", FULL, str(limit), *command], capture_output=True, text=True
    )
    assert run.returncode == 1, run.stderr
    [line] = run.stderr.splitlines()
    assert "StoreError" in line
    assert "File too large" in line
    assert [file.name for file in tmp_path.iterdir()] == ["whole.nc"]
