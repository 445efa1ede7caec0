"""Rasters as files carry them: turned, masked, in tiles, by other names of a CRS."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.crs import CRS
from rasterio.enums import ColorInterp

from geoml_cli.errors import DataError
from geoml_cli.readers.locating import pixels
from geoml_cli.readers.mosaics import RasterFile, put_together
from geoml_cli.readers.raster_files import bands, raster_paths, same_crs
from geoml_cli.readers.raster_years import years_in_names
from geoml_cli.readers.rasters import Band, Raster
from geoml_cli.readers.stacks import Stack, open_bands, same_grid

Write = Callable[..., Path]
RAMP = (np.arange(20)[:, None] * 100 + np.arange(30)[None, :]).astype(np.float32)
TENTH = Affine(0.1, 0, 20, 0, -0.1, 10)
QUARTER = Affine(6e-17, 0.1, 20, -0.1, 6e-17, 10)  # as the cosine of 90 degrees comes
ORDERS = {
    "north-up": (RAMP, TENTH),
    "south-up": (RAMP[::-1], Affine(0.1, 0, 20, 0, 0.1, 8)),
    "east first": (RAMP[:, ::-1], Affine(-0.1, 0, 23, 0, -0.1, 10)),
    "upside down": (RAMP[::-1, ::-1], Affine(-0.1, 0, 23, 0, 0.1, 8)),
    "columns as rows": (RAMP.T, QUARTER),
    "a quarter turn": (RAMP[::-1].T, Affine(0, 0.1, 20, 0.1, 0, 8)),
    "a turn back": (RAMP[:, ::-1].T, Affine(0, -0.1, 23, -0.1, 0, 10)),
}


def opened(path: Path, **given: object) -> Raster:
    return Raster(Band(RasterFile(path), path.stem, **given))  # type: ignore[arg-type]


def everything(raster: Raster) -> np.ndarray:
    return raster.read(slice(0, raster.grid.height), slice(0, raster.grid.width))


@pytest.mark.parametrize("order", ORDERS)
def test_a_raster_in_any_order_is_the_same_north_up(raster: Write, tmp_path: Path, order: str) -> None:
    values, transform = ORDERS[order]
    path = raster(tmp_path / "x.tif", np.ascontiguousarray(values), transform=transform, nodata=905)
    plain = opened(raster(tmp_path / "plain.tif", RAMP, nodata=905))
    turned = opened(path)
    assert same_grid(turned.grid, plain.grid)
    np.testing.assert_array_equal(everything(turned), everything(plain))
    window = (slice(-2, 5), slice(26, 33))
    np.testing.assert_array_equal(turned.read(*window), plain.read(*window))
    row, column = pixels((np.array([20.45]), np.array([9.72])), "EPSG:4326", turned.grid)
    assert turned.read(slice(row[0], row[0] + 1), slice(column[0], column[0] + 1)) == 204


def test_an_alpha_band_masks_and_is_no_covariate(tmp_path: Path) -> None:
    mask = np.full(RAMP.shape, 255, dtype="uint8")
    mask[3, 4] = 0
    profile = {"driver": "GTiff", "crs": "EPSG:4326", "transform": TENTH, "height": 20, "width": 30}
    with rasterio.open(tmp_path / "a.tif", "w", count=3, dtype="uint8", nodata=7, **profile) as file:
        file.write(np.stack([RAMP % 200, mask, RAMP % 100]).astype("uint8"))
        file.colorinterp = [ColorInterp.gray, ColorInterp.alpha, ColorInterp.undefined]
    assert bands(RasterFile(tmp_path / "a.tif")) == {"a_1": 1, "a_3": 3}
    values = everything(opened(tmp_path / "a.tif", index=3))
    assert np.isnan(values[3, 4]) and np.isnan(values[2, 7]) and values[3, 5] == 5


def moved(columns: int, rows: int) -> Affine:
    return Affine(0.1, 0, 20 + 0.1 * columns, 0, -0.1, 10 - 0.1 * rows)


def tiles(raster: Write, folder: Path, values: np.ndarray, corners: list[tuple[int, int]], **profile: object) -> None:
    """Write the tiles of an export, cut at row 12 and column 16."""
    for row, column in corners:
        part = values[..., row : 12 if row == 0 else None, column : 16 if column == 0 else None]
        place = moved(column, row)
        raster(folder / f"evi_2020-{row:010d}-{column:010d}.tif", part, transform=place, **profile)


FOUR = [(0, 0), (0, 16), (12, 0), (12, 16)]


def test_tiles_of_an_export_are_one_raster(raster: Write, tmp_path: Path) -> None:
    tiles(raster, tmp_path, np.stack([RAMP, RAMP + 1]), FOUR, nodata=1205, scale=0.5, names=["red", "blue"])
    (whole,) = put_together(sorted(tmp_path.iterdir()))
    assert whole.path.name == "evi_2020.tif" and len(whole.files()) == 4
    assert bands(whole) == {"evi_2020_red": 1, "evi_2020_blue": 2}
    raster_ = Raster(Band(whole, "evi_2020_blue", 2))
    assert (raster_.grid.height, raster_.grid.width) == (20, 30)
    expected = np.where(RAMP + 1 == 1205, np.nan, (RAMP + 1) * 0.5)
    np.testing.assert_array_equal(everything(raster_), expected)


@pytest.mark.parametrize("name", ["evi", "evi2020", ""])
def test_tiles_of_cloud_storage_have_no_dash(raster: Write, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "ndvi"
    raster(folder / f"{name}0000000000-0000000000.tif", RAMP[:, :16])
    raster(folder / f"{name}0000000000-0000000016.tif", RAMP[:, 16:], transform=moved(16, 0))
    (whole,) = put_together(sorted(folder.iterdir()))
    assert whole.path.stem == (name or "ndvi")
    np.testing.assert_array_equal(everything(Raster(Band(whole, "x"))), RAMP)
    (folder / f"{name}0000000000-0000000000.tif").unlink()
    with pytest.raises(DataError, match=rf"the tile {name}0000000000-0000000000\.tif is missing"):
        put_together(sorted(folder.iterdir()))


def test_masks_of_tiles_are_heeded(raster: Write, tmp_path: Path) -> None:
    tiles(raster, tmp_path, RAMP, FOUR)
    for path in tmp_path.iterdir():
        with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "r+") as file:
            mask = np.full(file.shape, 255, dtype="uint8")
            mask[1, 2] = 0
            file.write_mask(mask)
    (whole,) = put_together(sorted(tmp_path.iterdir()))
    values = everything(Raster(Band(whole, "evi_2020")))
    assert np.argwhere(np.isnan(values)).tolist() == [[1, 2], [1, 18], [13, 2], [13, 18]]


def test_a_missing_tile_is_named(raster: Write, tmp_path: Path) -> None:
    for gone in FOUR[:3]:
        folder = tmp_path / str(gone)
        tiles(raster, folder, RAMP, [corner for corner in FOUR if corner != gone])
        with pytest.raises(DataError, match=rf"the tile evi_2020-{gone[0]:010d}-{gone[1]:010d}\.tif is missing"):
            put_together(sorted(folder.iterdir()))


def test_tiles_that_do_not_fit(raster: Write, tmp_path: Path) -> None:
    tiles(raster, tmp_path, RAMP, FOUR)
    raster(tmp_path / "evi_2020-0000000012-0000000016.tif", RAMP[12:, 16:])
    with pytest.raises(DataError, match=r"0012-0000000016\.tif: lies elsewhere than its name says"):
        bands(*put_together(sorted(tmp_path.iterdir())))
    tiles(raster, tmp_path, RAMP, FOUR[:3])
    raster(tmp_path / "evi_2020-0000000012-0000000016.tif", RAMP[12:, 16:20], transform=moved(16, 12))
    with pytest.raises(DataError, match="the 4 tiles do not cover their raster: 520 of 600 pixels"):
        bands(*put_together(sorted(tmp_path.iterdir())))
    raster(tmp_path / "evi_2020.tif", RAMP)
    with pytest.raises(DataError, match=r"evi_2020\.tif is there whole and as 4 tiles"):
        put_together(sorted(tmp_path.iterdir()))


def vrt(path: Path, *sources: str) -> Path:
    """Write a virtual raster whose sources lie side by side, 10 columns each."""
    parts = "".join(
        f'<SimpleSource><SourceFilename relativeToVRT="1">{name}</SourceFilename><SourceBand>1</SourceBand>'
        f'<SrcRect xOff="0" yOff="0" xSize="10" ySize="20"/>'
        f'<DstRect xOff="{10 * number}" yOff="0" xSize="10" ySize="20"/></SimpleSource>'
        for number, name in enumerate(sources)
    )
    path.write_text(
        f'<VRTDataset rasterXSize="30" rasterYSize="20"><SRS>EPSG:4326</SRS><GeoTransform>20,0.1,0,10,0,-0.1'
        f'</GeoTransform><VRTRasterBand dataType="Float32" band="1">{parts}</VRTRasterBand></VRTDataset>'
    )
    return path


def test_sources_of_a_virtual_raster_belong_to_it(raster: Write, tmp_path: Path) -> None:
    for number in range(3):
        raster(tmp_path / f"parts/p{number}.tif", RAMP[:, 10 * number : 10 * number + 10])
    inner = vrt(tmp_path / "inner.vrt", *(f"parts/p{number}.tif" for number in range(3)))
    whole = RasterFile(inner)
    assert [path.name for path in whole.files()] == ["inner.vrt", "p0.tif", "p1.tif", "p2.tif"]
    np.testing.assert_array_equal(everything(opened(inner)), RAMP)
    outer = vrt(tmp_path / "outer.vrt", "inner.vrt")
    assert tmp_path / "parts/p2.tif" in RasterFile(outer).files()
    (tmp_path / "parts/p1.tif").unlink()
    with pytest.raises(DataError, match=r"inner\.vrt: its source parts/p1\.tif is missing"):
        opened(outer)


@pytest.mark.parametrize("code", [4326, 4258, 3035, 32634, 5070, 27700, 2154, 4490])
def test_the_spelling_of_esri_is_the_same_crs(code: int) -> None:
    crs = CRS.from_epsg(code)
    assert same_crs(crs.to_wkt(), crs.to_wkt(version="WKT1_ESRI"))
    assert not same_crs(crs.to_wkt(), "EPSG:32633")


def test_an_ascii_grid_of_esri_lies_on_the_grid_of_a_geotiff(raster: Write, tmp_path: Path) -> None:
    text = "\n".join(" ".join(f"{value:g}" for value in row) for row in RAMP)
    head = "ncols 30\nnrows 20\nxllcorner 20\nyllcorner 8\ncellsize 0.1\nNODATA_value -9999\n"
    (tmp_path / "a.asc").write_text(head + text + "\n")
    (tmp_path / "a.prj").write_text(
        'GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],'
        'PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]'
    )
    both = [opened(tmp_path / "a.asc"), opened(raster(tmp_path / "b.tif", RAMP))]
    assert Stack(both, frozenset(), None).resampling == {}


def test_a_local_crs_is_refused_in_a_line(raster: Write, tmp_path: Path) -> None:
    local = 'LOCAL_CS["my field",UNIT["metre",1],AXIS["Easting",EAST],AXIS["Northing",NORTH]]'
    with pytest.raises(DataError, match=r"its CRS 'my field' is a local one") as caught:
        opened(raster(tmp_path / "x.tif", RAMP, crs=local))
    assert len(str(caught.value)) < 300


def test_longitudes_beyond_180_are_turned(raster: Write, tmp_path: Path) -> None:
    west = raster(tmp_path / "west.tif", RAMP, transform=Affine(0.1, 0, -10, 0, -0.1, 10))
    east = raster(tmp_path / "east.tif", RAMP + 5, transform=Affine(0.1, 0, 350, 0, -0.1, 10))
    assert Stack([opened(west), opened(east)], frozenset(), None).resampling == {}
    globe = np.arange(180 * 360, dtype=np.float32).reshape(180, 360)
    raster(tmp_path / "globe.tif", globe, transform=Affine(1, 0, 0, 0, -1, 90))
    raster(tmp_path / "zero.tif", np.zeros((4, 6), dtype="f4"), transform=Affine(1, 0, -3, 0, -1, 2))
    files = [Band(RasterFile(tmp_path / f"{name}.tif"), name) for name in ("zero", "globe")]
    stack = Stack(open_bands(files), frozenset(), "zero")
    across = np.concatenate([globe[88:92, 357:], globe[88:92, :3]], axis=1)
    np.testing.assert_allclose(stack.read(slice(0, 4), slice(0, 6))[1], across)


def test_a_year_may_stand_anywhere_in_a_name() -> None:
    stems = ["evi_2019", "evi_2020", "2019_ndvi", "2020_ndvi", "lst_2019_mean", "lst_2020_mean", "lai2019", "lai2020"]
    found = years_in_names([*stems, "dem", "bio_1970_2000_v2", "soil_2017_v1", "x12019", "bio_1_1970-2000"])
    assert {named.feature for named in found.values()} == {"evi", "ndvi", "lst_mean", "lai"}
    assert sorted(found) == sorted(stems)
    assert found["lst_2020_mean"] == ("lst_mean", 2020)


def test_what_is_no_file_or_may_not_be_read_is_named(
    raster: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = raster(tmp_path / "b.tif", RAMP)
    assert raster_paths(tmp_path.iterdir()) == [path]
    monkeypatch.setattr("os.access", lambda name, mode: False)  # root may read anything
    with pytest.raises(DataError, match=r"b\.tif: may not be read: permission denied\. Change its permissions"):
        RasterFile(path).files()
    os.mkfifo(tmp_path / "a.tif")
    with pytest.raises(DataError, match=r"a\.tif: is no file, but a pipe or a device"):
        raster_paths(tmp_path.iterdir())
    (tmp_path / "a.tif").unlink()
    (tmp_path / "a.tif").symlink_to(tmp_path / "nowhere.tif")
    with pytest.raises(DataError, match=r"a\.tif: is a link to a file that is not there"):
        raster_paths(tmp_path.iterdir())


def test_what_gdal_raises_when_a_tag_is_asked_for_names_the_file(tmp_path, monkeypatch):
    from rasterio._err import CPLE_AppDefinedError

    path = tmp_path / "dem.tif"
    with rasterio.open(path, "w", driver="GTiff", width=2, height=2, count=1, dtype="float32", crs="EPSG:4326",
                       transform=TENTH) as file:  # fmt: skip
        file.write(np.ones((1, 2, 2), dtype=np.float32))

    def damaged(file):
        raise CPLE_AppDefinedError(1, 1, "TIFFReadDirectory:Failed to read directory at offset 2097152")

    monkeypatch.setattr("geoml_cli.readers.rasters.alpha_band", damaged)
    with pytest.raises(DataError, match=r"is damaged or not a raster \(it is cut off") as told:
        Raster(Band(RasterFile(path), "dem", 1))
    assert told.value.where == str(path)
