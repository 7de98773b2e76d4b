"""Which scenes teach, choose, calibrate and test. No scene is in two of them.

Munich and the street canyon teach beside four procedural families; other seeds
of these families, San Francisco and the courtyard choose and calibrate; Florence,
Etoile, the office and the family `yards` are seen by the benchmark alone.
"""

from typing import Literal

Split = Literal["train", "validate", "calibrate", "test"]

# Scene kind: first seed, number of seeds.
_SEEDS: dict[str, dict[str, tuple[int, int]]] = {
    "train": {
        "blocks": (0, 26),
        "canyon": (0, 24),
        "courtyard": (0, 18),
        "rooms": (0, 18),
        "tile_munich": (0, 10),
        "tile_street_canyon": (0, 6),
    },
    "validate": {
        "blocks": (100, 4),
        "canyon": (100, 3),
        "courtyard": (100, 3),
        "rooms": (100, 3),
        "tile_san_francisco": (0, 3),
        "tile_courtyard": (0, 2),
    },
    "calibrate": {
        "blocks": (200, 5),
        "canyon": (200, 4),
        "courtyard": (200, 3),
        "rooms": (200, 4),
        "tile_san_francisco": (10, 4),
    },
    "test": {
        "tile_florence": (0, 6),
        "tile_etoile": (0, 6),
        "yards": (0, 6),
        "tile_office": (0, 4),
    },
}
PAIRS_PER_SCENE: dict[str, int] = {"train": 12, "validate": 10, "calibrate": 10, "test": 10}


def split_scenes(split: Split) -> list[str]:
    """Scene names of a split, kinds taking turns, so that any head of the list is a fair one."""
    seeds = _SEEDS[split]
    ordered = [
        (number / count, kind, first + number)
        for kind, (first, count) in seeds.items()
        for number in range(count)
    ]
    return [f"{kind}_{seed}" for _, kind, seed in sorted(ordered)]
