"""A forecast at single cells: the band is the forecast and half the width of each lead time."""

from __future__ import annotations

import numpy as np

from geoml_cli.figures.cell_series import CellForecast, Interval, cell_series


def test_the_band_widens_with_lead_time_and_labels_are_not_crowded() -> None:
    steps = 24
    cell = CellForecast("1 degrees north, 2 east", np.zeros(steps), np.arange(steps) * 1.0)
    half = np.linspace(1, 3, steps)
    labels = [f"2010-{month:02d}" for month in range(steps)]
    figure = cell_series([cell, cell], labels, Interval("90 % prediction interval", half), ("sst", "K"))
    assert len(figure.axes) == 2 and figure.axes[0].get_ylabel() == "sst [K]"
    [band] = figure.axes[0].collections
    corners = band.get_paths()[0].vertices
    assert corners[:, 1].max() == steps - 1 + 3.0 and corners[:, 1].min() == -1.0
    assert len(figure.axes[0].get_xticks()) == 6
    [legend] = figure.legends
    assert [text.get_text() for text in legend.texts] == ["90 % prediction interval", "forecast", "observed"]


def test_without_intervals_there_is_no_band() -> None:
    cell = CellForecast("a", np.zeros(1), np.zeros(1))
    figure = cell_series([cell], ["2010-01"], None, ("x", ""))
    assert not figure.axes[0].collections and len(figure.axes[0].lines) == 2
