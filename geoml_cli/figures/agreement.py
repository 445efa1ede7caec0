"""Observed against predicted values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from geoml_cli.figures.style import BLACK, BLUE, panels, plain_log_ticks, with_unit

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_FEW = 400
"""Up to here single points can be distinguished; above, cells are counted."""
_CELLS = 45
_MARGIN = 0.03
_SHOWN = 0.998
_OUTLIERS = 1.5
"""Values beyond this many times the range of nearly all (`_SHOWN`) are left out of the axes, and counted."""


def agreement(
    observed_N: NDArray[np.float64], predicted_N: NDArray[np.float64], quantity: tuple[str, str], note: str
) -> Figure:
    """Draw predicted over observed values with the 1:1 line; a few outliers are counted, not drawn.

    Args:
        observed_N: Observed values.
        predicted_N: Predicted values.
        quantity: Name and unit of the target.
        note: Lines for the corner, the scores.
    """
    figure, [axis] = panels(5.4, 4.6)
    low, high = _range(observed_N, predicted_N)
    inside = (np.maximum(observed_N, predicted_N) <= high) & (np.minimum(observed_N, predicted_N) >= low)
    observed_N, predicted_N = observed_N[inside], predicted_N[inside]
    if outside := int((~inside).sum()):
        note += f"\n{outside} beyond the axes"
    if len(observed_N) <= _FEW:
        axis.scatter(observed_N, predicted_N, s=14, color=BLUE, alpha=0.6, linewidths=0)
    else:
        _count(axis, observed_N, predicted_N, (low, high))
    axis.plot([low, high], [low, high], color=BLACK, linewidth=1, linestyle="--")
    axis.text(0.93, 0.985, "1:1", transform=axis.transAxes, ha="right", va="top", rotation=45, fontsize=9)
    axis.set(xlim=(low, high), ylim=(low, high), aspect="equal")
    axis.set_xlabel("Observed " + with_unit(*quantity))
    axis.set_ylabel("Predicted " + with_unit(*quantity))
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
    bar = axis.figure.colorbar(cells, ax=axis, label="Samples per cell", shrink=0.8)
    plain_log_ticks(bar.ax.yaxis)


def _range(observed_N: NDArray[np.float64], predicted_N: NDArray[np.float64]) -> tuple[float, float]:
    both = np.concatenate([observed_N, predicted_N])
    low, high = -_bound(-both), _bound(both)
    margin = _MARGIN * (high - low) or 1.0
    return low - margin, high + margin


def _bound(values: NDArray[np.float64]) -> float:
    """Return the largest value, or where nearly all end if that lies far below it."""
    # Values that occur, not between two: next to an outlier, that would be an outlier itself.
    least, nearly_all = np.quantile(values, 1 - _SHOWN, method="higher"), np.quantile(values, _SHOWN, method="lower")
    most = values.max()
    far = most - least > _OUTLIERS * (nearly_all - least)
    return float(nearly_all if far and nearly_all > least else most)
