"""Where predictions are too high and where too low."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from geoml_cli.figures.style import panels, with_unit

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SHOWN = 0.98
"""Share of residuals inside the colour range; a few outliers would leave the rest pale."""
_LARGE, _SMALL = 22.0, 5.0
_DOTS = 3000.0
MANY = 20_000
"""Places from which on dots would cover each other; the largest residuals would hide all others."""
CELLS = 200
"""Across and along a map of so many."""


def residual_map(place_N2: NDArray[np.float64], residual_N: NDArray[np.float64], quantity: tuple[str, str]) -> Figure:
    """Draw residuals (predicted minus observed) at their places; of more than `MANY`, the mean of each cell.

    Args:
        place_N2: Longitude and latitude [degrees east, north], finite.
        residual_N: In the target's unit.
        quantity: Name and unit of the target.
    """
    figure, [axis] = panels(6.4, 4.6)
    if len(residual_N) > MANY:
        place_N2, residual_N = _averaged(place_N2, residual_N)
    limit = float(np.quantile(np.abs(residual_N), _SHOWN)) or 1.0
    # The largest residuals are drawn last: they are what the map is for.
    order = np.argsort(np.abs(residual_N))
    dots = axis.scatter(
        place_N2[order, 0],
        place_N2[order, 1],
        c=residual_N[order],
        s=float(np.clip(_DOTS / len(residual_N), _SMALL, _LARGE)),
        cmap="PuOr",
        vmin=-limit,
        vmax=limit,
        edgecolors="0.4",
        linewidths=0.2,
    )
    label = "Predicted - observed " + with_unit(*quantity)
    figure.colorbar(dots, ax=axis, label=label, extend="both", shrink=0.85)
    axis.set_facecolor("0.96")
    axis.set_xlabel("Longitude [degrees east]")
    axis.set_ylabel("Latitude [degrees north]")
    # One kilometre is as long to the east as to the north, at the mean latitude; poles have no such ratio.
    axis.set_aspect(1 / max(float(np.cos(np.radians(place_N2[:, 1].mean()))), 0.1), adjustable="datalim")
    return figure


def _averaged(
    place_N2: NDArray[np.float64], residual_N: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean place and mean residual of the places in each of `CELLS` x `CELLS` cells that hold some."""
    low, high = place_N2.min(axis=0), place_N2.max(axis=0)
    share_N2 = (place_N2 - low) / np.where(high > low, high - low, 1.0)
    column_N, row_N = np.minimum((share_N2 * CELLS).astype(np.int64), CELLS - 1).T
    _, cell_N, count = np.unique(row_N * CELLS + column_N, return_inverse=True, return_counts=True)
    east, north, residual = (
        np.bincount(cell_N.reshape(-1), weights=values) / count for values in (*place_N2.T, residual_N)
    )
    return np.stack([east, north], axis=1), residual
