"""Pattern files: what they hold, what they become, and what is wrong with bad ones."""

import numpy as np
import pytest

from rtwin.errors import RecipeError
from rtwin.scene import read_antenna, recipe_from_dict

from ..tables import plane_scene


def msi(path, gain="GAIN 15.0 dBi", tilt_deg=6.0, rows=360):
    """A sector of 65 degrees by 8, tilted down."""
    angle = np.arange(rows) * 360.0 / rows
    side = np.minimum(12 * (((angle + 180) % 360 - 180) / 65.0) ** 2, 25.0)
    below = (angle - tilt_deg + 180) % 360 - 180
    up = np.minimum(12 * (below / 8.0) ** 2, 25.0)
    lines = ["NAME Sector 65", "MAKE nobody", "FREQUENCY 3500", gain, "TILT ELECTRICAL"]
    for key, loss in (("HORIZONTAL", side), ("VERTICAL", up)):
        lines.append(f"{key} {rows}")
        lines += [f"{a:.1f} {value:.3f}" for a, value in zip(angle, loss, strict=True)]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_msi_keeps_both_cuts(tmp_path):
    pattern = read_antenna(msi(tmp_path / "sector.msi"))
    assert (pattern.name, pattern.frequency_hz) == ("Sector 65", 3.5e9)
    assert pattern.peak_gain_dbi == pytest.approx(15.0, abs=0.01)
    assert pattern.peak_direction_deg == (96.0, 0.0)  # six degrees below the horizon
    assert pattern.beamwidth_deg("vertical") == pytest.approx(8.0, abs=0.3)
    assert pattern.gain_at_dbi(90.0, 0.0) == pytest.approx(15.0 - 12 * (6 / 8) ** 2, abs=0.1)
    # Over the horizon the horizontal cut, less what the beam loses there.
    lost = pattern.gain_at_dbi(96.0, 0.0) - pattern.gain_at_dbi(96.0, 32.5)
    assert lost == pytest.approx(3.0, abs=1.5)


def test_azimuths_run_clockwise_in_msi(tmp_path):
    file = msi(tmp_path / "sector.msi")
    lines = file.read_text().splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("HORIZONTAL")) + 1
    lines[start + 40] = "40.0 0.0"  # a lobe to the right, seen from behind the antenna
    file.write_text("\n".join(lines))
    pattern = read_antenna(file)
    assert pattern.gain_at_dbi(90.0, -40.0) > pattern.gain_at_dbi(90.0, 40.0) + 3.0


def test_gain_over_a_dipole(tmp_path):
    over_dipole = read_antenna(msi(tmp_path / "a.msi", gain="GAIN 12.85 dBd"))
    unsaid = read_antenna(msi(tmp_path / "b.pln", gain="GAIN 12.85"))
    assert over_dipole.peak_gain_dbi == unsaid.peak_gain_dbi == pytest.approx(15.0, abs=0.01)


def sphere(path, step=5.0):
    """A short dipole along z with its own polarisation."""
    rows = ["zenith_deg,azimuth_deg,gain_theta_dbi,gain_phi_dbi,phase_theta_deg"]
    for zenith in np.arange(0.0, 180.1, step):
        for azimuth in np.arange(-180.0, 180.0, step):
            gain = 10 * np.log10(max(1.5 * np.sin(np.radians(zenith)) ** 2, 1e-12))
            rows.append(f"{zenith},{azimuth},{gain},-200,90")
    path.write_text("\n".join(rows))
    return path


def test_a_whole_sphere_loses_nothing(tmp_path):
    pattern = read_antenna(sphere(tmp_path / "dipole.csv", step=3.0))
    assert pattern.has_polarization
    assert pattern.efficiency == pytest.approx(1.0, abs=2e-3)
    assert pattern.peak_gain_dbi == pytest.approx(1.76, abs=0.01)
    assert pattern.beamwidth_deg("vertical") == pytest.approx(90.0, abs=0.5)
    assert np.isnan(pattern.beamwidth_deg("horizontal"))
    np.testing.assert_allclose(np.angle(pattern.theta[30]), np.pi / 2)
    np.testing.assert_array_equal(pattern.theta[:, 0], pattern.theta[:, -1])


def test_csv_of_cuts(tmp_path):
    rows = ["cut,angle_deg,gain_dbi"]
    for angle in range(0, 360, 10):
        rows += [f"horizontal,{angle},{-min(angle, 360 - angle) / 6}"]
        rows += [f"vertical,{angle},{3 if angle == 90 else -30 * (90 < angle < 270)}"]
    (tmp_path / "cuts.csv").write_text("\n".join(rows))
    pattern = read_antenna(tmp_path / "cuts.csv")
    assert pattern.gain_at_dbi(90.0, 90.0) == pytest.approx(-15.0, abs=0.1)
    assert pattern.gain_at_dbi(90.0, -90.0) == pytest.approx(-15.0, abs=0.1)
    assert pattern.gain_at_dbi(0.0, 0.0) == pytest.approx(3.0)
    assert pattern.gain_at_dbi(90.0, 180.0) == pytest.approx(-30.0)


BAD = {
    "none.txt": ("", "must end in"),
    "empty.msi": ("", "no cut"),
    "word.msi": (
        "GAIN loud\nHORIZONTAL 4\n0 0\n1 0\n2 0\n3 0\nVERTICAL 4\n0 0\n1 0\n2 0\n3 0",
        "GAIN is 'loud'",
    ),
    "short.msi": ("HORIZONTAL 360\n0 0\n", "short.msi:3: is ''; it must be an angle and a loss"),
    "turned.msi": ("HORIZONTAL 4\n0 0\n720.5 0\n", "turned.msi:3: 720.5 degrees, 0 dB are out"),
    "deaf.msi": ("HORIZONTAL 4\n0 0\n90 1001\n", "deaf.msi:3: 90 degrees, 1001 dB are out"),
    "flat.msi": (
        "GAIN 9\nHORIZONTAL 4\n0 0\n90 0\n180 0\n360 0\nVERTICAL 4\n0 0\n1 0\n2 0\n3 0",
        "horizontal cut has fewer than 4 directions",
    ),
    "huge.msi": ("HORIZONTAL 999999\n", "4 to 36000"),
    "half.csv": ("zenith_deg,azimuth_deg,gain_dbi\n0,0,1\n90,0,1\n", "whole sphere"),
    "loud.csv": ("zenith_deg,azimuth_deg,gain_dbi\n0,0,1e9\n", "at most 100"),
    "cut.csv": ("cut,angle_deg,gain_dbi\nslant,0,1\n", "horizontal or vertical"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_one_line(tmp_path, name):
    text, said = BAD[name]
    (tmp_path / name).write_text(text)
    with pytest.raises(RecipeError) as caught:
        read_antenna(tmp_path / name)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_four_directions_are_enough(tmp_path):
    cut = "0 0\n90 10\n180 20\n270 10\n"
    (tmp_path / "a.msi").write_text(f"GAIN 9 dBi\nHORIZONTAL 4\n{cut}VERTICAL 4\n{cut}")
    assert read_antenna(tmp_path / "a.msi").gain_at_dbi(90.0, 0.0) == pytest.approx(9.0)


def test_a_file_of_more_than_64_mib_is_not_read(tmp_path):
    with (tmp_path / "a.msi").open("wb") as file:
        file.truncate(64 * 2**20 + 1)
    with pytest.raises(RecipeError, match="is larger than 64 MiB"):
        read_antenna(tmp_path / "a.msi")


@pytest.mark.parametrize("pattern", ["isotropic", "../sector.msi", "/tmp/sector.msi", "a.txt"])
def test_a_recipe_names_known_patterns_or_files_of_its_folder(pattern):
    mast = {"name": "t", "position_m": [0, 0, 9], "antenna": {"pattern": pattern}}
    with pytest.raises(RecipeError, match=r"antenna\.pattern"):
        recipe_from_dict(plane_scene(transmitter=[mast]))
