"""Real exports of Earth Engine: where `.geo` stands, empty geometries, failed reducers and gaps."""

from __future__ import annotations

import numpy as np
import pytest

from geoml_cli.errors import DataError
from geoml_cli.readers.arrow_tables import open_arrow
from geoml_cli.sources.smap.calendar import days_of


def read(table, texts, numbers):
    blocks = list(table.blocks(texts, numbers))
    return {name: np.concatenate([block[name] for block in blocks]) for name in (*texts, *numbers)}


def test_geometry_with_commas_and_quotes_stands_first_or_last(real_data):
    first = open_arrow(real_data("gee/Balanced_Points_2025_Q1.csv"))
    last = open_arrow(real_data("gee/LandsatSitePull0.csv"))
    assert first.columns[0] == last.columns[-1] == ".geo"
    assert (read(first, (), ("Year",))["Year"] == 2025).all()
    values = read(last, ("SiteID",), ("max", "min"))
    assert len(values["SiteID"]) == 5000 and values["SiteID"][0] == "lagos-1"
    assert (values["max"][:3].tolist(), values["min"][:3].tolist()) == ([94.0, 85.0, 91.0], [5.0, 4.0, 5.0])


def test_an_empty_geometry_and_a_row_a_day(real_data):
    path = real_data("gee/Rainfall_Data_Export.csv")
    values = read(open_arrow(path), ("date",), ("precipitation",))
    day = days_of(np.char.replace(values["date"], "-", ""), path, "date")
    assert len(day) == 365 and (np.diff(day) == 1).all() and np.isfinite(values["precipitation"]).all()


def test_cloudy_days_are_empty_cells(real_data):
    table = open_arrow(real_data("gee/lst/Abra.csv"))
    values = read(table, ("date",), (table.column(("mean", "LST_Day_1km"), "LST"),))["LST_Day_1km"]
    known = values[np.isfinite(values)]
    assert 0.2 < 1 - len(known) / len(values) < 0.5
    assert 7500 <= known.min() and 250 < np.median(known) * 0.02 < 330  # the product's numbers, x 0.02 K


def test_a_failed_export_of_arrays_is_refused_by_name(real_data):
    table = open_arrow(real_data("gee/Bangladesh_VV_Histograms_2015_2025.csv"))
    with pytest.raises(DataError, match=r"Histograms_2015_2025\.csv: a cell holds an array, '\[\]'"):
        read(table, (), ("histogram_means",))
