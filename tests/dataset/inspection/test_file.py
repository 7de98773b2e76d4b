"""Values, attributes and layouts that cannot be are refused where they are read."""

import json
import re
import shutil

import h5py
import numpy as np
import pytest

from rtwin.dataset import evaluate, file_info, open_dataset, open_radio_map, validate_file
from rtwin.dataset.inspection import open_checked
from rtwin.dataset.inspection.attributes import attribute_problems
from rtwin.dataset.inspection.limits import Limits, limits_of
from rtwin.dataset.schema import (
    FADED_VARIABLES,
    LOAD_VARIABLES,
    MAP_FORMAT,
    MAP_LAYOUT,
    PATHS_FORMAT,
    PATHS_LAYOUT,
    SWEEP_FORMAT,
    SWEEP_LAYOUT,
    TRACE_FORMAT,
    TRACE_LAYOUT,
    TWIN_LAYOUT,
)
from rtwin.dataset.store.contents import content_hash
from rtwin.errors import StoreError


@pytest.fixture
def damaged(paths_file, map_file, tmp_path):
    """A copy of a dataset or map, changed by a function of the open file."""

    def make(kind, change, *, rehash=False):
        source = {"paths": paths_file, "map": map_file}[kind]
        layout = {"paths": PATHS_LAYOUT, "map": MAP_LAYOUT}[kind]
        file = shutil.copy(source, tmp_path / "x.h5")
        with h5py.File(file, "r+") as h5:
            change(h5)
            if rehash:
                h5.attrs["content_hash"] = content_hash(h5, layout)
        return file

    return make


def setting(name, value, where=...):
    def change(h5):
        h5[name][where] = value

    return change


def attribute(name, value):
    def change(h5):
        if value is None:
            del h5.attrs[name]
        else:
            h5.attrs[name] = value

    return change


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("interactions", 255, "must be 0, 1, 2, 4, 8"),
        ("edge", 77, "must be 0, 1, 2, 3, 4, 5, 255"),
        ("triangle", 4_000_000_000, "meet what is not in the scene"),
        ("object", 99, "must be -1 to 3"),
        ("link_tx", 9, "must be 0 to 1"),
        ("link_rx", 0, "must count 12 receivers times 2 transmitters"),
        ("num_paths", 0, "num_paths adds up to 0"),
        ("num_paths", 2**31 - 1, "num_paths adds up to"),
        ("delay_s", np.nan, "delay_s holds nan"),
        ("vertex_m", 1e30, "vertex_m holds 1e+30"),
        ("rx_position_m", np.inf, "rx_position_m holds inf"),
        ("tx_power_dbm", 1e300, "tx_power_dbm holds"),
    ],
)
def test_evaluate_reads_no_nonsense(damaged, tmp_path, name, value, words):
    """`interactions[...] = 255` once made the engine crash."""
    file = damaged("paths", setting(name, value))

    def read_all():
        with open_dataset(file) as dataset:
            dataset.read(name)
        evaluate(file, tmp_path / "out.h5", frequency_hz=2e9)

    with pytest.raises(StoreError, match=re.escape(words)):
        read_all()
    assert not (tmp_path / "out.h5").exists()
    assert validate_file(file)


def test_triangles_of_another_place_are_no_crash(damaged, tmp_path):
    file = damaged("paths", setting("triangle", 30, (slice(None), 0)))
    with pytest.raises(StoreError, match="is damaged"):
        evaluate(file, tmp_path / "out.h5", frequency_hz=2e9)


@pytest.mark.parametrize("value", [np.nan, -1.0, 1e30])
def test_maps_with_impossible_gains(damaged, value):
    file = damaged("map", setting("path_gain", value), rehash=True)
    with pytest.raises(StoreError, match="path_gain holds"):
        open_radio_map(file)
    assert any("path_gain holds" in line for line in validate_file(file))


NONSENSE = {
    "recipe": [None, 3, "{", "[]", '{"frequency_hz": NaN}', "[" * 100_000, "{}"],
    "frequency_hz": [None, "3.5e9", np.nan, -1.0, 1e300, np.arange(3)],
    "format": [None, "rtwin-else", 7, "rtwin-paths"],
    "format_version": [None, 2, "1", np.nan],
    "versions": [7, "no JSON"],
    "cell_size_m": [None, np.nan, 0.0, -5.0, "5", 1e300],
    "noise_power_w": [None, np.nan, -1.0, "x", 0.0],
    "scene_hash": [3, None],
    "remarks": ["{", 5],
    "method": [None, 3],
    "seed": [-1, 1.5, "x"],
}


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name, values in NONSENSE.items() for value in values],
    ids=lambda item: str(item)[:20],
)
def test_attributes_that_cannot_be(damaged, name, value):
    file = damaged("map", attribute(name, value))
    problems = validate_file(file)
    assert problems
    assert all("\n" not in line for line in problems)
    for reader in (open_radio_map, file_info):
        with pytest.raises(StoreError):
            reader(file)


def test_attributes_of_foreign_types(damaged):
    def change(h5):
        h5.attrs["scene"] = h5py.Empty("f8")

    file = damaged("map", change)
    assert "is empty" in validate_file(file)[0]
    with pytest.raises(StoreError, match="is empty"):
        file_info(file)


@pytest.mark.parametrize(
    ("name", "value"),
    [("cell_size_m", 7.0), ("noise_power_w", 1e-9), ("frequency_hz", 2e9), ("height_m", 9.0)],
)
def test_attributes_with_a_meaning_count_in_the_hash(damaged, name, value):
    problems = validate_file(damaged("map", attribute(name, value)))
    assert any("content_hash" in line for line in problems)


def test_words_of_the_recipe_do_not_count(damaged):
    def change(h5):
        recipe = json.loads(h5.attrs["recipe"])
        h5.attrs["recipe"] = json.dumps(recipe | {"title": "Another title"})

    assert validate_file(damaged("map", change)) == []

    def power(h5):
        recipe = json.loads(h5.attrs["recipe"])
        recipe["noise_figure_db"] = 9.0
        h5.attrs["recipe"] = json.dumps(recipe)

    assert any("content_hash" in line for line in validate_file(damaged("map", power)))


@pytest.mark.parametrize("kind", ["paths", "map"])
def test_files_of_before_are_still_valid(damaged, kind):
    """Hashes of version 1 counted the data alone."""
    file = damaged(kind, attribute("hash_version", None), rehash=True)
    assert validate_file(file) == []


def test_recipes_of_other_transmitters(damaged):
    def change(h5):
        recipe = json.loads(h5.attrs["recipe"])
        recipe["transmitter"] = recipe["transmitter"][:1]
        h5.attrs["recipe"] = json.dumps(recipe)

    with pytest.raises(StoreError, match="transmitters are not those of tx_name"):
        open_radio_map(damaged("map", change))


def test_layouts_that_do_not_fit(damaged):
    def group(h5):
        del h5["sinr"]
        h5.create_group("sinr")

    def rank(h5):
        del h5["sinr"]
        h5["sinr"] = np.zeros(5)

    def dtype(h5):
        shape = h5["sinr"].shape
        del h5["sinr"]
        h5["sinr"] = np.zeros(shape, "i4")

    def length(h5):
        del h5["sinr"]
        h5["sinr"] = np.zeros((2, 3, 4))

    def text(h5):
        shape = h5["tx_name"].shape
        del h5["tx_name"]
        h5["tx_name"] = np.zeros(shape)

    for change in (group, rank, dtype, length, text):
        with pytest.raises(StoreError, match=r"x\.h5: (sinr|tx_name) "):
            open_radio_map(damaged("map", change))


def test_names_that_no_terminal_should_print(damaged):
    def change(h5):
        h5["tx_name"][0] = "mast\x1b[2J"

    file = damaged("map", change)
    with pytest.raises(StoreError, match="tx_name holds"):
        open_radio_map(file)
    assert validate_file(file)


def test_what_is_written_lies_within_the_limits(paths_file, map_file):
    for file in (paths_file, map_file):
        with open_checked(file) as h5:
            for variable in h5.layout:
                assert h5[variable.name][...] is not None


def test_every_variable_has_words_for_what_is_allowed():
    layouts = {
        PATHS_FORMAT: PATHS_LAYOUT,
        SWEEP_FORMAT: SWEEP_LAYOUT,
        MAP_FORMAT: (*MAP_LAYOUT, *TWIN_LAYOUT),
        TRACE_FORMAT: (*TRACE_LAYOUT, *LOAD_VARIABLES, *FADED_VARIABLES),
    }
    for kind, layout in layouts.items():
        for variable in layout:
            assert limits_of(kind, variable).words({"tx": 2})


def test_angular_spreads_may_be_as_large_as_directions_cancel():
    spread = next(v for v in TWIN_LAYOUT if v.name == "aoa_azimuth_spread")
    limits = limits_of(MAP_FORMAT, spread)
    assert limits.problem(np.array([0.0, 3.3, np.inf, np.nan]), {}) is None
    assert limits.problem(np.array([-0.1]), {}) is not None


LAYOUTS = {
    SWEEP_FORMAT: SWEEP_LAYOUT,
    MAP_FORMAT: TWIN_LAYOUT,
    TRACE_FORMAT: (*TRACE_LAYOUT, *LOAD_VARIABLES, *FADED_VARIABLES),
}


def test_codes_are_those_that_the_layout_names():
    """ "-1 unknown, 0 ..., 1 ..." in the words of a variable, and what is allowed in it."""
    found = 0
    for kind, layout in LAYOUTS.items():
        for variable in layout:
            codes = limits_of(kind, variable).codes
            if not codes or "edge" in variable.name or "interactions" in variable.name:
                continue  # of these, the words name some of the codes
            if variable.name != "tx_decision":  # "the same of the transmitter"
                said = {int(number) for number in re.findall(r"-?\b\d+\b", variable.long_name)}
                assert said | {0} == set(codes) | {0}, variable.name
                found += 1
    assert found >= 6


@pytest.mark.parametrize(
    ("name", "least", "most", "with_least"),
    [
        ("frequency_hz", 1e6, 1e12, True),
        ("cell_size_m", 0, 1e6, False),
        ("height_m", -1e6, 1e6, True),
        ("noise_power_w", 0, 1e6, False),
        ("interference_load", 0, 1, True),
        ("step_s", 0, 1e12, False),
        ("bandwidth_hz", 0, 1e13, False),
        ("demand_mbps", 0, 1e9, False),
        ("seconds", 0, 1e12, True),
        ("full_s", 0, 1e12, True),
    ],
)
def test_numbers_of_attributes_end_where_they_should(name, least, most, with_least):
    def problems(value):
        return attribute_problems("", {name: value})

    assert problems(most) == problems(least + 1e-6 * (most - least)) == []
    assert len(problems(1.01 * most)) == len(problems(least - 1e-3)) == 1
    assert bool(problems(least)) != with_least
    assert all(problems(value) for value in (True, "1", np.nan, None))
    words = f"a number {'' if with_least else 'above '}{least:g} to {most:g}"
    assert problems(least - 1)[0].endswith(f"it must be {words}")


def test_rows_end_with_what_they_number():
    allowed = Limits(-1, rows_of="tx")
    assert allowed.problem(np.array([-1, 0, 2]), {"tx": 3}) is None
    said = allowed.problem(np.array([3, 0, -2, 3]), {"tx": 3})
    assert said == "holds 3 (3 such values); it must be -1 to 2"
    assert allowed.problem(np.array([7]), {}) is None
    assert allowed.words({}) == "-1 or more"
