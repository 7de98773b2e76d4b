"""Only what rtwin made is ever removed or replaced."""

import json
import shutil

import h5py
import numpy as np
import pytest
import trimesh

from rtwin.calibration import align
from rtwin.calibration.journal import open_journal
from rtwin.calibration.judgement.result_folder import write_result
from rtwin.dataset import generate, generate_radio_map, sample
from rtwin.dataset.shards.shard_folder import ShardFolder
from rtwin.errors import StoreError
from rtwin.experiments.results import prepare_folder
from rtwin.export import FORMATS, export
from rtwin.files import made_by_rtwin, replace_folder, with_png_mark
from rtwin.horizontal import create_twin, write_snapshot_map
from rtwin.plot import save_figure
from rtwin.plot.style import new_figure
from rtwin.scene.build import build_scene
from rtwin.trace import load_world
from rtwin.trace.pictures.render import render
from rtwin.view import write_page


@pytest.fixture(scope="module")
def small(two_boxes):
    return two_boxes(
        receivers={"kind": "random", "count": 30, "area": [-45, -45, 45, 45]},
        solver={"rays": 2_000, "max_depth": 1},
        radio_map={"cell_size_m": 20.0, "rays": 10_000},
    )


@pytest.fixture(scope="module")
def made(small, tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    return {
        "paths": generate(small, folder / "paths.h5"),
        "map": generate_radio_map(small, folder / "map.h5"),
    }


def draw():
    figure = new_figure(3, 2)
    figure.add_subplot().plot([0, 1])
    return figure


def foreign_pictures(folder):
    """Pictures and pages as other programs write them."""
    import matplotlib.pyplot as plt

    for suffix in ("png", "pdf", "svg"):
        figure = plt.figure(figsize=(2, 1))
        figure.savefig(folder / f"thesis.{suffix}")
        plt.close(figure)
    (folder / "thesis.html").write_text("<!DOCTYPE html><p>about rtwin 0.1")
    return folder


@pytest.mark.parametrize("suffix", ["png", "pdf", "svg"])
def test_plots_replace_plots_alone(tmp_path, suffix):
    theirs = foreign_pictures(tmp_path) / f"thesis.{suffix}"
    before = theirs.read_bytes()
    with pytest.raises(StoreError, match="was not made by rtwin"):
        save_figure(draw(), theirs)
    assert theirs.read_bytes() == before
    ours = save_figure(draw(), tmp_path / f"mine.{suffix}")
    assert made_by_rtwin(ours)
    assert save_figure(draw(), ours) == ours


def test_a_document_with_our_picture_in_it_is_not_ours(tmp_path):
    """pdfTeX keeps the information of pictures, as an object that the trailer does not name."""
    ours = save_figure(draw(), tmp_path / "mine.pdf").read_bytes()
    start = ours.rindex(b"/Info")
    number = ours[start:].split()[1]
    thesis = tmp_path / "thesis.pdf"
    thesis.write_bytes(ours[:start] + b"/Info 9" + number + ours[start + 6 + len(number) :])
    assert not made_by_rtwin(thesis)


def test_renders_and_pages(small, made, tmp_path):
    foreign_pictures(tmp_path)
    world = load_world(small)
    with pytest.raises(StoreError, match="was not made by rtwin"):
        render(world, tmp_path / "thesis.png", resolution=(16, 16), samples=1)
    with pytest.raises(StoreError, match="was not made by rtwin"):
        write_page(made["map"], tmp_path / "thesis.html")
    for _ in range(2):
        assert made_by_rtwin(render(world, tmp_path / "a.png", resolution=(16, 16), samples=1))
        assert made_by_rtwin(write_page(made["map"], tmp_path / "a.html").file)


def test_png_marks_are_read_by_other_tools(tmp_path):
    image = pytest.importorskip("PIL.Image")
    file = tmp_path / "a.png"
    image.new("RGB", (3, 2)).save(file)
    file.write_bytes(with_png_mark(file.read_bytes()))
    with image.open(file) as found:
        assert found.text["Software"].startswith("rtwin ")
        found.load()


def test_align_replaces_its_own_reports(made, tmp_path):
    out = tmp_path / "a.json"
    out.write_text('{"my": "notes"}')
    with pytest.raises(StoreError, match="was not made by rtwin"):
        align(made["paths"], made["paths"], out, overwrite=True)
    assert json.loads(out.read_text()) == {"my": "notes"}
    out.unlink()
    for _ in range(2):
        align(made["paths"], made["paths"], out, overwrite=True)


@pytest.mark.parametrize("name", ["netcdf", "geotiff", "png", "glb", "ns3-loss", "tfrecord"])
def test_exports_replace_exports(made, tmp_path, name):
    item = next(f for f in FORMATS if f.name == name)
    source = made["map" if "radiomap" in item.sources else "paths"]
    theirs = tmp_path / f"theirs{item.suffix}"
    theirs.write_bytes(item.magic + b" and what somebody else wrote")
    before = theirs.read_bytes()
    if name != "ns3-loss":  # its heading is rtwin's own
        with pytest.raises(StoreError, match="is not an export of rtwin"):
            export(source, name, theirs, overwrite=True)
        assert theirs.read_bytes() == before
    for _ in range(2):
        export(source, name, tmp_path / f"ours{item.suffix}", overwrite=True)


def test_files_beside_an_export_stay(made, tmp_path):
    target = tmp_path / "out"
    export(made["paths"], "aodt", target)
    (target / "notes").mkdir()
    (target / "notes" / "mine.txt").write_text("mine")
    export(made["paths"], "aodt", target, overwrite=True)
    assert (target / "notes" / "mine.txt").read_text() == "mine"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out"]


def test_generate_leaves_a_folder_of_that_name(small, tmp_path):
    theirs = tmp_path / "o.h5.parts"
    theirs.mkdir()
    (theirs / "letter.txt").write_text("dear")
    with pytest.raises(StoreError, match=r"letter\.txt, which is not rtwin's"):
        generate(small, tmp_path / "o.h5")
    assert (theirs / "letter.txt").read_text() == "dear"


def test_what_somebody_puts_among_shards_stays(small, tmp_path):
    file = generate(small, tmp_path / "o.h5")
    folder = ShardFolder(file)
    folder.path.mkdir()
    (folder.path / "letter.txt").write_text("dear")
    (folder.path / "shard-000000.h5").write_text("left over")
    assert generate(small, file) == file
    assert [p.name for p in folder.path.iterdir()] == ["letter.txt"]


@pytest.fixture(scope="module")
def twin(small, tmp_path_factory):
    return create_twin(small, tmp_path_factory.mktemp("twin") / "t.twin").folder


def test_snapshots_are_written_once(small, made, twin):
    before = (twin / "000000.h5").read_bytes()
    with pytest.raises(StoreError, match="written once"):
        write_snapshot_map(twin, twin / "000000.h5", 0, overwrite=True)
    with pytest.raises(StoreError, match="written once"):
        generate_radio_map(small, twin / "000001.h5")
    assert (twin / "000000.h5").read_bytes() == before
    assert not (twin / "000001.h5").exists()


def test_a_copy_of_a_snapshot_is_not_replaced(small, twin, tmp_path):
    copy = shutil.copy(twin / "000000.h5", tmp_path / "kept.h5")
    with pytest.raises(StoreError, match="written once"):
        generate_radio_map(small, copy, overwrite=True)


def test_inputs_are_not_outputs(made, tmp_path):
    (tmp_path / "map.h5").hardlink_to(made["map"])
    tracks = tmp_path / "t.csv"
    tracks.write_text("time_s,ue,x_m,y_m\n0,a,5,5\n1,a,6,5\n")
    for output in (made["map"], tmp_path / "map.h5", tracks):
        with pytest.raises(StoreError, match="is what is read"):
            sample(made["map"], tracks, output, overwrite=True)
    assert h5py.is_hdf5(made["map"])


def test_results_of_experiments(tmp_path):
    (tmp_path / "slicing.csv").write_text("my own table")
    with pytest.raises(StoreError, match="is no result of rtwin"):
        prepare_folder(tmp_path)
    (tmp_path / "slicing.json").write_text('{"format": "rtwin-slicing-1"}')
    prepare_folder(tmp_path)


def test_what_lies_in_a_calibration_stays(tmp_path):
    for _ in range(2):
        write_result(tmp_path / "r", {}, "<p>", overwrite=True)
        (tmp_path / "r" / "thoughts.txt").write_text("mine")
    assert (tmp_path / "r" / "thoughts.txt").read_text() == "mine"
    steps = open_journal(tmp_path / "r", "a").folder
    (steps / "mine.txt").write_text("mine")
    open_journal(tmp_path / "r", "b").close()
    assert [p.name for p in steps.iterdir()] == ["mine.txt"]


def test_scenes_keep_what_somebody_put_there(tmp_path):
    mesh = tmp_path / "house.ply"
    trimesh.creation.box((10, 10, 10)).export(mesh)
    scene = tmp_path / "scene"
    build_scene([mesh], scene)
    (scene / "notes.txt").write_text("mine")
    build_scene([mesh], scene, overwrite=True)
    assert (scene / "notes.txt").read_text() == "mine"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["house.ply", "scene"]


@pytest.mark.parametrize("exchanges", [True, False])
def test_a_folder_is_never_without_its_files(tmp_path, monkeypatch, exchanges):
    """At every call to the system the folder has the user's file, or rtwin can go on."""
    from rtwin.files import ownership

    folder, made = tmp_path / "f", tmp_path / "made"
    for place in (folder, made):
        place.mkdir()
        (place / "own").write_text(place.name)
    (folder / "theirs").write_text("theirs")
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "deep" / "er" / "x").symlink_to("nowhere")
    if not exchanges:
        monkeypatch.setattr(ownership, "_exchange", lambda one, other: False)
    replace_folder(made, folder, {"own"}.__contains__)
    assert (folder / "own").read_text() == "made"
    assert (folder / "theirs").read_text() == "theirs"
    assert (folder / "deep" / "er" / "x").is_symlink()
    assert [p.name for p in tmp_path.iterdir()] == ["f"]


def test_odd_names_are_one_line(small):
    for name in ("x" * 300 + ".h5", "a\0b.h5"):
        with pytest.raises(StoreError, match="choose another name") as caught:
            generate(small, name)
        assert "\n" not in str(caught.value)
        assert np.size(str(caught.value)) < 200
