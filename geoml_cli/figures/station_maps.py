"""Scores of stations on the map, a panel for each score."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from geoml_cli.figures.style import panels, with_unit

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLUMNS = 3
_SHOWN = (0.02, 0.98)
"""Quantiles of the scores inside the colour range."""


def station_maps(
    place_S2: NDArray[np.float64], scores: Mapping[str, NDArray[np.float64]], units: Mapping[str, str]
) -> Figure:
    """Draw the scores of stations at their places.

    Args:
        place_S2: Longitude and latitude [degrees east, north], finite.
        scores: By name, NaN where a station has none; grey then.
        units: By name; empty for none.
    """
    columns = min(len(scores), _COLUMNS)
    rows = -(-len(scores) // columns)
    figure, axes = panels(3.7 * columns, 3.2 * rows, columns, rows)
    for axis in axes[len(scores) :]:
        axis.set_visible(False)
    for axis, (name, values_S) in zip(axes, scores.items(), strict=False):
        known = np.isfinite(values_S)
        low, high = np.quantile(values_S[known], _SHOWN) if known.any() else (0.0, 1.0)
        axis.scatter(place_S2[~known, 0], place_S2[~known, 1], c="0.8", s=14)
        dots = axis.scatter(
            place_S2[known, 0],
            place_S2[known, 1],
            c=values_S[known],
            s=22,
            cmap="viridis",
            vmin=float(low),
            vmax=float(high) if high > low else float(low) + 1.0,
            edgecolors="0.3",
            linewidths=0.3,
        )
        figure.colorbar(dots, ax=axis, label=with_unit(name, units[name]), shrink=0.85)
        axis.set_facecolor("0.96")
        axis.set_xlabel("Longitude [degrees east]")
        axis.set_ylabel("Latitude [degrees north]")
    return figure
