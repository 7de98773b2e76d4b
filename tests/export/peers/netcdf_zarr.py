"""In an environment with netCDF's own library: numbers of a netCDF file and a Zarr store.

netcdf_zarr.py FILE.nc STORE OUTPUT.npz
"""

import sys

import netCDF4
import numpy as np
import xarray as xr


def main(file, store, output):
    with netCDF4.Dataset(file) as data:
        assert data.data_model == "NETCDF4"
        found = {
            "a": data["a_real"][:] + 1j * data["a_imag"][:],
            "num_paths": data["num_paths"][:],
            "tx_name": np.array(data["tx_name"][:], str),
            "units": np.array(data["delay_s"].units),
            "dims": np.array(data["a_real"].dimensions),
        }
    with xr.open_dataset(file, engine="netcdf4") as data:
        found["delay_s"] = data.delay_s.values
    with xr.open_zarr(store) as data:
        found["zarr_a"] = data.a.values
    np.savez(output, **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
