"""Names of transmitters stand at their own marks."""

import numpy as np
import pytest

from rtwin.plot.style import map_axes, mark_transmitters, new_figure

# Of the scene street_canyon, where a name fits between two masts.
MASTS = {"tx_1": [-33, 11, 9], "tx_2": [34, 12, 9], "tx_3": [24, 8, 9]}


@pytest.mark.parametrize("width", [6.0, 12.0])
def test_the_nearest_mark_of_a_name_is_its_own(width):
    figure = new_figure(width, 0.6 * width)
    axes = figure.subplots(2, 2).ravel()[0]
    axes.set(xlim=(-70, 70), ylim=(-40, 40))
    map_axes(axes)
    mark_transmitters(axes, MASTS, np.array(list(MASTS.values()), float))
    figure.canvas.draw()
    marks = axes.transData.transform([place[:2] for place in MASTS.values()])
    boxes = [text.get_window_extent() for text in axes.texts]
    for row, box in enumerate(boxes):
        low, high = np.array(box).reshape(2, 2)
        apart = np.linalg.norm(np.maximum(0, np.maximum(low - marks, marks - high)), axis=1)
        assert apart.argmin() == row
        assert np.delete(apart, row).min() > 5  # pixels: no other mark is hidden
        assert not any(box.overlaps(other) for other in boxes[row + 1 :])
