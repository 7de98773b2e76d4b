"""Formats for analysis: xarray's NetCDF and Zarr, MATLAB, AODT's Parquet tables."""

from rtwin.export.analysis.aodt import write_aodt
from rtwin.export.analysis.labelled import write_netcdf, write_zarr
from rtwin.export.analysis.matlab import write_matlab

__all__ = [
    "write_aodt",
    "write_matlab",
    "write_netcdf",
    "write_zarr",
]
