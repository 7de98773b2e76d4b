"""Radio maps for those who look at them: GeoTIFF for maps, pictures, models in 3D."""

from rtwin.export.maps.geotiff import write_geotiff
from rtwin.export.maps.images import write_glb, write_png

__all__ = [
    "write_geotiff",
    "write_glb",
    "write_png",
]
