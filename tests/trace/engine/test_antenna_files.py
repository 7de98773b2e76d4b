"""Patterns from files in the tracer: against the engine's own patterns in tables."""

import numpy as np
import pytest

from rtwin.dataset import generate_radio_map, open_radio_map
from rtwin.errors import RecipeError
from rtwin.scene import recipe_from_dict
from rtwin.trace import Tracer, load_world, place
from rtwin.trace.engine.patterns import antenna_functions

from ...tables import plane_scene


def table_of(pattern, path, step=1.0):
    """The engine's pattern as a CSV of a whole sphere."""
    from rtwin.scene import Antenna
    from rtwin.trace import start_engine

    engine = start_engine()
    (function,) = antenna_functions(engine, Antenna(pattern=pattern), path.parent)
    zenith, azimuth = np.meshgrid(
        np.arange(0.0, 180.1, step), np.arange(-180.0, 180.0, step), indexing="ij"
    )
    c_theta, _ = function(
        engine.mi.Float(np.radians(zenith.ravel())), engine.mi.Float(np.radians(azimuth.ravel()))
    )
    amplitude = np.abs(engine.dr.real(c_theta).numpy()) + np.zeros(zenith.size)
    gain = 20 * np.log10(np.maximum(amplitude, 1e-10))
    rows = np.column_stack([zenith.ravel(), azimuth.ravel(), gain])
    np.savetxt(path, rows, "%.9g", ",", header="zenith_deg,azimuth_deg,gain_dbi", comments="")


def scene(folder, tx, rx):
    mast = {
        "name": "mast",
        "position_m": [0, 0, 10],
        "azimuth_deg": 30,
        "downtilt_deg": 7,
        "antenna": tx,
    }
    receivers = {"kind": "random", "count": 20, "area": [-25, -25, 25, 25], "antenna": rx}
    data = plane_scene(transmitter=[mast], receivers=receivers, solver={"rays": 5_000})
    data["radio_map"] = {"cell_size_m": 10.0, "rays": 40_000}
    return recipe_from_dict(data, "scene", folder)


@pytest.mark.parametrize("polarization", ["V", "cross"])
@pytest.mark.parametrize("pattern", ["tr38901", "hw_dipole"])
def test_a_table_of_a_pattern_is_the_pattern(tmp_path, pattern, polarization):
    table_of(pattern, tmp_path / "table.csv")
    found = []
    for name in (pattern, "table.csv"):
        recipe = scene(tmp_path, {"pattern": name, "polarization": polarization}, {})
        world = load_world(recipe)
        found.append(Tracer(world).trace(place(world)))
    np.testing.assert_array_equal(found[0].interactions, found[1].interactions)
    largest = np.abs(found[0].a).max()
    np.testing.assert_allclose(found[1].a, found[0].a, atol=2e-3 * largest)


def test_maps_know_it(tmp_path):
    table_of("tr38901", tmp_path / "table.csv")
    gains = []
    for name in ("tr38901", "table.csv"):
        file = tmp_path / f"{name}.h5"
        generate_radio_map(scene(tmp_path, {"pattern": name}, {}), file)
        gains.append(open_radio_map(file).path_gain)
    np.testing.assert_allclose(gains[1], gains[0], rtol=0.01)


def test_polarisation_out_of_the_file(tmp_path):
    rows = ["zenith_deg,azimuth_deg,gain_theta_dbi,gain_phi_dbi,phase_theta_deg,phase_phi_deg"]
    for zenith in range(0, 181, 10):
        for azimuth in range(-180, 180, 10):
            rows.append(f"{zenith},{azimuth},-200,0,0,90")
    (tmp_path / "across.csv").write_text("\n".join(rows))
    antenna = {"pattern": "across.csv", "polarization": "file"}
    world = load_world(scene(tmp_path, antenna, {"polarization": "VH"}))
    traced = Tracer(world).trace(place(world))
    flat = load_world(scene(tmp_path, {"polarization": "H"}, {"polarization": "VH"}))
    other = Tracer(flat).trace(place(flat))
    # H of the engine lies along phi, here a quarter turn later.
    np.testing.assert_allclose(traced.a, 1j * other.a, atol=1e-5 * np.abs(other.a).max())
    wrong = scene(tmp_path, {"pattern": "across.csv"}, {})
    with pytest.raises(RecipeError, match='polarization = "file"'):
        Tracer(load_world(wrong)).trace(place(load_world(wrong)))


def test_a_changed_file_is_another_request(tmp_path):
    table_of("tr38901", tmp_path / "table.csv", step=10.0)
    recipe = scene(tmp_path, {"pattern": "table.csv"}, {})
    one = generate_radio_map(recipe, tmp_path / "one.h5")
    before = open_radio_map(one).path_gain
    table_of("dipole", tmp_path / "table.csv", step=10.0)
    generate_radio_map(recipe, one, overwrite=True)
    assert np.abs(open_radio_map(one).path_gain / before - 1).max() > 0.1
