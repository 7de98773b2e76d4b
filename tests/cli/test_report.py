"""What commands say while they work."""

import pytest

from rtwin.cli.terminal import report


def test_progress_without_a_terminal_is_a_line_now_and_then(monkeypatch, capsys):
    monkeypatch.setattr(report, "SECONDS_BETWEEN_LINES", 0.0)
    with report.progress_bar(quiet=False) as progress:
        progress("trace", 0, 4)
        progress("trace", 1, 4)
        progress("trace", 4, 4)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(",")[0] for line in lines] == [
        "Tracing links: 0 of 4",
        "Tracing links: 1 of 4",
    ]


def test_a_stage_that_comes_again_is_timed_anew(monkeypatch, capsys):
    clock = iter([0.0, 0.0, 100.0, 1000.0, 1010.0, 1011.0])
    monkeypatch.setattr(report.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(report, "SECONDS_BETWEEN_LINES", 0.0)
    with report.progress_bar(quiet=False) as progress:
        for done in (0, 2, 0, 1, 2):
            progress("fit", done, 3)
    lines = capsys.readouterr().err.splitlines()
    assert lines[1] == "Fitting: 2 of 3, at most about 50 s left"
    assert lines[3] == "Fitting: 1 of 3, at most about 20 s left"
    assert lines[4] == "Fitting: 2 of 3, about 1 s left"  # the first step compiled, too


def test_one_device_alone_is_not_named():
    row = {"name": "device", "rows": 224, "untrusted": 2, "off_db": 30.0}
    mast = {**row, "name": "mast"}
    ((who, says),) = report.not_believed({"by_transmitter": [mast], "by_device": [row]})
    assert (who, says) == ("  transmitter mast", "2 of 224 rows not believed, +30.0 dB off")
    other = {**row, "name": "other", "untrusted": 0}
    assert len(report.not_believed({"by_transmitter": [mast], "by_device": [row, other]})) == 2


def test_no_rows_are_nothing(capsys):
    report.print_rows([])
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("size", "says"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1024**2, "1.0 MiB"),
        (1.5 * 1024**3, "1.5 GiB"),
        (5000 * 1024**3, "5000.0 GiB"),
    ],
)
def test_sizes_change_their_unit_at_1024(size, says):
    assert report.human_bytes(size) == says


@pytest.mark.parametrize(("json", "quiet"), [(True, False), (False, True), (True, True)])
def test_whoever_wants_json_or_quiet_sees_no_progress(json, quiet, capsys, monkeypatch):
    monkeypatch.setattr(report, "SECONDS_BETWEEN_LINES", 0.0)
    with report.Talk(json=json, quiet=quiet).progress() as progress:
        progress("trace", 0, 4)
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "")
