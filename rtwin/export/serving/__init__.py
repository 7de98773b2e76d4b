"""A twin that answers requests: ns3sionna's protocol, from stored paths or a radio map."""

from rtwin.export.serving.channels import NO_PATH_DB, Device, StoredChannels, Twin
from rtwin.export.serving.map_cells import MapCells
from rtwin.export.serving.messages import decode, encode
from rtwin.export.serving.paths import StoredPaths, devices_of

__all__ = [
    "NO_PATH_DB",
    "Device",
    "MapCells",
    "StoredChannels",
    "StoredPaths",
    "Twin",
    "decode",
    "devices_of",
    "encode",
]
