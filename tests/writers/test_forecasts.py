"""Files of forecasts: values, coordinates and calendar come back in xarray, and a CF checker has no complaint."""

from __future__ import annotations

import cf
import numpy as np
import pytest
import xarray as xr

from geoml_cli.dataset.grid import GridAxes, Step
from geoml_cli.dataset.variables import Variable
from geoml_cli.errors import SettingsError
from geoml_cli.writers.forecasts import Forecasts, write

LAT, LON = np.linspace(42, 40, 5), np.linspace(0, 3, 4)
VALUES = np.random.default_rng(0).random((1, 2, 3, 5, 4)).astype(np.float32)
VALUES[..., 1, 2] = np.nan
FLUX = Variable("fco2", "mol m-2 yr-1", "Sea-air CO2 flux")


def forecasts(*, regular=True, calendar="360_day", step="month", outputs=(FLUX,)):
    axes = GridAxes(LAT, LON) if regular else GridAxes(*np.meshgrid(LAT, LON, indexing="ij"))
    starts = np.array([15.0, 45.0])
    valid = starts[:, None] + 30.0 * np.arange(1, 4)
    attributes = {"title": "Forecasts", "run": "20260101-000000", "steps_beyond_training": "0"}
    return Forecasts(axes, starts, valid, "days since 2001-01-01", calendar, Step(kind=step), outputs, attributes)


def parts(values=VALUES):
    return [(slice(k, k + 1), values[:, k : k + 1]) for k in range(values.shape[1])]


def opened(path):
    return xr.open_zarr(path) if path.suffix == ".zarr" else xr.open_dataset(path)


@pytest.mark.parametrize("name", ["é out.nc", "out.zarr"])
@pytest.mark.parametrize("regular", [True, False])
def test_values_and_coordinates_come_back(tmp_path, name, regular):
    write(tmp_path / name, forecasts(regular=regular), parts())
    with opened(tmp_path / name) as file:
        dims = ("lat", "lon") if regular else ("y", "x")
        assert file.fco2.dims == ("forecast_reference_time", "lead_time", *dims) and file.fco2.dtype == np.float32
        np.testing.assert_array_equal(file.fco2.values, VALUES[0])
        assert [f"{time:%Y-%m-%d}" for time in file.forecast_reference_time.values] == ["2001-01-16", "2001-02-16"]
        assert f"{file.time.values[1, 2]:%Y-%m-%d}" == "2001-05-16" and file.time.values[0, 0].calendar == "360_day"
        assert file.lead_time.values.tolist() == [1, 2, 3] and file.fco2.attrs["units"] == "mol m-2 yr-1"
        assert {"time", "lat", "lon"} <= set(file.fco2.coords)
        expected = (LAT, LON) if regular else np.meshgrid(LAT, LON, indexing="ij")
        np.testing.assert_array_equal(file.lat.values, expected[0])
        np.testing.assert_array_equal(file.lon.values, expected[1])
        assert file.attrs["run"] == "20260101-000000" and "geoml predict" in file.attrs["history"]
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("regular", [True, False])
@pytest.mark.parametrize(
    ("step", "calendar"), [("month", "360_day"), ("month", "standard"), ("day", "noleap"), ("hour", "standard")]
)
def test_a_cf_checker_has_no_complaint(tmp_path, regular, step, calendar):
    write(tmp_path / "a.nc", forecasts(regular=regular, step=step, calendar=calendar), parts())
    found = cf.complaints(tmp_path / "a.nc", tmp_path)
    assert found["high"] == []
    # Recommended is to have lead times first; starts first is how forecasts are archived and appended.
    assert all("not in the recommended order" in text for text in found["medium"]), found["medium"]


def test_days_and_hours_are_durations(tmp_path):
    content = forecasts(step="day", calendar="standard")
    write(tmp_path / "a.nc", content, parts())
    with xr.open_dataset(tmp_path / "a.nc", decode_timedelta=True) as file:
        assert (file.lead_time.values / np.timedelta64(1, "D")).tolist() == [1, 2, 3]
        assert file.lead_time.attrs["standard_name"] == "forecast_period"


def test_several_outputs(tmp_path):
    spread = Variable("fco2_ensemble_std", "mol m-2 yr-1", "Standard deviation of the members")
    write(tmp_path / "a.nc", forecasts(outputs=(FLUX, spread)), parts(np.concatenate([VALUES, 2 * VALUES])))
    with xr.open_dataset(tmp_path / "a.nc") as file:
        np.testing.assert_array_equal(file.fco2_ensemble_std.values, 2 * VALUES[0])


def test_another_suffix_is_refused_and_nothing_half_written_stays(tmp_path):
    with pytest.raises(SettingsError, match=r"\.tif is not a forecast format\. Use \.nc, \.zarr"):
        write(tmp_path / "a.tif", forecasts(), parts())

    def failing():
        yield parts()[0]
        raise RuntimeError("stopped")

    for name in ("a.nc", "a.zarr"):
        with pytest.raises(RuntimeError, match="stopped"):
            write(tmp_path / name, forecasts(), failing())
        assert not (tmp_path / name).exists()
