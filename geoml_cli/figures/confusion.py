"""Which classes are taken for which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from geoml_cli.figures.style import panels, plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DARK = 0.6
"""Shares from which a number is written in white."""
_NUMBERED = 12
"""More classes leave no room for numbers."""


def confusion_matrix(counts: NDArray[np.int64], names: Sequence[str]) -> Figure:
    """Draw the share of each observed class that was given each class.

    Args:
        counts: Rows by observed class (rows) and predicted class (columns).
        names: Of the classes, in this order.
    """
    side = 2.2 + 0.5 * len(names)
    figure, [axis] = panels(side, side)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axis.imshow(share, cmap="Blues", vmin=0, vmax=1)
    if len(names) <= _NUMBERED:
        for (row, column), value in np.ndenumerate(share):
            colour = "white" if value > _DARK else "black"
            axis.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=7, color=colour)
    places = np.arange(len(names))
    axis.set_xticks(places, [plain(name) for name in names], rotation=90)
    axis.set_yticks(places, [plain(name) for name in names])
    axis.set_xlabel("Predicted")
    axis.set_ylabel("Observed")
    return figure
