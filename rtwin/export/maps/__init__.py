"""Radio maps for others: GeoTIFF for maps, pictures, models in 3D, functions to call."""

from rtwin.export.maps.callables import RadioMapGains
from rtwin.export.maps.geotiff import write_geotiff
from rtwin.export.maps.images import write_glb, write_png

__all__ = [
    "RadioMapGains",
    "write_geotiff",
    "write_glb",
    "write_png",
]
