"""HDF4: read where GDAL was built with it, which the wheels of rasterio are not; else refused with the reason."""

from __future__ import annotations

import numpy as np
import pytest
from grid_files import field, prepared

from geoml_cli.errors import DataError
from geoml_cli.readers import grid_hdf4

rasterio = pytest.importorskip("rasterio", reason="the extra raster is not installed")
MAGIC = b"\x0e\x03\x13\x01"


def built_with_hdf4() -> bool:
    with rasterio.Env() as environment:
        return "HDF4Image" in environment.drivers()


def write(folder, **profile):
    """Write two arrays a month, as GDAL calls them Band0 and Band1."""
    folder.mkdir()
    common = {"driver": "HDF4Image", "width": 4, "height": 3, "count": 2, "dtype": "float32", "RANK": 2}
    placed = {"crs": "EPSG:4326", "transform": rasterio.Affine(10, 0, 95, 0, -10, 35)}
    for month in range(4):
        with rasterio.open(folder / f"sst.2001{month + 1:02d}.hdf", "w", **common, **(profile or placed)) as file:
            for band in (1, 2):
                file.write(np.nan_to_num(field()[month] + np.float32(band - 1), nan=-9999.0), band)
    return folder


def test_without_the_driver_the_message_names_the_trap(tmp_path, monkeypatch):
    """HDF4 and HDF5 share a name and a suffix, and nothing else."""
    monkeypatch.setattr(grid_hdf4, "DRIVER", "no such driver")
    path = tmp_path / "A2003001.hdf"
    path.write_bytes(MAGIC + b" and more")
    for options in ({}, {"var": "poc_flux"}):
        with pytest.raises(
            DataError, match=r"A2003001\.hdf: is HDF4, another format than HDF5, and the GDAL \d"
        ) as found:
            prepared(path, **options)
        assert "libgdal-hdf4" in found.value.fix and "gdal_translate -a_srs EPSG:4326 -a_ullr" in found.value.fix
        assert "apt install gdal-bin" in found.value.fix and "gdalinfo FILE lists them from 0" in found.value.fix
        assert found.value.exit_code == 3


def test_hdf4_is_not_mixed_with_other_formats(tmp_path):
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "a.hdf").write_bytes(MAGIC + b" and more")
    (tmp_path / "raw" / "b.h5").write_bytes(b"\x89HDF\r\n\x1a\n and more")
    with pytest.raises(DataError, match=r"a\.hdf is HDF4, b\.h5 is not"):
        prepared(tmp_path / "raw")


@pytest.mark.parametrize(
    ("key", "text"), [("scale_factor", "0.0001"), ("scale_factor", "10000, 1"), ("add_offset", "2")]
)
def test_packed_numbers_are_refused(key, text):
    """NDVI of MODIS is divided by its scale_factor of 10000, its temperature is multiplied by 0.02."""
    with pytest.raises(DataError, match=rf"is packed \({key} = {text}\), and HDF4 products differ"):
        grid_hdf4._refuse_packed({"scale_factor": "1", "add_offset": "0.0", key: text}, "a.hdf")
    grid_hdf4._refuse_packed({"scale_factor": "1", "add_offset": "0.0"}, "a.hdf")


@pytest.mark.skipif(not built_with_hdf4(), reason="this GDAL is built without HDF4, as rasterio's wheels are")
class TestWithTheDriver:
    def test_an_array_of_monthly_files_is_read(self, tmp_path):
        dataset = prepared(write(tmp_path / "raw"), var="Band1", unit="degC")
        np.testing.assert_array_equal(dataset.array("Band1"), field() + np.float32(1))
        assert dataset.array("lat").tolist() == [30, 20, 10] and dataset.array("lon").tolist() == [100, 110, 120, 130]
        assert any("HDF4 has no checksums" in note for note in dataset.manifest.funnel.notes)

    def test_arrays_are_named(self, tmp_path):
        with pytest.raises(DataError, match="has several variables: Band0, Band1"):
            prepared(write(tmp_path / "raw"), var=None)
        with pytest.raises(DataError, match="has no variable sst; it has Band0, Band1"):
            prepared(tmp_path / "raw")

    def test_files_without_coordinates_are_refused(self, tmp_path):
        with pytest.raises(DataError, match=r"variable Band0: lies nowhere: GDAL finds no coordinates.*-a_ullr WEST"):
            prepared(write(tmp_path / "raw", nodata=-9999.0), var="Band0", unit="degC")

    def test_a_truncated_file_is_refused_by_name(self, tmp_path):
        folder = write(tmp_path / "raw")
        path = folder / "sst.200103.hdf"
        path.write_bytes(path.read_bytes()[:300])
        with pytest.raises(DataError, match=r"sst\.200103\.hdf"):
            prepared(folder, var="Band0", unit="degC")
