"""Pages in a real browser: `pytest -m peer tests/view`, with Chromium on the machine.

With RTWIN_PICTURES=FOLDER, what the browser shows is kept there to be looked at.
"""

import io
import os
from pathlib import Path

import numpy as np
import pytest

from rtwin.dataset import open_dataset
from rtwin.units import to_db
from rtwin.view import write_page

from .browser import Browser, find_browser
from .test_page import EVIL, evil_file  # noqa: F401

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(find_browser() is None, reason="no Chromium here; set RTWIN_BROWSER"),
]


@pytest.fixture
def browser(request):
    with Browser() as opened:
        yield opened
        folder = os.environ.get("RTWIN_PICTURES")
        if folder:
            (Path(folder) / f"{request.node.name}.png").write_bytes(opened.picture())


@pytest.fixture
def page(browser, both_file):
    browser.open(both_file)
    yield browser
    assert browser.problems == []
    assert browser.requests == [f"file://{both_file}"]


def pixels(browser):
    from matplotlib.image import imread

    return np.round(255 * imread(io.BytesIO(browser.picture()))[..., :3]).astype(int)


def text(browser, name):
    return browser.run(f"document.getElementById('{name}').innerText")


def receiver_place(browser, rx):
    return browser.run(
        "(() => { const { stage, arrays } = rtwinView;"
        f" return stage.project(...arrays.rx_position.subarray({3 * rx}, {3 * rx} + 3)); }})()"
    )


def test_it_loads(page):
    assert text(page, "title") == "Two boxes and a sheet"
    assert page.run("document.getElementById('message').hidden")
    seen = pixels(page)[100:700, 320:1400].reshape(-1, 3)
    assert len(np.unique(seen, axis=0)) > 200  # a picture, not a plain canvas


def test_click_on_a_receiver_shows_its_paths(page, paths_file):
    before = pixels(page)
    assert page.run("document.getElementById('link').hidden")
    page.press("t")
    page.click(*receiver_place(page, 0))
    assert text(page, "link-title") == "Receiver 0"
    with open_dataset(paths_file) as dataset:
        gain = [to_db(dataset.paths(link, link + 1).power) for link in (0, 1)]
    best = max(gain, key=lambda values: np.sum(10 ** (values / 10)))
    rows = page.run(
        "[...document.querySelectorAll('#paths tbody tr')].map(row => row.cells[1].innerText)"
    )
    wanted = [f"{value:.1f}".replace("-", "\u2212") for value in sorted(best, reverse=True)]
    assert rows == wanted
    assert len(rows) > 2
    head = text(page, "paths")
    for unit in ("dB", "dBm", "ns", "deg"):
        assert unit in head
    assert page.run("rtwinView.card.layer.group.children.length") == 2
    assert (pixels(page)[100:700, 320:900] != before[100:700, 320:900]).any()
    page.press("Escape")
    assert page.run("document.getElementById('link').hidden")


def test_receiver_without_a_path(page):
    page.run("rtwinView.card.open(4)")
    assert "No path reaches this receiver" in text(page, "link-summary")
    assert page.run("document.querySelectorAll('#paths tbody tr').length") == 0


def test_pointing_at_a_row_names_what_the_path_touches(page):
    page.run("rtwinView.card.open(0)")
    row = page.run("rtwinView.card.paths.findIndex(path => path.steps.length === 1)")
    page.run(f"document.querySelectorAll('#paths tbody tr')[{row}].focus()")
    said = text(page, "path-detail")
    assert "m long" in said
    assert any(
        name in said
        for name in ("ground (concrete)", "brick_box (brick)", "sheet (glass)", "metal_box (metal)")
    )


def test_metric_changes_colours_and_legend(page, both):
    layers = both.content["map"]["layers"]
    seen, legends = [], []
    for metric in ("rss", "sinr", "error", "serving"):
        page.run(
            f"(() => {{ const s = document.getElementById('map-metric'); s.value = '{metric}';"
            " s.dispatchEvent(new Event('change')); })()"
        )
        page.pause()
        seen.append(pixels(page)[100:700, 320:1400])
        legends.append(text(page, "map-legend"))
    for i in range(4):
        for j in range(i):
            assert (seen[i] != seen[j]).any(axis=-1).mean() > 0.02
            assert legends[i] != legends[j]
    assert "[dBm]" in legends[0]
    assert "mast" in legends[3]
    assert {layer["metric"] for layer in layers} > {"rss", "sinr", "error"}


def test_colours_are_those_of_the_legend(page, both):
    """A pixel of a cell has exactly the colour that the table gives its value."""
    page.press("t")
    page.run("rtwinView.layers.receivers.points.visible = false; rtwinView.stage.request()")
    cell = (20, 3)  # a corner where nothing stands
    said = both.content["map"]
    layer = next(i for i, one in enumerate(said["layers"]) if one["metric"] == "rss")
    value = said["layers"][layer]["step"] * both.arrays["map_values"][layer][cell]
    low, high = said["layers"][layer]["limits"]
    wanted = both.arrays["viridis"][int(np.clip(256 * (value - low) / (high - low), 0, 255))]
    x, y = (said["low_m"][k] + 5.0 * (cell[1 - k] + 0.5) for k in (0, 1))
    place = page.run(f"rtwinView.stage.project({x}, {y}, {said['z_m']})")
    page.pause()
    assert np.abs(pixels(page)[round(place[1]), round(place[0])] - wanted).max() <= 1
    page.move(*place)
    tip = text(page, "tip")
    assert f"{value:.1f}".replace("-", "\u2212") in tip
    assert "dBm" in tip


def test_tooltips(page):
    page.press("t")
    page.move(*page.run("rtwinView.stage.project(...rtwinView.page.tx[0].position_m)"))
    tip = text(page, "tip")
    assert "Transmitter mast" in tip
    assert "44.0\u202fdBm" in tip
    page.move(*page.run("rtwinView.stage.project(20, 12, 10)"))
    tip = text(page, "tip")
    assert tip.startswith("brick_box")
    assert "S/m" in tip
    page.move(*receiver_place(page, 0))
    assert text(page, "tip").startswith("Receiver 0")


def test_keys(page):
    start = page.run("rtwinView.stage.camera.position.toArray()")
    page.press("+")
    near = page.run("rtwinView.stage.camera.position.toArray()")
    assert np.linalg.norm(near) < np.linalg.norm(start)
    page.press("q")
    assert page.run("rtwinView.stage.camera.position.toArray()") != near
    page.press("h")
    np.testing.assert_allclose(page.run("rtwinView.stage.camera.position.toArray()"), start)
    page.press("m")
    assert page.run("document.getElementById('map-metric').value") == "path_gain"
    page.press("n")
    page.press("n")
    assert text(page, "link-title") == "Receiver 1"


def test_cut_opens_solids(page):
    page.press("t")
    place = page.run("rtwinView.stage.project(20, 12, 10)")
    before = pixels(page)[round(place[1]), round(place[0])]
    page.run(
        "(() => { const s = document.getElementById('cut'); s.value = 1;"
        " s.dispatchEvent(new Event('input')); })()"
    )
    page.pause()
    assert text(page, "cut-value") == "1.0\u202fm"
    assert (pixels(page)[round(place[1]), round(place[0])] != before).any()
    page.move(*place)
    assert not text(page, "tip").startswith("brick_box")


def test_scripts_of_strangers_do_not_run(browser, evil_file, tmp_path):  # noqa: F811
    file = write_page(evil_file, tmp_path / "page.html").file
    browser.open(file)
    row = "rtwinView.card.paths.findIndex(path => path.steps.length)"
    browser.run(f"rtwinView.card.open(0); rtwinView.card.highlight({row})")
    assert text(browser, "title").startswith("</script><script>alert(1)")
    assert "<img src=x onerror=alert(2)>" in text(browser, "path-detail")
    assert browser.run("document.querySelectorAll('img, #panel script, #link script').length") == 0
    assert browser.problems == []
    assert browser.requests == [f"file://{file}"]
    # Even a script that got into the page would not run.
    browser.run(
        "(() => { const s = document.createElement('script'); s.textContent = 'window.bad = 1';"
        " document.body.append(s); })()"
    )
    assert browser.run("window.bad === undefined")
    assert any("Content Security Policy" in line for line in browser.problems)


def test_scene_alone(browser, tmp_path):
    browser.open(write_page("courtyard", tmp_path / "page.html").file)
    assert browser.problems == []
    assert "Nothing is traced here" in text(browser, "remarks")
    assert browser.run("document.getElementById('map-section').hidden")


def test_map_alone(browser, map_file, tmp_path):
    browser.open(write_page(map_file, tmp_path / "page.html").file)
    assert browser.problems == []
    assert browser.run("document.getElementById('rx-section').hidden")
