"""A twin that answers requests: ns3sionna's protocol, from stored paths."""

from rtwin.export.serving.channels import NO_PATH_DB, Device, StoredChannels, devices_of
from rtwin.export.serving.messages import decode, encode

__all__ = ["NO_PATH_DB", "Device", "StoredChannels", "decode", "devices_of", "encode"]
