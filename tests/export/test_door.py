"""What holds for every format: choices, one-line refusals, and targets in place whole."""

import json
import shutil

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from rtwin.channel import path_gain
from rtwin.dataset import evaluate, open_dataset
from rtwin.errors import EngineError, OutOfRangeError, RtwinError, StoreError
from rtwin.export import FORMATS, MARK, export, find_format, path_view
from rtwin.export.record.view import chosen_rows

FILES = [f for f in FORMATS if f.suffix]
FOLDERS = [f for f in FORMATS if not f.suffix]
EXTRA = {
    "colosseum": {"strongest_paths": 4, "weak_taps": True},
    "ns3-fading": {"tx": "0", "rx": "0", "samples": 5},
    "sionna-rk": {"tx": "0", "rx": "0", "slots": 2},
    "radiomapseer": {"any_size": True},
}


def go(item, source, target, **more):
    twin = source[item.sources[0]]
    return export(twin, item.name, target, **EXTRA.get(item.name, {}), **more)


@pytest.fixture(scope="module")
def source(standing, map_file, trace_file):
    return {"paths": standing, "radiomap": map_file, "trace": trace_file}


@pytest.mark.parametrize("item", FORMATS, ids=lambda f: f.name)
def test_every_format_writes_what_it_says(item, source, tmp_path):
    target = tmp_path / f"out{item.suffix}"
    report = go(item, source, target)
    assert report["format"] == item.name
    assert report["target"] == str(target)
    assert all(isinstance(value, str | int | float) for value in report.values())
    assert target.is_file() == bool(item.suffix)
    assert [p.name for p in tmp_path.iterdir()] == [target.name], "nothing is left beside it"
    if item.suffix:
        assert target.read_bytes().startswith(item.magic)
    else:
        mark = json.loads((target / MARK).read_text())
        assert mark["made_by"] == "rtwin"
        with open_dataset(source["paths"]) as dataset:
            if "paths" in item.sources:
                assert mark["content_hash"] == dataset.attributes["content_hash"]


@pytest.mark.parametrize("item", FORMATS, ids=lambda f: f.name)
def test_the_same_is_left_alone_and_another_replaced_on_request_only(item, source, tmp_path):
    target = tmp_path / f"out{item.suffix}"

    def content():
        files = [target] if target.is_file() else sorted(p for p in target.rglob("*"))
        return {p.relative_to(tmp_path): p.read_bytes() for p in files if p.is_file()}

    def times():
        return {p: p.stat().st_mtime_ns for p in (target, *target.rglob("*"))}

    first = go(item, source, target)
    before, made = content(), times()
    assert go(item, source, target) == first
    assert times() == made
    assert [p.name for p in tmp_path.iterdir()] == [target.name]
    other = {**source, item.sources[0]: tmp_path.parent / f"other-{item.name}.h5"}
    shutil.copy(source[item.sources[0]], other[item.sources[0]])
    if not item.suffix:  # says what file it was made from
        with pytest.raises(StoreError, match="exists; choose another name, or ask to overwrite it"):
            go(item, other, target)
    go(item, source, target, overwrite=True)
    after = content()
    assert times() != made
    assert before.keys() == after.keys()
    if item.name not in ("colosseum", "netcdf", "aodt"):  # hold a date, or libraries' own order
        assert before == after


@pytest.mark.parametrize("item", FORMATS, ids=lambda f: f.name)
def test_a_writer_that_fails_leaves_nothing(item, source, tmp_path, monkeypatch):
    target = tmp_path / f"out{item.suffix}"
    go(item, source, target)
    before = sorted(str(p) for p in tmp_path.rglob("*"))
    writer = item.writer

    def broken(view, place, progress, **options):
        writer(view, place, progress, **options)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(f"{item.room}.{item.function}", broken)
    monkeypatch.setattr(type(item), "read_options", lambda self, given: given)
    with pytest.raises(StoreError, match="no space left on the disk"):
        go(item, source, target, overwrite=True)
    assert sorted(str(p) for p in tmp_path.rglob("*")) == before


def test_a_writers_own_words_come_through(source, tmp_path, monkeypatch):
    def engineless(view, place, progress):
        raise EngineError("no libLLVM found; install one")

    monkeypatch.setattr("rtwin.export.learning.write_tfrecord", engineless)
    with pytest.raises(EngineError, match="no libLLVM found; install one"):
        export(source["paths"], "tfrecord", tmp_path / "x.tfrecord")


@pytest.mark.parametrize("item", FORMATS, ids=lambda f: f.name)
def test_formats_are_explained(item):
    assert item.summary
    assert "\n" not in item.summary
    for option in item.options:
        assert option.type in (int, float, str, bool)
        assert isinstance(option.default, option.type)
        assert option.help


def test_foreign_things_stay(source, tmp_path):
    letter = tmp_path / "letter.csv"
    letter.write_text("dear")
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "me.png").write_text("x")
    for target, name in ((letter, "ns3-loss"), (photos, "qd-files")):
        with pytest.raises(StoreError, match="not an export of rtwin"):
            export(source["paths"], name, target, overwrite=True)
    shutil.copytree(photos, tmp_path / "d.csv")
    with pytest.raises(StoreError, match=r"is a folder, but a \.csv file is written"):
        export(source["paths"], "ns3-loss", tmp_path / "d.csv", overwrite=True)
    with pytest.raises(StoreError, match="is no folder"):
        export(source["paths"], "qd-files", letter, overwrite=True)
    (tmp_path / "link").symlink_to(photos)
    with pytest.raises(StoreError, match="is a link"):
        export(source["paths"], "qd-files", tmp_path / "link", overwrite=True)
    with pytest.raises(StoreError, match=r"must end in \.csv"):
        export(source["paths"], "ns3-loss", tmp_path / "scene.toml")
    assert letter.read_text() == "dear"
    assert (photos / "me.png").read_text() == "x"


def test_never_onto_the_twin_or_around_it(standing, tmp_path):
    inside = tmp_path / "here"
    inside.mkdir()
    twin = inside / "twin.h5"
    shutil.copy(standing, twin)
    with pytest.raises(StoreError, match="holds the twin itself"):
        export(twin, "qd-files", inside, overwrite=True)
    shutil.copy(standing, inside / "twin.nc")
    with pytest.raises(StoreError, match="holds the twin itself"):
        export(inside / "twin.nc", "netcdf", inside / "twin.nc", overwrite=True)


def test_an_empty_folder_is_filled(source, tmp_path):
    (tmp_path / "s").mkdir()
    export(source["paths"], "qd-files", tmp_path / "s")
    assert (tmp_path / "s" / MARK).exists()


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("paths", "deep-mimo"), "did you mean 'deepmimo'"),
        (("paths", "radiomapseer"), "is a dataset of paths, format 'radiomapseer' is made from"),
        (("radiomap", "deepmimo"), "is a radio map, format 'deepmimo' is made from a dataset"),
        (("paths", "qd-files", {"step": "1"}), "did you mean 'steps'"),
        (("paths", "qd-files", {"steps": "many"}), "must be a whole number"),
        (("paths", "qd-files", {"steps": "0"}), "both are above 0"),
        (("paths", "qd-files", {"complete": "perhaps"}), "must be true or false"),
        (("paths", "qd-files", {"duration_s": "nan"}), "must be a number"),
        (("paths", "tfrecord", {"x": "1"}), "it has none"),
        (("paths", "tfrecord", {"tx": "7"}), "the file has rows 0 to 1"),
        (("paths", "tfrecord", {"tx": "0,0"}), "names a row twice"),
        (("paths", "tfrecord", {"rx": "a"}), "rows and ranges such as"),
        (("paths", "tfrecord", {"rx": "3:2"}), "rows 0 to 4"),
        (("paths", "tfrecord", {"tx_port": "X"}), "the file has V"),
        (("paths", "tfrecord", {"strongest_paths": 0}), "must be 1 or more"),
        (("radiomap", "radiomapseer", {"rx": "1"}), "rx: for datasets of paths"),
        (("radiomap", "netcdf", {"rx": "1"}), "takes the whole file; leave rx out"),
        (("paths", "bandwidth"), "format 'bandwidth' is made from a link trace"),
        (("trace", "deepmimo"), "is a link trace, format 'deepmimo' is made from a dataset"),
        (("paths", "tfrecord", {"frequency_hz": 1e9}), "holds 3.5e+09 Hz"),
    ],
)
def test_wrong_wishes_are_one_line(source, tmp_path, arguments, line):
    kind, name, options = (*arguments, {})[:3]
    suffix = next((f.suffix for f in FORMATS if f.name == name), "")
    with pytest.raises(OutOfRangeError) as error:
        export(source[kind], name, tmp_path / f"x{suffix}", **options)
    assert line in str(error.value)
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_files_that_are_no_twins(tmp_path):
    (tmp_path / "x.h5").write_text("dear")
    for file in ("x.h5", "absent.h5"):
        with pytest.raises(RtwinError):
            export(tmp_path / file, "tfrecord", tmp_path / "x.tfrecord")


def test_default_names(source, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert export(source["paths"], "ns3-loss")["target"] == "standing.csv"
    assert export(source["paths"], "qd-files")["target"] == "standing-qd-files"
    assert (
        export(source["paths"], "deepmimo", mesh=False)["target"] == "deepmimo_scenarios/standing"
    )
    assert find_format("deepmimo").default_target(tmp_path / "Big.h5").name == "big"


def test_choices_are_those_links(standing, monkeypatch):
    with open_dataset(standing) as dataset:
        whole = path_gain(dataset.paths()).reshape(5, 2)
        view = path_view(dataset, tx="1", rx="0,2:5")
        assert (view.num_tx, view.num_rx, view.num_links) == (1, 4, 4)
        for size in (1, 7, 10**6):
            gains, seen = np.zeros(4), 0
            for block in view.blocks(size):
                gains[block.rx] = path_gain(block.paths)
                np.testing.assert_array_equal(view.of_paths("delay_s", block), block.paths.delay_s)
                seen += 1
            np.testing.assert_array_equal(gains, whole[[0, 2, 3, 4], 1])
        assert seen == 2, "receivers that are not neighbours come in blocks of their own"


def test_weaker_paths_are_counted(standing, tmp_path):
    report = export(standing, "tfrecord", tmp_path / "x.tfrecord", strongest_paths=2)
    with open_dataset(standing) as dataset:
        paths = dataset.paths()
        counts = np.bincount(paths.link_index, paths.power > 0, paths.num_links)
        kept, dropped = paths.strongest(2)
        share = (dropped / (dropped + path_gain(kept))).max()
    left = int(np.maximum(counts - 2, 0).sum())
    assert report["left out"] == (
        f"{left} weaker paths, at most {100 * share:.3g} % of a link's path gain"
    )


def test_tracks_end_where_time_starts_again(moving, monkeypatch):
    with open_dataset(moving) as dataset:
        assert path_view(dataset).tracks == [slice(0, 4)]
        view = path_view(dataset)
        times = np.array([0, 1, 2, 0, 1, 1.0])
        monkeypatch.setitem(view.__dict__, "time_s", times)
        object.__setattr__(view, "rx", np.arange(6))
        assert view.tracks == [slice(0, 3), slice(3, 5), slice(5, 6)]


@given(st.sets(st.integers(0, 60), min_size=1))
def test_rows_as_text(rows):
    rows = sorted(rows)
    text = ",".join(map(str, rows))
    np.testing.assert_array_equal(chosen_rows("rx", text, 61), rows)
    lo, hi = rows[0], rows[-1] + 1
    np.testing.assert_array_equal(chosen_rows("rx", f"{lo}:{hi}", 61), np.arange(lo, hi))
    np.testing.assert_array_equal(chosen_rows("rx", f":{hi}", 61), np.arange(hi))
    np.testing.assert_array_equal(chosen_rows("rx", f"{lo}:", 61), np.arange(lo, 61))


def test_one_frequency_of_a_sweep(standing, tmp_path):
    sweep = evaluate(standing, tmp_path / "sweep.h5", frequencies_hz=[3.5e9, 7e9])
    with pytest.raises(StoreError, match=r"is a sweep over 3.5e\+09, 7e\+09 Hz; open it at one"):
        export(sweep, "qd-files", tmp_path / "q")
    export(sweep, "qd-files", tmp_path / "q", frequency_hz=7e9)
    text = (tmp_path / "q" / "Input" / "paraCfgCurrent.txt").read_text()
    assert "carrierFrequency\t7000000000\n" in text
    export(sweep, "netcdf", tmp_path / "all.nc")
    with xr.open_dataset(tmp_path / "all.nc", engine="h5netcdf") as data:
        assert data.a_real.dims == ("path", "frequency", "rx_pol", "tx_pol")
    with pytest.raises(OutOfRangeError, match="leave frequency_hz out"):
        export(sweep, "netcdf", tmp_path / "one.nc", frequency_hz=7e9)
