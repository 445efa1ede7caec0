"""Scores of forecasts of maps: by lead time, by start time, by cell, and spectra."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from geoml_cli.figures.style import BLACK, BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILION, panels, plain, with_unit

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Values = NDArray[np.float64]
_COLOURS = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION)
_MOST_STARTS = 40
"""Labels of start times that a heat map has room for."""
_SHOWN = 0.98
"""Share of cells inside the colour range; a few cells would leave the rest pale."""


def by_lead_time(scores: Mapping[str, Values], score: str, unit: str, step: str) -> Figure:
    """Draw a score over lead time, a line for each model; the first is the network, drawn thicker."""
    figure, [axis] = panels(6.4, 4.2)
    for place, (model, value_L) in enumerate(scores.items()):
        leads = np.arange(1, len(value_L) + 1)
        colour = _COLOURS[place % len(_COLOURS)]
        axis.plot(leads, value_L, marker="o", color=colour, label=plain(model), linewidth=2.4 if place == 0 else 1.2)
    axis.set_xlabel(f"Lead time [{step}]")
    axis.set_ylabel(with_unit(score, unit))
    axis.set_xticks(range(1, max(map(len, scores.values())) + 1))
    axis.legend(frameon=False)
    return figure


def start_by_lead(rmse_NL: Values, starts: Sequence[str], unit: str, step: str) -> Figure:
    """Draw the error of every forecast, start times down and lead times to the right."""
    figure, [axis] = panels(5.2, float(np.clip(1.2 + 0.22 * len(starts), 2.6, 9.0)))
    image = axis.imshow(rmse_NL, aspect="auto", cmap="viridis", interpolation="nearest")
    axis.set_xticks(range(rmse_NL.shape[1]), [str(lead + 1) for lead in range(rmse_NL.shape[1])])
    every = -(-len(starts) // _MOST_STARTS)
    axis.set_yticks(range(0, len(starts), every), [plain(text) for text in starts[::every]])
    axis.set_xlabel(f"Lead time [{step}]")
    axis.set_ylabel("First forecast time step")
    figure.colorbar(image, ax=axis, label=with_unit("RMSE", unit))
    return figure


def cell_maps(maps: Mapping[str, Values], score: str, unit: str) -> Figure:
    """Draw a score of every cell, a panel for each model under the same colours; land stays grey."""
    figure, axes = panels(3.2 + 3.6 * len(maps), 3.8, len(maps))
    known = np.concatenate([values[np.isfinite(values)] for values in maps.values()])
    highest = float(np.quantile(known, _SHOWN)) if len(known) else 1.0
    image = None
    for axis, (model, values) in zip(axes, maps.items(), strict=True):
        axis.set_facecolor("0.8")
        image = axis.imshow(values, cmap="viridis", vmin=0, vmax=highest, aspect="auto", interpolation="nearest")
        axis.set_title(plain(model))
        axis.set_xticks([])
        axis.set_yticks([])
    assert image is not None, "at least one model"
    figure.colorbar(image, ax=axes, label=with_unit(score, unit), extend="max")
    return figure


def power_spectra(power: Mapping[str, Values], observed: Values, lead: int, step: str) -> Figure:
    """Draw the power spectra [F] of models and of the observation at one lead time."""
    figure, [axis] = panels(6.4, 4.2)
    numbers = np.arange(1, len(observed) + 1)
    axis.loglog(numbers, observed, color=BLACK, linewidth=2.0, label="observed")
    for place, (model, value_F) in enumerate(power.items()):
        drawn = np.where(value_F > 0, value_F, np.nan)  # a climatology has no anomaly
        if np.isfinite(drawn).any():
            axis.loglog(numbers, drawn, color=_COLOURS[place % len(_COLOURS)], linewidth=1.2, label=plain(model))
    axis.set_xlabel("Wavenumber [waves over the longer side]")
    axis.set_ylabel("Power of scaled anomalies [1]")
    axis.set_title(f"Lead time {lead} {step}")
    axis.legend(frameon=False)
    return figure
