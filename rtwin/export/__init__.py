"""Views of a twin for other tools: one record, many exact formats.

`export(file, to="deepmimo")` opens the file, checks what the format can say,
and puts the result in place whole. `FORMATS` is the table of formats; a format
is a row there and a writer, see rtwin.export.registry. Phases, gains and
angles are converted here and nowhere else; docs/export.md says to what.
`serve(file)` answers ns3sionna's requests instead of writing a file.
"""

from rtwin.export.door import export, path_view, serve, served_devices
from rtwin.export.maps import RadioMapGains
from rtwin.export.record import Block, PathView
from rtwin.export.registry import FORMATS, Format, Option, Report, find_format
from rtwin.export.writing import MARK

__all__ = [
    "FORMATS",
    "MARK",
    "Block",
    "Format",
    "Option",
    "PathView",
    "RadioMapGains",
    "Report",
    "export",
    "find_format",
    "path_view",
    "serve",
    "served_devices",
]
