"""Names, files and values are checked before the ray tracer starts: a slip costs no waiting."""

import sys

import pytest

from rtwin.cli import main
from rtwin.trace import start_engine

from ..tables import plane_scene, toml

CASES = {
    "an output of another kind": "generate plane.toml -o letter.txt",
    "an output in no folder": "generate plane.toml -o letter.txt/new.h5",
    "no such scene": "generate munch -o out.h5",
    "no such pattern": "generate plane.toml -o out.h5 --max-depth 99",
    "no such method": "radiomap plane.toml -o out.h5 --method rays",
    "no such calibration": "radiomap plane.toml -o out.h5 --calibration gone",
    "no such campaign": "radiomap plane.toml -o out.h5 --measurements gone",
    "no calibration for a discrepancy": "radiomap plane.toml -o out.h5 --discrepancy",
    "a picture of another kind": "render plane.toml -o out.jpg",
    "no such paths": "render plane.toml -o out.png --paths gone.h5",
    "no such map": "render plane.toml -o out.png --map gone.h5",
    "no pixels": "render plane.toml -o out.png --width 0",
    "no light": "render plane.toml -o out.png --samples 0",
    "a folder that is no twin": "twin plane.toml -o folder",
    "no such uncertainty": "twin plane.toml -o new.twin --uncertainty 0",
    "no such twin": "update gone.twin --edit news.toml",
    "no such dataset": "evaluate gone.h5 -o out.h5 --frequency 28GHz",
    "no such measurements": "calibrate plane.toml gone.toml -o out",
    "no such table": "calibrate plane.toml gone.csv -o out",
    "a table without levels": "calibrate plane.toml table.csv -o out",
    "a result over a letter": "calibrate plane.toml table.csv -o letter.txt --value loud",
    "a page of another kind": "view plane.toml -o out.txt",
    "no file to view": "view gone.h5 -o out.html",
    "no tracks": "sample gone.h5 gone.csv -o out.h5",
}


@pytest.fixture
def no_engine(monkeypatch):
    start_engine.cache_clear()
    for name in ("mitsuba", "drjit", "sionna", "sionna.rt"):
        monkeypatch.setitem(sys.modules, name, None)
    yield
    start_engine.cache_clear()


@pytest.mark.parametrize("command", CASES.values(), ids=CASES)
def test_the_engine_is_not_started_for_a_slip(command, no_engine, monkeypatch, tmp_path, capsys):
    (tmp_path / "plane.toml").write_text(toml(plane_scene()))
    (tmp_path / "letter.txt").write_text("dear")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "letter.txt").write_text("dear")
    (tmp_path / "table.csv").write_text("x,y,loud\n1,1,-80\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["rtwin", *command.split()])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr().err
    assert ended.value.code in (1, 2)
    assert "EngineError" not in said
    assert len(said.splitlines()[-1]) > 20
