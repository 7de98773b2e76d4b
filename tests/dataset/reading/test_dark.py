"""What is dark is said, with a reason that fits."""

import numpy as np

from rtwin.dataset import file_info, generate
from rtwin.dataset.reading.dark import darkness

from ...tables import WITH_A_DEAD_SPOT

ON = {"solver": {"diffraction": True, "max_depth": 3, "max_diffractions": 2}}


def test_nothing_is_said_where_nothing_is_dark():
    assert darkness(np.zeros((4, 2), bool), ON, "links") == ""


def test_diffraction_that_is_off_is_named_first():
    off = {"solver": {"diffraction": False}}
    said = darkness(np.array([[True], [False]]), off, "links")
    assert said.startswith("1 of 2 links (50 %) have no path: diffraction is off")
    assert "solver.diffraction = true, or --diffraction" in said
    assert darkness(np.array([[True]]), off, "links", option=False).endswith("in the recipe")
    rare = np.arange(3000).reshape(-1, 1) < 3
    assert darkness(rare, off, "links").startswith("3 of 3000 links (0.1 %) have no path")


def test_places_below_inside_and_cut_off_are_told_apart():
    dark = np.array([[True, True], [True, True], [True, False], [False, False]])
    said = darkness(dark, ON, "links", np.array([-1.0, 1.5, 1.5, 1.5]))
    assert said.startswith("5 of 8 links (62 %) have no path: 1 places lie below z = 0")
    assert "1 places have none to any transmitter" in said
    assert "1 are cut off from some transmitters: try more rays, more depth, or more than 2" in said


def test_files_say_it(two_boxes, tmp_path):
    recipe = two_boxes(receivers=WITH_A_DEAD_SPOT, solver={"max_depth": 1, "rays": 2_000})
    info = file_info(generate(recipe, tmp_path / "dark.h5"))
    assert info["num_links_without_path"] > 0
    assert info["dark"].startswith(f"{info['num_links_without_path']} of {info['num_links']} links")
