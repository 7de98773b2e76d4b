"""Merged datasets: halves make the whole, a moved thing, files that do not fit together."""

import h5py
import numpy as np
import pytest
from typer.testing import CliRunner

from rtwin.cli.app import app
from rtwin.dataset import generate, open_dataset, validate_file
from rtwin.errors import StoreError
from rtwin.horizontal import merge_files

from ...conftest import TWO_BOXES

PLACES = [[x, y, 1.5] for x in (-10.0, 1.0, 32.0) for y in (-11.0, 8.0)]


def receivers(places):
    return {"kind": "list", "positions_m": places}


@pytest.fixture(scope="module")
def make(two_boxes, tmp_path_factory):
    folder = tmp_path_factory.mktemp("channels")

    def made(name, places=PLACES, **changes):
        return generate(two_boxes(receivers=receivers(places), **changes), folder / f"{name}.h5")

    return made


@pytest.fixture(scope="module")
def whole(make):
    return make("whole")


def test_halves_make_the_whole(make, whole, tmp_path):
    first, second = make("first", PLACES[:4]), make("second", PLACES[2:])
    merged = merge_files([first, second], tmp_path / "merged.h5")
    assert validate_file(tmp_path / "merged.h5") == []
    assert merged.num_twins.reshape(6, 2).tolist() == [[n, n] for n in (1, 1, 2, 2, 1, 1)]
    with open_dataset(whole) as one, open_dataset(tmp_path / "merged.h5") as other:
        assert one.read("rx_position_m").tolist() == other.read("rx_position_m").tolist()
        assert one.num_paths.tolist() == other.num_paths.tolist()
        offsets = np.linspace(-10e6, 10e6, 5)
        assert other.cfr(offsets) == pytest.approx(one.cfr(offsets), abs=1e-9)
    assert merged.agreement == pytest.approx(1.0)


def test_a_younger_twin_without_a_box_takes_its_reflections_away(make, whole, tmp_path):
    left = [table for table in TWO_BOXES["object"] if table["name"] != "metal_box"]
    bare = make("bare", object=left)
    merged = merge_files([whole, bare], tmp_path / "merged.h5", ages_days=[365.0, 0.0])
    with open_dataset(bare) as young, open_dataset(tmp_path / "merged.h5") as other:
        assert young.num_paths.tolist() == other.num_paths.tolist()
        assert "merged" in other.attributes["scene_hash"]
        assert (other.read("triangle") == np.iinfo(np.uint32).max).all()
    assert merged.num_dropped.sum() > 0
    assert validate_file(tmp_path / "merged.h5") == []


def test_the_command(make, whole, tmp_path):
    out = tmp_path / "merged.h5"
    words = ("merge", whole, make("half", PLACES[:3]), "-o", out)
    said = CliRunner().invoke(app, [str(word) for word in words])
    assert said.exit_code == 0, said.output
    assert "that all twins of a link have" in said.output
    with h5py.File(out) as file:
        assert file["merged_agreement"].shape == file["delay_s"].shape


def test_files_that_do_not_fit_together(make, whole, map_file, tmp_path):
    out = tmp_path / "merged.h5"
    with pytest.raises(StoreError, match="holds paths and"):
        merge_files([whole, map_file], out)
    with pytest.raises(StoreError, match="frequency_hz"):
        merge_files([whole, make("high", frequency_hz=28e9)], out)
    moved = make("moved", transmitter=[{"name": "mast", "position_m": [0.0, -20.0, 12.0]}])
    with pytest.raises(StoreError, match="rename one, or trace the older anew"):
        merge_files([whole, moved], out)
    assert not out.exists()
