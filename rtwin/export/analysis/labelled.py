"""A twin as NetCDF or Zarr, which xarray and most scientific tools open.

The variables, dimensions, units and attributes of docs/dataset.md. NetCDF has
no complex numbers, so `a` becomes `a_real` and `a_imag`; Zarr keeps `a`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from rtwin.dataset.inspection import DAMAGE, CheckedFile, open_checked
from rtwin.dataset.store import blocks, hdf5_sink
from rtwin.errors import StoreError
from rtwin.export.registry import Report
from rtwin.extras import needs
from rtwin.progress import Progress

_CHUNK_BYTES = 2**20


def write_netcdf(file: Path, target: Path, progress: Progress) -> Report:
    """Write a netCDF-4 file that every netCDF library reads."""
    import h5netcdf

    with (
        open_checked(file) as twin,
        hdf5_sink(target) as sink,
        h5netcdf.File(sink, "w") as out,
    ):
        out.attrs.update(dict(_attributes(twin)))
        out.dimensions = _sizes(twin)
        names = twin.variables()
        for number, name in enumerate(names):
            data = twin[name]
            for suffix, part in _real_parts(data):
                dtype = h5py.string_dtype("utf-8") if data.dtype == object else part(data[:0]).dtype
                variable = out.create_variable(
                    name + suffix,
                    _dims(twin, name),
                    dtype,
                    **(
                        {"compression": "gzip", "compression_opts": 1, "shuffle": True}
                        if data.dtype != object and data.ndim and data.size > 512
                        else {}
                    ),
                )
                variable.attrs.update(dict(_attributes(data)))
                start = 0
                for block in blocks(data):
                    variable[start : start + len(block)] = part(block)
                    start += len(block)
            progress("export", number + 1, len(names))
    return {"variables": len(names)}


def write_zarr(file: Path, target: Path, progress: Progress) -> Report:
    """Write a Zarr store of format 2, with the names of dimensions that xarray looks for."""
    with needs("the zarr format needs zarr", "'rtwin[zarr]'"):
        import zarr
    with open_checked(file) as twin:
        out = zarr.open_group(target, mode="a", zarr_format=2)
        out.attrs.update(dict(_attributes(twin)))
        names = twin.variables()
        for number, name in enumerate(names):
            data = twin[name]
            rows = max(1, _CHUNK_BYTES // max(1, data[:1].nbytes))
            text = data.dtype == object
            # Fixed-width text: the other kind is no standard yet.
            width = max((len(value.decode()) for value in data[...]), default=1) if text else 0
            attributes = {"_ARRAY_DIMENSIONS": list(_dims(twin, name)), **dict(_attributes(data))}
            array = out.create_array(
                name,
                shape=data.shape,
                dtype=f"<U{max(1, width)}" if text else data.dtype,
                chunks=(max(1, min(rows, len(data))), *(max(1, n) for n in data.shape[1:])),
                attributes=attributes,
                fill_value=None,
            )
            start = 0
            for block in blocks(data):
                array[start : start + len(block)] = (
                    np.array([value.decode() for value in block]) if text else block
                )
                start += len(block)
            progress("export", number + 1, len(names))
        zarr.consolidate_metadata(out.store)
    return {"variables": len(names)}


def _dims(twin: CheckedFile, name: str) -> tuple[str, ...]:
    if twin[name].is_scale:
        return (name,)
    try:
        return tuple(Path(dim[0].name).name for dim in twin[name].dims)
    except DAMAGE:
        raise StoreError(
            f"{twin.path}: {name} has lost its dimensions; the file is damaged"
        ) from None


def _sizes(twin: CheckedFile) -> dict[str, int]:
    return {name: twin[name].shape[0] for name in twin.variables() if twin[name].is_scale}


def _attributes(item: Any) -> Iterator[tuple[str, Any]]:
    """Attributes that say something, without those by which HDF5 knows dimensions."""
    for name, value in item.attrs.items():
        if name in (
            "CLASS",
            "NAME",
            "DIMENSION_LIST",
            "REFERENCE_LIST",
            "_Netcdf4Dimid",
            "_Netcdf4Coordinates",
            "_NCProperties",
            "_nc3_strict",
        ):
            continue
        yield name, value.item() if isinstance(value, np.generic) else value


def _real_parts(data: Any) -> list[tuple[str, Any]]:
    if not np.issubdtype(data.dtype, np.complexfloating):
        return [("", _same)]
    return [("_real", np.real), ("_imag", np.imag)]


def _same(values: NDArray[Any]) -> NDArray[Any]:
    return values
