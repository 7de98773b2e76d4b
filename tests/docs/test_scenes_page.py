"""The rules that docs/scenes.md states are those of the code."""

import re

from rtwin.dataset import open_dataset
from rtwin.scene import foliage, load_recipe
from rtwin.scene.build import tags
from rtwin.scene.build.readers import vocabulary
from rtwin.scene.lint import check

from .markdown import ROOT, prose, table_after

PAGE = ROOT / "docs" / "scenes.md"


def quoted(cell: str) -> set[str]:
    return set(re.findall(r"`([^`]+)`", cell))


def test_materials():
    rows = {row[0].strip("`"): row[1:] for row in table_after(PAGE, "Materials")}
    for name in {*tags.MATERIALS.values(), *tags.CLASS_MATERIALS, tags.DEFAULT_MATERIAL}:
        assert quoted(rows[name][0]) == {k for k, v in tags.MATERIALS.items() if v == name}
        assert quoted(rows[name][1]) == set(tags.CLASS_MATERIALS.get(name, ()))
    assert rows[tags.DEFAULT_MATERIAL][1] == "everything else"


def test_numbers():
    text = " ".join(prose(PAGE).split())
    leaves = foliage("vegetation", None, 3.5e9)
    assert (
        f"3.5 GHz that is {leaves.specific_attenuation_db_per_m:.2f} dB/m, and "
        f"{leaves.max_attenuation_db:.0f} dB at most"
    ) in text
    assert f"Woods without a height are {tags.WOOD_HEIGHT_M:.0f} m high" in text
    assert f"| {tags.DEFAULT_HEIGHT_M:.0f} m (`--default-height`)" in text
    assert f"roofs: {tags.LOW_HEIGHT_M:.0f} m |" in text
    assert f"{tags.LEVEL_HEIGHT_M:.0f} m a storey" in text
    assert f"more than {check.MANY_IN_ONE:,} triangles in an object" in text


def test_other_words():
    rows = {row[0].strip("`"): quoted(row[1]) for row in table_after(PAGE, "Other words")}
    given = {"b3_h_dak_70p", "b3_h_maaiveld"}
    assert set(rows) == set(vocabulary.KEYS.values())
    for name, words in rows.items():
        assert words - given == {k for k, v in vocabulary.KEYS.items() if v == name}


def test_structures():
    rows = table_after(PAGE, "Structures and bridges")
    named = quoted(rows[0][0]) | quoted(rows[1][0]) | quoted(rows[2][0])
    assert named == {*tags.MAN_MADE_WIDTH_M, *tags.WALLS, "man_made", "barrier", "height"}
    text = " ".join(prose(PAGE).split())
    assert f"else {tags.LAYER_M:g} m above the ground for each `layer`" in text


def test_every_check_is_listed():
    source = (ROOT / "rtwin" / "scene" / "lint" / "check.py").read_text(encoding="utf-8")
    made = set(re.findall(r'(?:about|Finding)\(\s*"(\w+)"', source))
    assert {row[0].strip("`") for row in table_after(PAGE, "The linter")} == made


def test_two_commands_give_a_traced_twin(outputs):
    with open_dataset(outputs / "campus.h5") as dataset:
        assert (dataset.num_paths > 0).mean() > 0.9
        assert dataset.read("vegetation_loss_db").max() > 0
        assert dataset.recipe.georeference == load_recipe(outputs / "scenes/campus").georeference
    assert (outputs / "out/my-campus.h5").is_file()
