"""Pictures of both slicing studies, of made-up figures: a row for each knowledge, one legend."""

import pytest

from rtwin.experiments import plot_slicing
from rtwin.experiments.ahead.picture import PANELS, plot_gains
from rtwin.experiments.fidelity import NOBODY
from rtwin.experiments.table import COLUMNS, Figure, Row

pytest.importorskip("matplotlib")


def assert_rows(figure, names, legend):
    """Names stand at the left, the first above; the legend below explains what is drawn."""
    left = figure.axes[0]
    heights = dict(
        zip((t.get_text() for t in left.get_yticklabels()), left.get_yticks(), strict=True)
    )
    assert heights == {name: len(names) - 1 - n for n, name in enumerate(names)}
    assert left.get_ylim() == pytest.approx((-0.6, len(names) - 0.4))
    (key,) = figure.legends
    assert {text.get_text() for text in key.get_texts()} == legend
    for panel in figure.axes:
        assert not panel.spines["top"].get_visible()
        assert panel.get_axisbelow()


def points_of(panel):
    """Where a panel's points are, by the label of their series."""
    return {
        bars.get_label(): [tuple(map(float, at)) for at in bars.lines[0].get_xydata()]
        for bars in panel.containers
    }


def test_rows_of_a_slicing_study():
    def row(policy, knowledge, mean):
        return Row(policy, knowledge, dict.fromkeys(COLUMNS, Figure(mean, 0.1)))

    rows = [row("constant", NOBODY, 0.5)]
    rows += [row(policy, name, 0.2) for name in ("ray tracing", "kriging") for policy in "ab"]
    figure = plot_slicing(rows, "All of it")
    assert_rows(figure, ["ray tracing", "kriging"], {"a", "b", f"constant (knows {NOBODY})"})
    assert figure._suptitle.get_text() == "All of it"
    violations = points_of(figure.axes[0])
    assert {x for at in violations.values() for x, _ in at} == {20.0}  # per cent
    assert violations["a"][0][1] > 1 > violations["b"][0][1]  # side by side in the first row


def test_rows_of_reservations_ahead():
    def row(policy, knowledge, mean):
        return {"policy": policy, "decides on": knowledge} | dict.fromkeys(
            PANELS, Figure(mean, 0.1)
        )

    rows = [row("constant", "nothing", 0.0)]
    rows += [row("optimal", name, 3.0) for name in ("the world", "the last report")]
    figure = plot_gains(rows, "Ahead")
    assert_rows(figure, ["the world", "the last report"], {"optimal", "constant (knows nothing)"})
    assert points_of(figure.axes[0])["optimal"] == [(3.0, 1.0), (3.0, 0.0)]
