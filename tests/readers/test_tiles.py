"""Tiles of one export that do not agree are refused: they are read by what the first says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.enums import ColorInterp

from geoml_cli.errors import DataError
from geoml_cli.readers.mosaics import RasterFile, put_together
from geoml_cli.readers.raster_files import bands
from geoml_cli.readers.rasters import Band, Raster

Write = Callable[..., Path]
RAMP = (np.arange(20)[:, None] * 100 + np.arange(30)[None, :]).astype(np.float32)
TWO = np.stack([RAMP, RAMP + 1])
EAST = Affine(0.1, 0, 21.6, 0, -0.1, 10)
FIRST = "evi-0000000000-0000000000.tif"


def write(raster: Write, folder: Path, values: np.ndarray, west: dict[str, Any], east: dict[str, Any]) -> RasterFile:
    """Write two tiles, cut at column 16."""
    for column, part, given in ((0, values[..., :16], west), (16, values[..., 16:], east)):
        given = dict(given)
        unit, part = given.pop("unit", None), given.pop("values", lambda part: part)(part)
        path = raster(
            folder / f"evi-0000000000-{column:010d}.tif",
            part,
            **({"transform": Affine(0.1, 0, 20 + 0.1 * column, 0, -0.1, 10)} | given),
        )
        if unit:
            with rasterio.open(path, "r+") as file:
                file.units = [unit] * file.count
    (whole,) = put_together(sorted(folder.iterdir()))
    return whole


def everything(whole: RasterFile, index: int = 1) -> np.ndarray:
    raster = Raster(Band(whole, "evi", index))
    return raster.read(slice(0, raster.grid.height), slice(0, raster.grid.width))


@pytest.mark.parametrize("with_table", [True, False])
def test_tiles_of_classes_keep_their_colours(tmp_path: Path, raster: Write, with_table: bool) -> None:
    """Such as land cover of Earth Engine; a palette may lack its table."""
    classes = (RAMP % 7).astype("uint8")
    own = {"colours": {code: (40 * code, 255 - 30 * code, 9, 255) for code in range(7)}} if with_table else {}
    whole = write(raster, tmp_path / "tiles", classes, own, own)
    if not with_table:
        for path in (tmp_path / "tiles").iterdir():
            with rasterio.open(path, "r+") as file:
                file.colorinterp = [ColorInterp.palette]
    np.testing.assert_array_equal(everything(whole), classes)
    assert Raster(Band(whole, "cover", 1)).named_classes


DISAGREEING: dict[str, tuple[np.ndarray, dict[str, Any], dict[str, Any], str]] = {
    "scale": (RAMP, {"scale": 0.1}, {"scale": 0.01}, "the scale is 0.01, and 0.1 in the tile"),
    "offset": (RAMP, {"offset": 5.0}, {}, "the offset is 0, and 5 in the tile"),
    "no-data value": (RAMP, {"nodata": -1}, {"nodata": -2}, "the no-data value is -2, and -1 in the tile"),
    "no-data value of one": (RAMP, {}, {"nodata": np.nan}, "the no-data value is nan, and not given in the tile"),
    "description": (TWO, {"names": ["x", "y"]}, {"names": ["y", "x"]},
                    "the description of band 1 is y, and x in the tile"),
    "unit": (RAMP, {"unit": "m"}, {"unit": "cm"}, "the unit is cm, and m in the tile"),
    "number of bands": (TWO, {}, {"values": lambda part: part[:1]}, "the number of bands is 1, and 2 in the tile"),
    "data type": (RAMP, {}, {"values": lambda part: part.astype("int16")}, "the data type is int16, and float32 in"),
    "CRS": (RAMP, {}, {"crs": "EPSG:4258"}, "the CRS is EPSG:4258, and EPSG:4326 in the tile"),
    "pixel size": (RAMP, {}, {"transform": EAST @ Affine.scale(0.5)},
                   r"the pixel size is \(0\.05, -0\.05\), and \(0\.1, -0\.1\) in the tile"),
    "pixel size, south-up": (RAMP, {}, {"transform": EAST @ Affine.scale(1, -1)},
                             r"the pixel size is \(0\.1, 0\.1\), and \(0\.1, -0\.1\) in the tile"),
}  # fmt: skip


@pytest.mark.parametrize("case", DISAGREEING)
def test_tiles_that_disagree_are_refused_and_read_once_they_agree(raster: Write, tmp_path: Path, case: str) -> None:
    values, west, east, message = DISAGREEING[case]
    whole = write(raster, tmp_path, values, west, east)
    with pytest.raises(DataError, match=message) as caught:
        bands(whole)
    name = case.partition(" of one")[0].partition(",")[0]
    assert caught.value.where == str(tmp_path / "evi-0000000000-0000000016.tif")
    assert caught.value.what.endswith(f"in the tile {FIRST}")
    assert caught.value.fix.endswith(f"write all of them with the same {name}.")
    scale, offset = west.get("scale", 1.0), west.get("offset", 0.0)
    np.testing.assert_allclose(everything(write(raster, tmp_path, values, west, west | {"transform": EAST})),
                               RAMP * scale + offset, rtol=1e-6)  # fmt: skip


def test_tiles_agree_in_other_words(raster: Write, tmp_path: Path) -> None:
    nodata = {"nodata": np.nan}
    holes = np.where(RAMP == 1205, np.nan, RAMP).astype("float32")
    whole = write(raster, tmp_path / "nan", holes, nodata | {"unit": "m"}, nodata | {"unit": "metre"})
    np.testing.assert_array_equal(everything(whole), holes)
    rounded = write(raster, tmp_path / "rounded", RAMP, {"nodata": -3.4028234663852886e38}, {"nodata": -3.4028235e38})
    np.testing.assert_array_equal(everything(rounded), RAMP)
    near = Affine(0.1000001, 0, 21.6001, 0, -0.1, 10.0002)
    np.testing.assert_array_equal(everything(write(raster, tmp_path / "near", RAMP, {}, {"transform": near})), RAMP)


def test_a_unit_in_a_tag_is_that_of_the_raster(raster: Write, tmp_path: Path) -> None:
    whole = write(raster, tmp_path, RAMP, {}, {})
    for path, unit in zip(sorted(tmp_path.iterdir()), ("m", "cm"), strict=True):
        with rasterio.open(path, "r+") as file:
            file.update_tags(1, units=unit)
    with pytest.raises(DataError, match="the unit is cm, and m in the tile"):
        bands(whole)
    with rasterio.open(path, "r+") as file:
        file.update_tags(1, units="m")
    assert Raster(Band(whole, "evi")).unit == "m"


@pytest.mark.parametrize("masked", [0, 1])
def test_each_tile_is_masked_by_its_own_mask(raster: Write, tmp_path: Path, masked: int) -> None:
    """And by that alone: a no-data value of the first band is no mask of the second."""
    whole = write(raster, tmp_path, TWO, {"nodata": 305}, {"nodata": 305})
    path = sorted(tmp_path.iterdir())[masked]
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "r+") as file:
        mask = np.full(file.shape, 255, dtype="uint8")
        mask[1, 2] = 0
        file.write_mask(mask)
    hole = [1, 2 + 16 * masked]
    assert np.argwhere(np.isnan(everything(whole))).tolist() == [hole, [3, 5]]
    assert np.argwhere(np.isnan(everything(whole, 2))).tolist() == [hole, [3, 4]]


def test_a_band_that_is_a_mask_in_one_tile_alone_is_refused(raster: Write, tmp_path: Path) -> None:
    whole = write(raster, tmp_path, np.full((2, 20, 30), 255, dtype="uint8"), {}, {})
    with rasterio.open(tmp_path / FIRST, "r+") as file:
        file.colorinterp = [ColorInterp.gray, ColorInterp.alpha]
    with pytest.raises(DataError, match=rf"the mask is not given, and band 2 in the tile {FIRST}"):
        bands(whole)
    with rasterio.open(tmp_path / "evi-0000000000-0000000016.tif", "r+") as file:
        file.colorinterp = [ColorInterp.gray, ColorInterp.alpha]
    assert bands(whole) == {"evi": 1}


def test_tiles_of_complex_numbers_are_refused_as_one_raster_is(raster: Write, tmp_path: Path) -> None:
    whole = write(raster, tmp_path, RAMP.astype("complex64"), {}, {})
    with pytest.raises(DataError, match=r"evi\.tif: has no band of real numbers"):
        bands(whole)
