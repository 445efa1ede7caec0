"""Other rows of the same files are other data: a run refuses them."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from geoml_cli.dataset.manifest import read_manifest

DEPTHS = np.array([0.5, 10.25])


@pytest.fixture
def raw(tmp_path):
    time = xr.date_range("2001-01-15", periods=24, freq="MS", use_cftime=False)
    values = np.random.default_rng(1).normal(10, 1, (24, 2, 8, 12)).astype("f4") + DEPTHS[None, :, None, None]
    coords = {"time": time, "depth": DEPTHS, "lat": np.linspace(-5, 5, 8), "lon": np.linspace(100, 115, 12)}
    field = xr.DataArray(values.astype("f4"), coords, ("time", "depth", "lat", "lon"), attrs={"units": "degC"})
    path = tmp_path / "raw.nc"
    field.to_dataset(name="thetao").to_netcdf(path)
    return path


def digest(geoml, raw, folder, *options):
    done = geoml("prepare", "grid", raw, "--var", "thetao", "--data", folder, *options)
    assert done.code == 0, done.err
    return read_manifest(folder if (folder / "manifest.json").is_file() else folder / "grid").digest()


def test_another_period_region_or_depth_has_another_digest(geoml, raw, tmp_path):
    """All of them keep as many steps and cells of the same files."""
    choices = {
        "a": ("--select", "depth=0.5", "--end", "2001-12"),
        "period": ("--select", "depth=0.5", "--start", "2002-01"),
        "depth": ("--select", "depth=10.25", "--end", "2001-12"),
        "west": ("--select", "depth=0.5", "--end", "2001-12", "--crop", "99,-6,106,6"),
        "east": ("--select", "depth=0.5", "--end", "2001-12", "--crop", "109,-6,116,6"),
    }
    found = {name: digest(geoml, raw, tmp_path / name, *options) for name, options in choices.items()}
    assert len(set(found.values())) == len(found)
    assert digest(geoml, raw, tmp_path / "again", *choices["a"]) == found["a"]


def test_a_level_is_chosen_by_its_value(geoml, raw, tmp_path):
    for depth in DEPTHS:
        digest(geoml, raw, tmp_path / str(depth), "--select", f"depth={depth}")
        folder = tmp_path / str(depth)
        with xr.open_dataset(next(folder.rglob("dataset.nc"))) as found, xr.open_dataset(raw) as given:
            np.testing.assert_allclose(found.thetao.values, given.thetao.sel(depth=depth).values, rtol=1e-6)
    done = geoml("prepare", "grid", raw, "--var", "thetao", "--data", tmp_path / "no", "--select", "depth=5")
    assert done.code == 3 and "depth has no value 5; it has 0.5, 10.25" in done.err


def test_positions_of_a_curvilinear_grid_are_no_variables(geoml, tmp_path):
    y, x = np.mgrid[0:8, 0:12].astype("f8")
    file = xr.Dataset(
        {
            "sst": (("time", "y", "x"), np.random.default_rng(1).normal(10, 1, (3, 8, 12)).astype("f4")),
            "nav_lat": (("y", "x"), y, {"units": "degrees_north"}),
            "nav_lon": (("y", "x"), 100 + x, {"units": "degrees_east"}),
        },
        {"time": xr.date_range("2001-01-15", periods=3, freq="MS", use_cftime=False)},
    )
    file.sst.attrs |= {"units": "degC", "coordinates": "nav_lat nav_lon"}
    file.to_netcdf(tmp_path / "nemo.nc")
    done = geoml("prepare", "grid", tmp_path / "nemo.nc", "--data", tmp_path / "data")
    assert done.code == 0, done.err
