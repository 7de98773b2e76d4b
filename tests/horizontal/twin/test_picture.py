"""Pictures of updates."""

import pytest

from rtwin.errors import OutOfRangeError
from rtwin.horizontal import edits_from_dict, plot_twin, update_twin
from rtwin.plot import save_figure

pytest.importorskip("matplotlib")


@pytest.fixture(scope="module")
def twin(own_twin):
    new = {"name": "new", "position_m": [9, 9, 9]}
    table = [
        {"kind": "move_object", "object": "brick_box", "by_m": [9, 0, 0]},
        {"kind": "add_transmitter", "transmitter": new},
    ]
    update_twin(own_twin, edits_from_dict({"edit": table}))
    return own_twin


def test_four_maps_side_by_side(twin, tmp_path):
    figure = plot_twin(twin)
    maps = [axes for axes in figure.axes if axes.images]
    titles = [axes.get_title() for axes in maps]
    assert titles[:2] == ["before", "after"]
    assert titles[2].startswith("difference")
    assert titles[3] == "decision"
    assert "move object brick_box; add transmitter new" in figure.get_suptitle()
    for axes in maps:
        boxes = [patch for patch in axes.patches if patch.get_gid() == "edit"]
        assert [box.get_linestyle() for box in boxes] == ["--", "-"]
    marked = [[line for line in a.lines if line.get_gid() == "transmitter"] for a in maps]
    assert [len(lines) for lines in marked] == [2, 3, 3, 3]
    assert save_figure(figure, tmp_path / "p.png").stat().st_size > 10_000


def test_one_transmitter(twin):
    figure = plot_twin(twin, tx=2)
    before = next(axes for axes in figure.axes if axes.get_title() == "before")
    assert before.images[0].get_array().mask.all()  # it was not there
    with pytest.raises(OutOfRangeError, match="tx is 3"):
        plot_twin(twin, tx=3)


def test_first_build_is_its_map(twin):
    assert len([axes for axes in plot_twin(twin, 0).axes if axes.images]) == 1
