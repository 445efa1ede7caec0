"""How far probabilities can be believed, and what decisions they lead to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from geoml_cli.figures.style import BLACK, BLUE, SKY, panels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Values = NDArray[np.float64]


def decisions(curve: tuple[Values, Values, Values], counts: tuple[int, int, int, int], name: str) -> Figure:
    """Draw the reliability curve and the confusion matrix.

    Args:
        curve: By class of probability: its mean, the share that came true, its rows.
        counts: True positives, false positives, false negatives, true negatives.
        name: What was predicted.
    """
    figure, [left, right] = panels(9.0, 4.2, columns=2)
    predicted, observed, rows = curve
    left.bar(predicted, rows / rows.max(), width=0.06, color=SKY, alpha=0.5)
    left.plot([0, 1], [0, 1], color=BLACK, linewidth=1, linestyle="--")
    left.plot(predicted, observed, color=BLUE, marker="o", markersize=4)
    left.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
    left.set_xlabel(f"Predicted probability of {name}")
    left.set_ylabel("Share that came true")
    hit, alarm, miss, absent = counts
    cells = np.array([[hit, miss], [alarm, absent]])
    right.imshow(cells / np.maximum(cells.sum(axis=1, keepdims=True), 1), cmap="Blues", vmin=0, vmax=1.4)
    for (row, column), count in np.ndenumerate(cells):
        right.text(column, row, f"{count:,}", ha="center", va="center")
    right.set_xticks([0, 1], ["predicted", "not predicted"])
    right.set_yticks([0, 1], ["observed", "not observed"])
    return figure
