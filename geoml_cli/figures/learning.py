"""Loss over epochs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from geoml_cli.figures.style import BLACK, BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILION, panels, plain, plain_log_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLOURS = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, BLACK)
NAMED = len(_COLOURS)
"""More names than this share one grey: the spread is what can still be read."""


@dataclass(frozen=True)
class Curve:
    """A member's losses, NaN where none was taken.

    Attributes:
        name: The member, or its fold; curves of one name share a colour.
        epoch: Epochs, shape [E].
        train: Mean training loss of the epoch, [E].
        validation: Validation loss after it, [E].
    """

    name: str
    epoch: NDArray[np.float64]
    train: NDArray[np.float64]
    validation: NDArray[np.float64]


def learning_curves(curves: Sequence[Curve]) -> Figure:
    """Draw training and validation loss side by side, one line a curve, the best epoch marked."""
    from matplotlib.ticker import MaxNLocator

    figure, [left, right] = panels(7.6, 3.4, columns=2)
    names = list(dict.fromkeys(curve.name for curve in curves))
    many = len(names) > NAMED
    for curve in curves:
        colour = "0.45" if many else _COLOURS[names.index(curve.name)]
        _line(left, curve.epoch, curve.train, colour)
        _line(right, curve.epoch, curve.validation, colour)
        _mark_lowest(right, curve, colour)
    for axis, title in ((left, "Training"), (right, "Validation")):
        axis.set_title(title, loc="left", fontsize=10)
        axis.set_xlabel("Epoch")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    left.set_ylabel("Loss of the scaled target [1]")
    right.set_xlim(left.get_xlim())
    _share_height((left, right), curves)
    if not many:
        first = [next(k for k, curve in enumerate(curves) if curve.name == name) for name in names]
        right.legend([left.lines[k] for k in first], map(plain, names), frameon=False, fontsize=8)
    return figure


def _line(axis: Axes, epoch: NDArray[np.float64], loss: NDArray[np.float64], colour: str) -> None:
    taken = np.isfinite(loss)
    axis.plot(epoch[taken], loss[taken], color=colour, linewidth=1.2)


def _mark_lowest(axis: Axes, curve: Curve, colour: str) -> None:
    if np.isfinite(curve.validation).any():
        best = int(np.nanargmin(curve.validation))
        axis.plot(curve.epoch[best], curve.validation[best], "o", color=colour, markersize=4)


def _share_height(axes: Sequence[Axes], curves: Sequence[Curve]) -> None:
    losses = np.concatenate([part for curve in curves for part in (curve.train, curve.validation)])
    losses = losses[np.isfinite(losses)]
    if len(losses) == 0:
        return
    positive = bool(losses.min() > 0)
    margin = 0.05 * float(np.ptp(losses)) or 1.0
    low, high = (losses.min() * 0.9, losses.max() * 1.1) if positive else (-margin, margin)
    for axis in axes:
        if positive:
            axis.set_yscale("log")
            axis.set_ylim(low, high)
            plain_log_ticks(axis.yaxis)
        else:
            axis.set_ylim(losses.min() + low, losses.max() + high)
