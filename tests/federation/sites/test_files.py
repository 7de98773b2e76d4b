"""Files of updates and of shared parameters: there and back, and broken."""

import json

import numpy as np
import pytest

from rtwin.errors import CampaignError, StoreError
from rtwin.federation.sites import (
    aggregate,
    read_shared,
    read_update,
    write_materials,
    write_shared,
    write_update,
)
from rtwin.scene._model import read_toml

from .linear_site import drawn

TRUTH = {"brick": 1.0, "glass": -1.0}


@pytest.fixture
def update():
    return drawn("a", ["brick", "glass"], TRUTH, 30, np.random.default_rng(1)).update(np.zeros(2))


def test_there_and_back(update, tmp_path):
    found = read_update(write_update(update, tmp_path / "a.json"))
    assert found.site == "a"
    assert found.parameters == update.parameters
    for name in ("z", "pull", "precision"):
        assert np.array_equal(getattr(found, name), getattr(update, name))
    shared = aggregate([update])
    again = read_shared(write_shared(shared, tmp_path / "s.json"))
    assert np.array_equal(again.z, shared.z)
    assert again.rows() == shared.rows()


def test_no_measurement_is_in_it(update, tmp_path):
    text = json.loads(write_update(update, tmp_path / "a.json").read_text())
    assert set(text) == {
        "format",
        "site",
        "rows",
        "loss",
        "parameters",
        "z",
        "pull",
        "precision",
    }
    assert np.size(text["precision"]) == 4


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"format": "letter"}, "no file of format 'rtwin-site-update'"),
        ({"pull": [1.0]}, "no update of a site"),
        ({"pull": [1.0, float("nan")]}, "not finite"),
        ({"precision": [[1.0, 5.0], [5.0, 1.0]]}, "no covariance's inverse"),
        ({"precision": [[1.0, 0.5], [0.1, 1.0]]}, "no covariance's inverse"),
        ({"parameters": None}, "no update of a site"),
    ],
)
def test_broken(update, tmp_path, change, line):
    file = write_update(update, tmp_path / "a.json")
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(CampaignError, match=line):
        read_update(file)


def test_missing_and_no_json(tmp_path):
    with pytest.raises(CampaignError, match="cannot be read"):
        read_update(tmp_path / "absent.json")
    (tmp_path / "letter.json").write_text("dear")
    with pytest.raises(CampaignError, match="is no JSON"):
        read_shared(tmp_path / "letter.json")


def test_materials_are_what_data_see(tmp_path):
    rng = np.random.default_rng(2)
    site = drawn("a", ["brick", "glass"], TRUTH, 40, rng)
    blind = site.a * np.array([1.0, 0.01])
    site.a, site.y = blind, blind @ np.array([1.0, -1.0])
    shared = aggregate([site.update(np.zeros(2))])
    file = write_materials(shared, tmp_path / "materials.toml")
    tables = read_toml(file, 10_000, CampaignError)["materials"]
    assert list(tables) == ["brick"]
    brick = next(row for row in shared.rows() if row["target"] == "brick")
    assert tables["brick"]["relative_permittivity"] == brick["value"]
    assert write_materials(shared, file) == file
    (tmp_path / "mine.toml").write_text("[materials]")
    with pytest.raises(StoreError, match="holds no shared materials"):
        write_materials(shared, tmp_path / "mine.toml")
