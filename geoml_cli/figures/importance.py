"""Which covariates a network leans on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from geoml_cli.figures.style import BLACK, BLUE, panels, plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN = 30
"""More bars cannot be read on a page; the others stand in metrics.json."""


def importance_bars(increase: Mapping[str, NDArray[np.float64]], error: str, *, ranked: bool = True) -> Figure:
    """Draw the increase of an error by covariate, with the range over members and repeats.

    Args:
        increase: By covariate, the increase in each member and repeat.
        error: Name and unit of the error.
        ranked: Put the largest on top; else the order is kept, as for the time steps of a window.
    """
    largest = sorted(increase, key=lambda name: float(increase[name].mean()), reverse=True)[:SHOWN]
    return _bars({name: increase[name] for name in (largest if ranked else increase)}, error)


def _bars(increase: Mapping[str, NDArray[np.float64]], error: str) -> Figure:
    ranked = list(increase)
    means = np.array([increase[name].mean() for name in ranked])
    below = means - np.array([increase[name].min() for name in ranked])
    above = np.array([increase[name].max() for name in ranked]) - means
    figure, [axis] = panels(6.0, 1.1 + 0.24 * len(ranked))
    places = np.arange(len(ranked))
    axis.barh(places, means, color=BLUE, height=0.7)
    axis.errorbar(means, places, xerr=[below, above], fmt="none", ecolor=BLACK, elinewidth=1, capsize=2)
    axis.axvline(0, color=BLACK, linewidth=0.8)
    axis.set_yticks(places, [plain(name) for name in ranked])
    axis.invert_yaxis()
    axis.set_xlabel(plain(f"Increase of {error} when shuffled"))
    return figure
