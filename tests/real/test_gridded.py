"""Gridded files of providers: read, or refused with what is odd about them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import xarray as xr

from geoml_cli.dataset.grid import GridFacts
from geoml_cli.dataset.store import Dataset
from geoml_cli.errors import DataError
from geoml_cli.sources.grid.options import GridOptions
from geoml_cli.stages.prepare import Raw, prepare
from geoml_cli.work.reporting import NullReporter

RealData = Callable[[str], Path]


def prepared(path: Path, folder: Path, **options: object) -> Dataset:
    return Dataset(prepare(Raw("grid", path, GridOptions(**options)), folder / "grid", NullReporter()).folder)


def test_monthly_sea_surface_temperature(real_data: RealData, tmp_path: Path) -> None:
    """54 months of a band around the equator; 1e20 on land, longitudes from 0 to 360."""
    path = real_data("grids/ostia_monthly.nc")
    dataset = prepared(path, tmp_path, var="surface_temperature")
    values = dataset.array("surface_temperature")
    with netCDF4.Dataset(path) as file:
        file.set_auto_mask(False)
        raw = file["surface_temperature"][:]
        np.testing.assert_array_equal(dataset.array("lon"), file["longitude"][:].astype(float))
        np.testing.assert_array_equal(dataset.array("lat"), file["latitude"][:].astype(float))
    np.testing.assert_array_equal(values, np.where(raw == np.float32(1e20), np.nan, raw))
    np.testing.assert_array_equal(dataset.array("land"), (raw == np.float32(1e20)).all(axis=0))
    facts = dataset.manifest.facts_as(GridFacts)
    assert str(facts.step) == "month" and facts.calendar == "standard" and facts.unit == "K" and facts.regular
    assert len(dataset.array("time")) == 54 and dataset.manifest.funnel.kept == 54
    with xr.open_dataset(path) as raw_file, xr.open_dataset(dataset.folder / "dataset.nc") as written:
        np.testing.assert_array_equal(written.time.values, raw_file.time.values)


def test_anomalies_without_a_unit(real_data: RealData, tmp_path: Path) -> None:
    """One mean a winter; no unit and no `_FillValue`, but a `missing_value`."""
    path = real_data("grids/sst_ndjfm_anom.nc")
    with pytest.raises(DataError, match=r"variable sst has no unit.*--unit"):
        prepared(path, tmp_path)
    dataset = prepared(path, tmp_path, unit="K")
    assert str(dataset.manifest.facts_as(GridFacts).step) == "12 months"
    values = dataset.array("sst")
    assert values.shape == (50, 18, 30) and np.nanmax(np.abs(values)) < 10 and np.isnan(values).any()


def test_an_index_over_time_is_not_a_map(real_data: RealData, tmp_path: Path) -> None:
    path = real_data("grids/RMM1.observed.interannual.1974-06.2017-07.nc")
    with pytest.raises(DataError, match="has no variable on a grid of latitudes and longitudes; it holds rmm1, rmm2"):
        prepared(path, tmp_path)
    with pytest.raises(DataError, match=r"variable rmm1: has no latitude: dimensions \(time\)"):
        prepared(path, tmp_path, var="rmm1")


def test_one_month_of_an_ocean_model_on_a_curvilinear_grid(real_data: RealData, tmp_path: Path) -> None:
    """Its time_counter is zero and has no unit; another variable holds the time, in a calendar of 360 days."""
    path = real_data("grids/nemo_1m_20150101-20150201_grid-T.nc")
    with pytest.raises(DataError, match=r"there is one time step \(2015-01-16 .*times are those of time_centered"):
        prepared(path, tmp_path, var="tos")


def _two_months(path: Path, folder: Path, shifted: tuple[str, ...]) -> Path:
    folder.mkdir()
    for month in range(2):
        copy = folder / f"nemo_{month}.nc"
        copy.write_bytes(path.read_bytes())
        with netCDF4.Dataset(copy, "a") as file:
            for name in shifted:
                file[name][:] = file[name][:] + month * 30 * 86400
    return folder


def test_months_of_an_ocean_model(real_data: RealData, tmp_path: Path) -> None:
    """The same file again as the next month: one file a month, two-dimensional latitudes and longitudes are kept."""
    path = real_data("grids/nemo_1m_20150101-20150201_grid-T.nc")
    folder = _two_months(path, tmp_path / "raw", ("time_centered", "time_centered_bounds"))
    dataset = prepared(folder, tmp_path, var="tos")
    facts = dataset.manifest.facts_as(GridFacts)
    assert not facts.regular and facts.calendar == "360_day" and str(facts.step) == "month"
    with netCDF4.Dataset(path) as file:
        np.testing.assert_array_equal(dataset.array("lat"), file["nav_lat"][:].astype(float))
        np.testing.assert_array_equal(dataset.array("tos")[1], file["tos"][0].filled(np.nan))
    ocean = 3.62e14
    area = dataset.array("cell_area")[dataset.array("land") == 0].sum()
    assert abs(area / ocean - 1) < 0.03  # approximate areas of 1 degree cells


def test_a_month_whose_bounds_are_those_of_another_is_refused(real_data: RealData, tmp_path: Path) -> None:
    path = real_data("grids/nemo_1m_20150101-20150201_grid-T.nc")
    folder = _two_months(path, tmp_path / "raw", ("time_centered",))
    with pytest.raises(DataError, match=r"time 2015-02-16 .* lies outside its bounds, 2015-01-01") as error:
        prepared(folder, tmp_path, var="tos")
    assert "nemo_1.nc" in str(error.value.where)


def test_a_truncated_file_is_refused(real_data: RealData, tmp_path: Path) -> None:
    for name in ("ostia_monthly.nc", "sst_ndjfm_anom.nc"):
        content = real_data(f"grids/{name}").read_bytes()
        for share in (0.1, 0.5, 0.9, 0.999):
            (tmp_path / name).write_bytes(content[: int(share * len(content))])
            with pytest.raises(DataError, match=name):
                prepared(tmp_path / name, tmp_path, unit="K")
