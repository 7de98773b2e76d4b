"""What a case is: damaged inputs in a folder, and the command that meets them."""

import random
from pathlib import Path

from .command_line import names, options
from .containers import hdf5_bytes, hdf5_structure, hdf5_tables
from .scenes import build, mesh_in_recipe, receivers, recipe
from .tables import campaign, edits, measurements, tables, tracks
from .words import OUT, Arguments, Make


def make_case(kind: str, seed: int, fixtures: Path, folder: Path) -> Arguments:
    """Write the inputs of a case; the arguments of its command."""
    rng = random.Random(f"{kind}-{seed}")
    for name in ("in", OUT):
        (folder / name).mkdir(parents=True)
    return KINDS[kind](rng, fixtures, folder)


KINDS: dict[str, Make] = {
    "recipe": recipe,
    "receivers": receivers,
    "mesh in recipe": mesh_in_recipe,
    "scene build": build,
    "edits": edits,
    "measurements": measurements,
    "campaign": campaign,
    "tracks": tracks,
    "tables": tables,
    "hdf5 bytes": hdf5_bytes,
    "hdf5 structure": hdf5_structure,
    "hdf5 tables": hdf5_tables,
    "options": options,
    "names": names,
}
