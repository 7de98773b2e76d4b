"""Whole files that cases damage copies of, made once by rtwin itself."""

import copy
import json
import sys
from pathlib import Path

from rtwin.dataset import evaluate, generate, generate_radio_map, sample
from rtwin.horizontal import create_twin, edits_from_dict, update_twin
from rtwin.scene import Recipe, recipe_from_dict

from ..conftest import TWO_BOXES
from . import samples


def small_recipe() -> Recipe:
    """The two boxes with few rays, receivers and cells."""
    data = copy.deepcopy(TWO_BOXES)
    data["receivers"] = {"kind": "random", "count": 25, "area": [-45, -45, 45, 45]}
    data["solver"] = {"max_depth": 2, "rays": 2_000}
    data["radio_map"] = {"cell_size_m": 20.0, "rays": 10_000}
    return recipe_from_dict(data, "two_boxes")


def make_fixtures(folder: Path) -> None:
    """Write the files; a folder that has them is left as it is."""
    if (folder / "ready").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    recipe = small_recipe()
    generate(recipe, folder / "paths.h5")
    evaluate(folder / "paths.h5", folder / "sweep.h5", frequencies_hz=[2e9, 5e9])
    generate_radio_map(recipe, folder / "map.h5")
    generate_radio_map(recipe, folder / "pathmap.h5", method="paths")
    (folder / "tracks.csv").write_text(samples.TRACKS)
    sample(folder / "map.h5", folder / "tracks.csv", folder / "trace.h5")
    create_twin(recipe, folder / "yard.twin")
    edit = {"kind": "move_object", "object": "brick_box", "by_m": [1.0, 0, 0]}
    update_twin(folder / "yard.twin", edits_from_dict({"edit": [edit]}))
    for kind, data in samples.box_meshes().items():
        (folder / f"house.{kind}").write_bytes(data)
    (folder / "ready").write_text(json.dumps({"recipe": recipe.name}))


if __name__ == "__main__":
    make_fixtures(Path(sys.argv[1]))
