"""Distributions of distances to the nearest sample."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from geoml_cli.figures.style import BLUE, GREEN, VERMILION, panels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLOURS = (GREEN, BLUE, VERMILION)
_STEPS = 2000
"""Of a line at most."""


def cumulative_distances(distances: Mapping[str, NDArray[np.float64]]) -> Figure:
    """Draw the share of places that lie no further than each distance, a line for each name.

    Args:
        distances: Up to three kinds of distances by name [km]; those of 0 lift the start of their line.
    """
    figure, [axis] = panels(6.0, 3.6)
    positive = np.concatenate([values[values > 0] for values in distances.values()])
    low, high = (positive.min(), positive.max()) if len(positive) else (0.1, 1.0)
    for (name, values), colour in zip(distances.items(), _COLOURS, strict=False):
        # More steps than a figure has pixels are not seen; with millions it takes half a minute.
        places = np.unique(np.linspace(0, len(values) - 1, min(len(values), _STEPS)).astype(np.int64))
        ordered, share = np.sort(values)[places], (places + 1) / len(values)
        axis.step(
            np.r_[low, np.maximum(ordered, low), high], np.r_[(values <= 0).mean(), share, 1], where="post",
            color=colour, label=name,
        )  # fmt: skip
    axis.set_xscale("log")
    axis.xaxis.set_major_formatter("{x:g}")
    axis.set_ylim(0, 1)
    axis.set_xlabel("Distance to the nearest [km]")
    axis.set_ylabel("Share of places [1]")
    axis.legend(frameon=False, fontsize=8)
    return figure
