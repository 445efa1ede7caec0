"""Maps as Cloud Optimized GeoTIFF: layout, overviews, descriptions and units; the values are those that were given."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio

from geoml_cli.dataset.variables import Variable
from geoml_cli.samples.input import Grid
from geoml_cli.writers import raster
from geoml_cli.writers.map import Map

ROOT = Path(raster.__file__).parents[2]
DEGREES, UTM = "EPSG:4326", "EPSG:32634"
BANDS = (
    Variable("soc", "%", "soc, mean of 5 members"),
    Variable("soc_lower", "%", "lower bound of the 90 % prediction interval of soc, " * 3, title="soc lower 90 %"),
    Variable("cover", "1", "likeliest class: 1 tree, 9 water", classes={1: "tree", 9: "water"}),
)


def content_of(shape, crs=UTM, tile=256):
    transform = (250.0, 0.0, 5e5, 0.0, -250.0, 4.6e6) if crs == UTM else (0.01, 0.0, 20.0, 0.0, -0.01, 43.0)
    return Map(Grid(crs, transform, *shape), BANDS, tile, {"run_id": "soc/map/1"})


def values_of(shape):
    random = np.random.default_rng(2)
    values = random.normal(size=(3, *shape)).astype(np.float32)
    values[2] = random.choice([1, 9], size=shape)
    values[:, : shape[0] // 5] = np.nan
    return values


def parts_of(values, side):
    for top in range(0, values.shape[1], side):
        for left in range(0, values.shape[2], side):
            rows, columns = slice(top, top + side), slice(left, left + side)
            part = values[:, rows, columns]
            yield slice(top, top + part.shape[1]), slice(left, left + part.shape[2]), part


@pytest.mark.parametrize("crs", [UTM, DEGREES])
def test_a_map_is_cloud_optimized_and_keeps_its_values(tmp_path, crs):
    values, path = values_of((700, 1301)), tmp_path / "soc é.tif"
    raster.write(path, content_of((700, 1301), crs), parts_of(values, 256))
    with rasterio.open(path) as file:
        np.testing.assert_array_equal(file.read(), values)
        assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert file.block_shapes == [(512, 512)] * 3 and file.profile["compress"] == "deflate"
        assert [file.overviews(number) for number in (1, 2, 3)] == [[2, 4]] * 3
        assert file.descriptions == ("soc [%]", "soc lower 90 % [%]", "cover") and file.units == ("%", "%", "1")
        assert file.tags(2)["long_name"] == BANDS[1].long_name and file.tags(2)["name"] == "soc_lower"
        assert file.tags(3)["classes"] == "1 tree, 9 water" and file.tags()["run_id"] == "soc/map/1"
        assert file.crs.to_epsg() == int(crs[5:]) and np.isnan(file.nodata)
    assert [found.name for found in tmp_path.iterdir()] == [path.name]


def test_overviews_hold_means_of_quantities_and_codes_of_classes(tmp_path):
    values = values_of((700, 1300))
    raster.write(tmp_path / "map.tif", content_of((700, 1300)), parts_of(values, 256))
    with rasterio.open(tmp_path / "map.tif", overview_level=0) as file:
        soc, _, cover = file.read()
    np.testing.assert_allclose(
        soc[70:], values[0, 140:].reshape(280, 2, 650, 2).mean(axis=(1, 3)), rtol=1e-4, atol=1e-6
    )
    assert np.isnan(soc[:70]).all()
    np.testing.assert_array_equal(cover, values[2, ::2, ::2])
    with rasterio.open(tmp_path / "map.tif", overview_level=1) as file:
        np.testing.assert_array_equal(file.read(3), values[2, ::4, ::4])


def test_a_file_is_the_same_whatever_number_of_threads_packs_it(tmp_path, monkeypatch):
    values = values_of((700, 1300))
    for threads in ("1", "4"):
        monkeypatch.setenv("GDAL_NUM_THREADS", threads)
        raster.write(tmp_path / f"{threads}.tif", content_of((700, 1300)), parts_of(values, 256))
    assert (tmp_path / "1.tif").read_bytes() == (tmp_path / "4.tif").read_bytes()


_LIMITED = """
import resource, sys
sys.dont_write_bytecode = True  # it would be cut short for those who come after
from pathlib import Path
from geoml_cli.errors import DiskError
from geoml_cli.writers import raster
from test_geotiff import content_of, parts_of, values_of
out, limit = Path(sys.argv[1]), int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    raster.write(out, content_of((1300, 1300)), parts_of(values_of((1300, 1300)), 256))
except DiskError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no limit of a file's size")
@pytest.mark.parametrize("mebibytes", [20, 28, 30, 33, 35])
def test_a_disk_that_is_full_before_the_overviews_are_written_is_said(tmp_path, mebibytes):
    """GDAL writes the last blocks of a file when it closes it, and loses their errors: the overviews would be empty."""
    out = tmp_path / "map.tif"
    paths = {"PYTHONPATH": os.pathsep.join(map(str, (ROOT, Path(__file__).parent)))}
    command = [sys.executable, "-c", _LIMITED, str(out), str(mebibytes << 20)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, **paths})
    assert "map.tif" in done.stdout and "could not be written" in done.stdout, done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("shape", [(1, 1), (3, 40), (40, 600)])
def test_maps_of_any_size(tmp_path, shape):
    values = values_of(shape)
    raster.write(tmp_path / "map.tif", content_of(shape, tile=16), parts_of(values, 16))
    with rasterio.open(tmp_path / "map.tif") as file:
        np.testing.assert_array_equal(file.read(), values)
        assert bool(file.overviews(1)) == (max(shape) > 512)


def test_a_failure_leaves_the_earlier_map_and_nothing_else(tmp_path):
    def broken():
        yield next(parts_of(values_of((40, 40)), 16))
        raise RuntimeError("the chunk is damaged")

    (tmp_path / "map.tif").write_bytes(b"earlier")
    with pytest.raises(RuntimeError, match="damaged"):
        raster.write(tmp_path / "map.tif", content_of((40, 40), tile=16), broken())
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"earlier"]


def test_the_room_that_a_map_takes_on_disk_is_known_before(tmp_path):
    values = values_of((900, 700))
    raster.write(tmp_path / "map.tif", content_of((900, 700)), parts_of(values, 256))
    assert (tmp_path / "map.tif").stat().st_size <= values.nbytes * raster.copies(tmp_path / "map.tif") / 2
    assert raster.copies(tmp_path / "map.nc") == 1
