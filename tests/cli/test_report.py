"""What commands say while they work."""

from rtwin.cli import report


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
