"""Observed against predicted values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from geoml_cli.figures.style import BLACK, BLUE, panels, with_unit

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_FEW = 400
"""Up to here single points can be told apart; above, cells are counted."""
_CELLS = 45
_MARGIN = 0.03


def agreement(
    observed_N: NDArray[np.float64], predicted_N: NDArray[np.float64], quantity: tuple[str, str], note: str
) -> Figure:
    """Draw predicted over observed values with the 1:1 line.

    Args:
        observed_N: Observed values.
        predicted_N: Predicted values.
        quantity: Name and unit of the target.
        note: Lines for the corner, the scores.
    """
    figure, [axis] = panels(5.4, 4.6)
    low, high = _range(observed_N, predicted_N)
    if len(observed_N) <= _FEW:
        axis.scatter(observed_N, predicted_N, s=14, color=BLUE, alpha=0.6, linewidths=0)
    else:
        _count(axis, observed_N, predicted_N, (low, high))
    axis.plot([low, high], [low, high], color=BLACK, linewidth=1, linestyle="--", label="1:1")
    axis.set(xlim=(low, high), ylim=(low, high), aspect="equal")
    axis.set_xlabel("Observed " + with_unit(*quantity))
    axis.set_ylabel("Predicted " + with_unit(*quantity))
    axis.legend(loc="lower right", frameon=False)
    axis.text(
        0.03,
        0.97,
        note,
        transform=axis.transAxes,
        va="top",
        fontsize=9,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 2},
    )
    return figure


def _count(
    axis: Axes, observed_N: NDArray[np.float64], predicted_N: NDArray[np.float64], limits: tuple[float, float]
) -> None:
    cells = axis.hexbin(
        observed_N,
        predicted_N,
        gridsize=_CELLS,
        extent=(*limits, *limits),
        bins="log",
        mincnt=1,
        cmap="viridis",
        linewidths=0.1,
    )
    axis.figure.colorbar(cells, ax=axis, label="Samples per cell", shrink=0.8)


def _range(observed_N: NDArray[np.float64], predicted_N: NDArray[np.float64]) -> tuple[float, float]:
    both = np.concatenate([observed_N, predicted_N])
    margin = _MARGIN * float(np.ptp(both)) or 1.0
    return float(both.min()) - margin, float(both.max()) + margin
