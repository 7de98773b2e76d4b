"""The picture of an antenna pattern, and the command that draws it."""

from typer.testing import CliRunner

from rtwin.cli.app import app

ROWS = ["cut,angle_deg,gain_dbi"] + [
    f"{cut},{angle},{-min(angle, 360 - angle) / 9}"
    for cut in ("horizontal", "vertical")
    for angle in range(0, 360, 5)
]


def test_antenna_command_describes_and_draws(tmp_path):
    (tmp_path / "sector.csv").write_text("\n".join(ROWS))
    picture = tmp_path / "sector.png"
    command = ["antenna", str(tmp_path / "sector.csv"), "-o", str(picture)]
    result = CliRunner().invoke(app, command, catch_exceptions=False)
    assert result.exit_code == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "peak_gain_dbi" in result.output
    assert "54.2" in result.output  # 3 dB at 27 degrees on each side
