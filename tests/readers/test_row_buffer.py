"""Rasters stored in rows: rows are read once for all windows in them, and values are the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio

from geoml_cli.readers import row_buffer
from geoml_cli.readers.mosaics import RasterFile
from geoml_cli.readers.rasters import Band, Raster, tiles
from geoml_cli.readers.row_buffer import RowBuffer

VALUES = np.arange(600 * 1000, dtype=np.float32).reshape(600, 1000)


class Counted:
    """Reads windows of VALUES and keeps how many pixels each took."""

    def __init__(self) -> None:
        self.pixels: list[int] = []

    def __call__(self, window: tuple[tuple[int, int], tuple[int, int]]) -> np.ndarray:
        found = VALUES[slice(*window[0]), slice(*window[1])]
        self.pixels.append(found.size)
        return found


def check(buffer: RowBuffer, read: Counted, window: tuple[tuple[int, int], tuple[int, int]]) -> None:
    found = buffer.read("band 1", window, read)
    np.testing.assert_array_equal(found, VALUES[slice(*window[0]), slice(*window[1])])


def test_rows_are_read_once_for_all_windows_in_them() -> None:
    buffer, read = RowBuffer(1000, True), Counted()
    for top in (0, 256):
        for left in range(0, 1000, 250):
            check(buffer, read, ((top, top + 256), (left, left + 250)))
    assert read.pixels == [256 * 1000] * 2
    buffer.read("band 1", ((256, 512), (0, 10)), read)[:] = 0  # what is given is no view
    check(buffer, read, ((256, 512), (0, 10)))


def test_windows_that_overlap_are_read_together_until_they_are_many_rows() -> None:
    buffer, read = RowBuffer(1000, True), Counted()
    for rows in ((10, 200), (3, 150), (50, 250), (4, 240)):  # points in tiles side by side
        check(buffer, read, (rows, (0, 100)))
    assert read.pixels == [190_000, 197_000, 247_000]
    check(buffer, read, ((200, 460), (0, 100)))
    assert read.pixels[3:] == [260_000], "of 457 rows together, 260 are enough"


def test_other_files_and_what_has_no_room_are_read_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    window = ((0, 256), (0, 250))
    for buffer in (RowBuffer(1000, False), RowBuffer(1000, True)):
        read = Counted()
        monkeypatch.setattr(row_buffer, "total_memory", lambda: 4_000_000)
        check(buffer, read, window)
        check(buffer, read, window)
        assert read.pixels == [64_000] * 2
    monkeypatch.setattr(row_buffer, "total_memory", lambda: None)
    check(buffer, read, window)
    assert read.pixels[2:] == [256_000] and buffer.kept_bytes == 1_024_000
    buffer.close()
    assert buffer.kept_bytes == 0


@pytest.mark.parametrize("masked", [False, True])
def test_a_raster_in_rows_has_the_values_of_one_in_tiles(tmp_path: Path, masked: bool) -> None:
    values = np.where(VALUES % 7 == 3, -9.0, VALUES).astype(np.float32)
    paths = [tmp_path / f"{name}.tif" for name in ("rows", "tiles")]
    for path, shape in zip(paths, ({}, {"tiled": True, "blockxsize": 256, "blockysize": 256}), strict=True):
        profile = {"driver": "GTiff", "dtype": "float32", "count": 1, "height": 600, "width": 1000, "crs": "EPSG:32634"}
        with rasterio.open(path, "w", **profile, **shape, transform=rasterio.Affine(30, 0, 0, 0, -30, 0)) as file:
            file.write(values, 1)
            if masked:
                file.write_mask(values != -9)
    rows, in_tiles = (Raster(Band(RasterFile(path), "x", nodata=() if masked else (-9.0,))) for path in paths)
    for window in (*tiles(rows.grid), (slice(-2, 258), slice(254, 600)), (slice(590, 610), slice(900, 1100))):
        found = rows.read(*window)
        np.testing.assert_array_equal(found, in_tiles.read(*window))
        assert np.isnan(found).any() and np.isfinite(found).any()
    rows.close()
    in_tiles.close()
