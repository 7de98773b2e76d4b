"""Which scenes teach, choose, calibrate and test. No scene is in two of them.

Munich, the street canyon and San Francisco teach beside four procedural families;
other seeds of these families and the courtyard choose and calibrate; Florence,
Etoile, the office and the family `yards` are seen by the benchmark alone. Built
maps of a user's own join either side (`tile_FILE_SEED`).
"""

from typing import Literal, get_args

Split = Literal["train", "validate", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)

# Scene kind: first seed, number of seeds.
_SEEDS: dict[str, dict[str, tuple[int, int]]] = {
    "train": {
        "blocks": (0, 5),
        "canyon": (0, 4),
        "courtyard": (0, 4),
        "rooms": (0, 3),
        "tile_munich": (0, 4),
        "tile_street_canyon": (0, 2),
        "tile_san_francisco": (0, 2),
    },
    "validate": {
        "blocks": (100, 2),
        "canyon": (100, 2),
        "courtyard": (100, 2),
        "rooms": (100, 2),
        "tile_courtyard": (0, 1),
    },
    "test": {
        "tile_florence": (0, 3),
        "tile_etoile": (0, 3),
        "yards": (0, 3),
        "tile_office": (0, 2),
    },
}


def split_scenes(split: Split) -> list[str]:
    """Scene names of a split, kinds taking turns, so that any head of the list is a fair one."""
    seeds = _SEEDS[split]
    ordered = [
        (number / count, kind, first + number)
        for kind, (first, count) in seeds.items()
        for number in range(count)
    ]
    return [f"{kind}_{seed}" for _, kind, seed in sorted(ordered)]
