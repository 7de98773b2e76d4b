"""Measurements update a twin on disk: what is written, what is refused, what is suggested."""

import sys

import numpy as np
import pytest

from rtwin.cli import main
from rtwin.dataset import open_radio_map, validate_file
from rtwin.errors import CampaignError, RtwinError
from rtwin.horizontal import (
    DECISIONS,
    apply_edits,
    create_twin,
    edits_from_dict,
    load_edits,
    measured_before,
    open_twin,
    retrace,
    update_measured,
    update_twin,
    write_snapshot_map,
    write_suggestion,
)
from rtwin.horizontal.merging.files import merge_files
from rtwin.horizontal.unknown_change import load_twin_measurements
from rtwin.units import to_db

GONE = {"edit": [{"kind": "remove_object", "object": "brick_box"}]}


@pytest.fixture(scope="module")
def recipe(two_boxes):
    return two_boxes(radio_map={"area": [-45, -45, 45, 45]})


@pytest.fixture(scope="module")
def folder(recipe, tmp_path_factory):
    made = tmp_path_factory.mktemp("twins") / "two.twin"
    create_twin(recipe, made, uncertainty_db=1.0)
    return made


@pytest.fixture(scope="module")
def truth(folder):
    """The world in which a box is gone, and nobody said so."""
    state = open_twin(folder).state()
    return retrace(state, *apply_edits(edits_from_dict(GONE), state.recipe, state.parts)).state


def write_news(file, state, gain, rows=30, seed=0, falsified=0.0, **columns):
    rng = np.random.default_rng(seed)
    cells, level = state.grid.centers_m.reshape(-1, 3), to_db(gain).reshape(len(gain), -1)
    lines = [",".join(["tx", "x_m", "y_m", "path_gain_db", *columns])]
    for tx, name in enumerate(state.tx_names):
        heard = np.flatnonzero((level[tx] > -120) & ~state.is_inside.ravel())
        for cell in rng.choice(heard, rows, replace=False):
            x, y = cells[cell, :2] + rng.uniform(-2, 2, 2)
            value = level[tx, cell] + rng.normal(0, 1.0)
            value -= 20.0 * (len(lines) % 10 < 10 * falsified)
            lines.append(f"{name},{x:.2f},{y:.2f},{value:.2f}")
    file.write_text("\n".join(lines) + "\n")
    return file


def test_an_unknown_change_is_corrected_and_suggested(own, truth, tmp_path):
    news = write_news(tmp_path / "news.csv", truth, truth.maps["path_gain"])
    before = open_twin(own)
    made = update_measured(own, news, num_traces=40)
    after = open_twin(own)
    assert after.number == 1
    assert after.content_hash == made.snapshot.content_hash
    assert after.parent == before.content_hash
    assert after.news == f"{len(made.found)} measured cells of news.csv"
    assert made.correction.explanations[0].hypotheses[0].subject == "brick_box"

    kept = after.decision == DECISIONS.index("preserve")
    assert np.array_equal(after.radio_map.path_gain[kept], before.radio_map.path_gain[kept])
    assert np.array_equal(after.uncertainty_db[kept], before.uncertainty_db[kept])
    assert not kept.all()
    assert ((after.traced_snapshot == 1) == ~kept).all()
    old, new, true = (
        np.maximum(to_db(gain), -130)
        for gain in (before.radio_map.path_gain, after.radio_map.path_gain, truth.maps["path_gain"])
    )
    changed = np.abs(true - old) > 1
    wrong = [np.sqrt(np.mean(np.square(v - true)[changed])) for v in (old, new)]
    assert wrong[1] < 0.3 * wrong[0]
    assert any(reason.startswith("differences are") for reason in after.tx_reason)
    for reason in after.tx_reason:
        assert "agrees" not in reason or "what explains the others reaches it" in reason
    assert after.more["explanations"][0]["says"] == "'brick_box' is gone"

    # The map of the snapshot is a radio map that passes every check.
    assert validate_file(write_snapshot_map(own, tmp_path / "map.h5")) == []
    # What was guessed becomes an edits file, and with it the twin is exact again.
    with pytest.raises(CampaignError, match="is in snapshot 1 already"):
        update_measured(own, news)
    known = measured_before(own, news)
    assert known.content_hash == after.content_hash
    guess = write_suggestion(known, tmp_path / "guess.toml")
    assert write_suggestion(known, guess) == guess
    assert load_edits(guess).edit == edits_from_dict(GONE).edit
    exact = update_twin(own, guess)
    gain = exact.radio_map.path_gain
    traced = exact.decision == DECISIONS.index("re-trace")
    np.testing.assert_allclose(gain[traced], truth.maps["path_gain"][traced], rtol=1e-5)
    guess.write_text("dear")
    with pytest.raises(RtwinError, match=r"guess\.toml: exists; choose another name"):
        write_suggestion(known, guess)


@pytest.mark.parametrize("way", [{"how": "kriging"}, {"num_traces": 40}])
def test_falsified_rows_are_set_aside_and_told(own, truth, tmp_path, way):
    """A tenth of the rows is 20 dB too low, in the twin's own world and after a change."""
    before = open_twin(own)
    if "how" in way:
        state, gain = before.state(), before.radio_map.path_gain
    else:
        state, gain = truth, truth.maps["path_gain"]
    news = write_news(tmp_path / "news.csv", state, gain, falsified=0.1)
    made = update_measured(own, news, **way)
    new, true = (np.maximum(to_db(g), -130) for g in (made.snapshot.radio_map.path_gain, gain))
    old = np.maximum(to_db(before.radio_map.path_gain), -130)
    off, was = (np.sqrt(np.mean(np.square(v - true))) for v in (new, old))
    assert off <= 0.06 * was  # 0 in its own world; 0.24 of 4.36 dB
    trust = made.snapshot.more["trust"]
    assert trust["untrusted"] == 6
    assert sum(row["untrusted"] for row in trust["by_transmitter"]) == 6
    assert all(place["off_db"] < -15 for place in trust["places"])
    assert made.snapshot.more["set_aside"] == {"that everything else contradicts": 6}
    assert len(made.found) == 54
    if "how" in way:
        more = write_news(tmp_path / "more.csv", state, gain, seed=1, falsified=0.1)
        later = update_measured(own, more, **way).snapshot.more["trust"]
        for kind in ("by_transmitter", "by_device"):
            assert sum(row["untrusted_so_far"] for row in later[kind]) == 6 + later["untrusted"]
            assert sum(row["rows_so_far"] for row in later[kind]) == 60 + later["rows"]


def test_agreeing_measurements_change_nothing(own, tmp_path):
    before = open_twin(own)
    news = write_news(tmp_path / "same.csv", before.state(), before.radio_map.path_gain)
    made = update_measured(own, news)
    assert np.array_equal(made.snapshot.radio_map.path_gain, before.radio_map.path_gain)
    assert (made.snapshot.decision == DECISIONS.index("preserve")).all()
    assert made.snapshot.more["num_traces"] == 0
    assert not made.needs_trace.any()
    with pytest.raises(CampaignError, match="no single edit explains the measurements"):
        write_suggestion(made.snapshot, tmp_path / "guess.toml")


def test_twins_and_maps_merge(own, tmp_path):
    twin = open_twin(own)
    flat = write_snapshot_map(own, tmp_path / "map.h5")
    merged = merge_files([own, flat], tmp_path / "merged.h5")
    assert validate_file(tmp_path / "merged.h5") == []
    found = open_radio_map(tmp_path / "merged.h5")
    np.testing.assert_allclose(found.path_gain, twin.radio_map.path_gain, rtol=1e-9)
    # The map says nothing of reality: it is taken to be off by 6 dB, the twin says 1.
    assert (merged.source == 0).all()
    assert np.nanmax(merged.sigma_db) < 1.1


HEAD = "tx,x_m,y_m,path_gain_db\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a,b\n1,2\n", r"has the columns a, b; it needs x_m, y_m and one of path_gain_db"),
        ("", r"has the columns of no name; it needs x_m"),
        ("x_m,y_m,path_gain_db\n1,2,-80\n", r"has no column tx, and the twin has 2 transmitters"),
        (HEAD, r"no measurement can be used"),
        (HEAD + "most,1,2,-80\n", r"no measurement can be used \(1 of a transmitter that the cam"),
        (HEAD + "mast,1,2,loud\n", r"news.csv: row 1 has 'loud', which is no number"),
        (HEAD + "mast,1,2,-1\n", r"no measurement can be used \(1 above free space\)"),
        ("tx,x_m,y_m,rss_dbm,path_gain_db\nmast,1,2,-1,-2\n", r"and one of path_gain_db"),
        ("tx,Latitude,lng,rss_dbm\n", r"Latitude, lng need a \[georeference\]"),
        ("tx,x_m,y_m,SS-RSRP\n", r"call 'SS-RSRP' by the one of these that it is"),
    ],
)
def test_files_that_cannot_be_used(recipe, tmp_path, text, says):
    file = tmp_path / "news.csv"
    file.write_text(text)
    with pytest.raises(CampaignError, match=says) as caught:
        load_twin_measurements(file, recipe)
    assert "\n" not in str(caught.value)


def test_names_of_other_programs(recipe, tmp_path):
    own, other = tmp_path / "own.csv", tmp_path / "other.csv"
    own.write_text(HEAD + "mast,10,20,-80\n")
    other.write_text("Cell,Easting,Northing,path_gain_db\nmast,10,20,-80\n")
    one, two = (load_twin_measurements(file, recipe)[0] for file in (own, other))
    np.testing.assert_array_equal(one.position_m, two.position_m)
    np.testing.assert_array_equal(one.tx, two.tx)


def test_missing_and_foreign_files(recipe, tmp_path):
    with pytest.raises(CampaignError, match=r"news\.csv: cannot be read \(No such file"):
        load_twin_measurements(tmp_path / "news.csv", recipe)
    (tmp_path / "news.csv").write_bytes(b"\xff\xfe\x00tx")
    with pytest.raises(CampaignError, match="cannot be read"):
        load_twin_measurements(tmp_path / "news.csv", recipe)


def test_command(own, truth, tmp_path, monkeypatch, capsys):
    news = write_news(tmp_path / "news.csv", truth, truth.maps["path_gain"])

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["rtwin", *map(str, words)])
        code = 0
        try:
            main()
        except SystemExit as done:
            code = done.code or 0
        said = capsys.readouterr()
        return code, said.out, said.err

    code, out, err = run("update", own, "--measurements", news, "--worlds", "0", "--quiet")
    assert (code, err) == (0, "")
    assert "measured cells of news.csv" in out
    code, _, err = run("update", own)
    assert code == 2
    assert "give --edit or --measurements" in err
    code, _, err = run("update", own, "--measurements", tmp_path / "nothing.csv", "--quiet")
    assert code == 1
    assert err.count("\n") == 1
    assert run("merge", own, own, "-o", tmp_path / "m.h5", "--age", "1,x")[0] == 2
    assert run("merge", own, own, "-o", tmp_path / "m.h5", "--rule", "mean")[0] == 2
    code, out, err = run("merge", own, own, "-o", tmp_path / "m.h5")
    assert (code, err) == (0, "")
    assert "disagree" in out
