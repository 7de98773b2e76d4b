"""A table of levels and a scene are a campaign."""

import sys
import tomllib

import numpy as np
import pytest

from rtwin.calibration import calibrate, campaign_toml, drive_campaign, load_campaign
from rtwin.calibration.campaign import read_measurements
from rtwin.cli import main
from rtwin.errors import CampaignError
from rtwin.scene import recipe_dict, recipe_from_dict

from ..tables import plane_scene, toml

MASTS = {"roof": (0.0, 0.0, 20.0), "tower": (300.0, 100.0, 25.0)}
PLACE = {
    "epsg": 32632,
    "origin_lat_deg": 50.0,
    "origin_lon_deg": 8.0,
    "origin_easting_m": 428333.552,
    "origin_northing_m": 5539109.816,
}


def scene(masts=MASTS, **more):
    table = plane_scene(size_m=1000.0) | more
    table["transmitter"] = [
        {"name": name, "position_m": list(place), "antenna": {"pattern": "hw_dipole"}}
        for name, place in masts.items()
    ]
    return recipe_from_dict(table, "plain")


def drive(file, names=("roof", "tower"), heading="Cell ID,x,y,SS-RSRP", num=120, **columns):
    """Levels of both masts over a plain, with shadow fading."""
    rng = np.random.default_rng(1)
    place = rng.uniform([-100, -100], [400, 200], (num, 2))
    lines = [heading]
    for name, mast in zip(names, MASTS.values(), strict=True):
        far = np.linalg.norm(np.c_[place, np.full(num, 1.5)] - mast, axis=1)
        level = -40 - 32 * np.log10(far) + rng.normal(0, 4.0, num)
        lines += [f"{name},{x:.2f},{y:.2f},{v:.1f}" for (x, y), v in zip(place, level, strict=True)]
    file.write_text("\n".join(lines))
    return file


def test_names_of_the_scene(tmp_path):
    file = drive(tmp_path / "drive.csv", names=("Roof", "tower"))
    plan, notes = drive_campaign(scene(), file)
    spec = plan.measurements
    assert (spec.value, spec.tx, spec.quantity) == ("SS-RSRP", "Cell ID", "rss_dbm")
    assert spec.cells == {"Roof": "roof"}
    assert not notes
    assert [tx.name for tx in plan.transmitter] == list(MASTS)
    assert plan.transmitter[1].pattern == "hw_dipole"
    assert len(read_measurements(plan)) == 240


def test_the_printed_file_is_the_campaign(tmp_path):
    plan, _ = drive_campaign(scene(), drive(tmp_path / "drive.csv"), noise_floor=-120.0)
    (tmp_path / "campaign.toml").write_text(campaign_toml(plan))
    again = load_campaign(tmp_path / "campaign.toml")
    assert again.model_dump() == plan.model_dump()
    assert again.measurements.noise_floor == -120.0


def test_cells_that_levels_tell_apart(tmp_path):
    plan, notes = drive_campaign(scene(), drive(tmp_path / "drive.csv", names=("202", "101")))
    assert plan.measurements.cells == {"202": "roof", "101": "tower"}
    assert len(notes) == 2
    assert "elsewhere" in notes[0]


def test_a_few_rows_of_strangers_are_set_aside(tmp_path):
    file = drive(tmp_path / "drive.csv", names=("202", "101"))
    file.write_text(file.read_text() + "\n377,10,10,-120" * 5)
    plan, notes = drive_campaign(scene(), file)
    assert plan.measurements.cells == {"202": "roof", "101": "tower"}
    assert "5 rows of cells 377 (5) are set aside" in notes[-1]


def test_cells_that_are_given(tmp_path):
    file = drive(tmp_path / "drive.csv", names=("17", "18"))
    plan, notes = drive_campaign(scene(), file, cells={"017": "tower"})
    assert plan.measurements.cells == {"17": "tower"}
    assert "120 rows of cells 18 (120) are set aside" in notes[0]


def test_places_in_other_units_are_told_before_cells_are_guessed(tmp_path):
    file = drive(tmp_path / "drive.csv", names=("202", "101"))
    head, *rows = file.read_text().splitlines()
    cells = [row.split(",") for row in rows]
    large = [f"{c},{1000 * float(x)},{1000 * float(y)},{v}" for c, x, y, v in cells]
    file.write_text("\n".join([head, *large]))
    with pytest.raises(CampaignError, match=r"outside of plain, .* units of the places \[m\]"):
        drive_campaign(scene(), file)


def test_a_doubt_is_an_error(tmp_path):
    # Ten rows are too few to tell.
    file = drive(tmp_path / "drive.csv", names=("1", "2"), num=10)
    with pytest.raises(CampaignError, match=r"cells 1 \(10\), 2 \(10\).* --cells 1=roof"):
        drive_campaign(scene(), file)
    near = {"roof": (0.0, 0.0, 20.0), "tower": (0.0, 0.0, 20.5)}
    file = drive(tmp_path / "drive.csv", names=("1", "2"))
    with pytest.raises(CampaignError, match="leave a doubt"):
        drive_campaign(scene(near), file)


def test_one_cell_of_one_mast(tmp_path):
    table = tmp_path / "drive.csv"
    table.write_text("pci,x,y,rsrp\n" + "7,10,10,-80\n" * 3)
    one = scene({"roof": (0.0, 0.0, 20.0)})
    assert drive_campaign(one, table).campaign.measurements.cells == {"7": "roof"}
    table.write_text("x,y,Path loss [dB]\n10,10,80\n")
    plan = drive_campaign(one, table).campaign
    assert (plan.measurements.tx, plan.measurements.quantity) == (None, "path_loss_db")


def test_places_on_earth(tmp_path):
    table = tmp_path / "drive.csv"
    table.write_text("Latitude;Longitude;RSRP\n50,0001;8,0002;-80,5\n")
    one = {"roof": (0.0, 0.0, 20.0)}
    with pytest.raises(CampaignError, match=r"plain has no \[georeference\]"):
        drive_campaign(scene(one), table)
    here = scene(one, georeference=PLACE)
    plan = drive_campaign(here, table).campaign
    data = read_measurements(plan, here.georeference)
    assert data.level_db.tolist() == [-80.5]
    assert data.position_m[0] == pytest.approx([14.33, 11.12, 1.5], abs=0.2)


@pytest.mark.parametrize(
    ("heading", "words"),
    [
        ("Cell ID,x,y,loud", "no column of levels is known; say which with --value"),
        ("Cell ID,here,there,rsrp", "no columns of positions are known"),
        ("mast,x,y,rsrp", "no column says whose level a row is.* --tx"),
    ],
)
def test_columns_that_nobody_knows(heading, words, tmp_path):
    with pytest.raises(CampaignError, match=words):
        drive_campaign(scene(), drive(tmp_path / "drive.csv", heading=heading))
    with pytest.raises(CampaignError, match="has no column 'level'"):
        drive_campaign(scene(), drive(tmp_path / "drive.csv"), value="level")
    with pytest.raises(CampaignError, match="no such file"):
        drive_campaign(scene(), tmp_path / "gone.csv")


def test_the_command(tmp_path, monkeypatch, capsys):
    drive(tmp_path / "drive.csv", heading="cell,x,y,level")
    (tmp_path / "plain.toml").write_text(toml(recipe_dict(scene())))
    monkeypatch.chdir(tmp_path)
    asked = []

    def stop(scene, campaign, output, **options):
        asked.append(campaign)
        sys.exit("asked")

    monkeypatch.setattr("rtwin.calibration.calibrate", stop)

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["rtwin", "calibrate", *words])
        with pytest.raises(SystemExit):
            main()
        return capsys.readouterr().err

    said = run("plain.toml", "drive.csv", "-o", "out", "--cells", "9=roof,tower=roof")
    printed = tomllib.loads(said)
    assert printed["measurements"]["value"] == "level"
    assert printed == asked[0].model_dump(mode="json", exclude_defaults=True)
    assert "--value is about a table" in run("plain.toml", "drive.toml", "-o", "o", "--value", "v")


def test_a_table_needs_a_scene(tmp_path):
    with pytest.raises(CampaignError, match="does not say where transmitters stand"):
        calibrate(None, drive(tmp_path / "drive.csv"), tmp_path / "out")
