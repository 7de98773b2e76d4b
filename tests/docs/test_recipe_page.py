"""The example of docs/recipes.md, and the error lines that it quotes."""

import tomllib

import pytest

from rtwin.errors import RtwinError
from rtwin.scene import load_recipe, recipe_dict, recipe_from_dict

from .markdown import ROOT, blocks

PAGE = ROOT / "docs" / "recipes.md"
EXAMPLE = next(b.text for b in blocks(PAGE) if b.language == "toml")
QUOTED = next(b.text for b in blocks(PAGE) if b.language == "text").splitlines()
# What is replaced in the example, by what; in the order of the quoted lines.
MISTAKES = [
    ("[receivers]", "[solver]\nmax_dept = 3\n[receivers]"),
    ("[receivers]", "[solver]\nmax_depth = 99\n[receivers]"),
    ("frequency_hz = 3.5e9", ""),
    ('kind = "grid"', 'kind = "gird"'),
    ('material = "brick"', 'material = "brik"'),
    ("[-30.0, -20.0, 12.0]", "[-30.0, -20.0]"),
    ('ground = ["ground"]', 'ground = ["grund"]'),
    ("# yard.toml", "title 'Two buildings and a mast'"),
]


def test_example_is_minimal():
    """Every table of the example is needed, or decides where something stands."""
    data = tomllib.loads(EXAMPLE)
    recipe = recipe_from_dict(data)
    assert [item.shape for item in recipe.object] == ["plane", "extrude", "box"]
    for key in ("title", "frequency_hz", "object", "transmitter"):
        with pytest.raises(RtwinError):
            recipe_from_dict({k: v for k, v in data.items() if k != key})


def test_example_is_traced(outputs):
    from rtwin.dataset import open_dataset, open_radio_map

    with open_dataset(outputs / "yard.h5") as dataset:
        assert dataset.num_rx + dataset.attributes["num_inside"] == 9 * 7
        assert (dataset.num_paths > 0).mean() > 0.9
        assert recipe_dict(dataset.recipe) == recipe_dict(load_recipe(outputs / "yard.toml"))
    assert open_radio_map(outputs / "yard-map.h5").path_gain.shape == (1, 16, 24)


def test_every_quoted_line_is_made():
    assert len(QUOTED) == len(MISTAKES)


@pytest.mark.parametrize(("mistake", "line"), list(zip(MISTAKES, QUOTED, strict=False)), ids=QUOTED)
def test_error_line(mistake, line, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert EXAMPLE.count(mistake[0]) == 1
    (tmp_path / "yard.toml").write_text(EXAMPLE.replace(*mistake))
    with pytest.raises(RtwinError) as caught:
        load_recipe("yard.toml")
    assert f"{type(caught.value).__name__}: {caught.value}" == line
