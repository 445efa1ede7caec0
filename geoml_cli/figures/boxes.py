"""Scores of many stations, a notched box for each model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from geoml_cli.figures.style import BLUE, ORANGE, panels, plain, with_unit

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_FEWEST_NOTCHED = 6
"""With fewer stations the interval of the median is wider than the box, and the notch folds back."""


def are_notched(scores: Mapping[str, NDArray[np.float64]]) -> bool:
    """Return whether there are enough stations for notches."""
    return min(map(len, scores.values())) >= _FEWEST_NOTCHED


def notched_boxes(scores: Mapping[str, NDArray[np.float64]], quantity: tuple[str, str]) -> Figure:
    """Draw the scores of stations by model, the first of which is the network; notched where there are enough.

    Args:
        scores: By model, finite, one a station.
        quantity: Name and unit of the score.
    """
    figure, [axis] = panels(max(3.2, 1.1 * len(scores) + 1.4), 3.8)
    drawn = axis.boxplot(
        list(scores.values()),
        notch=are_notched(scores),
        widths=0.55,
        patch_artist=True,
        medianprops={"color": "black"},
        flierprops={"markersize": 3},
    )
    for place, box in enumerate(drawn["boxes"]):
        box.set_facecolor(BLUE if place == 0 else ORANGE)
        box.set_alpha(0.6)
    axis.set_xticks(range(1, len(scores) + 1), [plain(name) for name in scores], rotation=20)
    axis.set_ylabel(with_unit(*quantity))
    return figure
