"""Pages to look around in: a scene with its files in one HTML file, with three.js.

write_page(files, page) -> one file that opens in a browser without a network

What a page shows is packed as typed arrays; what would make it too heavy is
left out, and the page says how much.
"""

from rtwin.view.page import PageSummary, write_page

__all__ = ["PageSummary", "write_page"]
