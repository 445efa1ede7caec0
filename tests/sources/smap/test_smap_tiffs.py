"""Stacks of GeoTIFFs: files of several bands, two files of one band, and grids that are the same but for rounding."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from numpy.typing import NDArray

from geoml_cli.errors import DataError
from geoml_cli.sources.smap.cubes import open_cube

SHAPE = (3, 4)
WHOLE = (slice(0, SHAPE[0]), slice(0, SHAPE[1]))
PLACE = Affine(0.01, 0, -98, 0, -0.01, 31)


def write(path: Path, *layers: NDArray[np.float32], names: Sequence[str] = (), transform: Affine = PLACE) -> None:
    profile = {"driver": "GTiff", "dtype": "float32", "count": len(layers), "height": SHAPE[0], "width": SHAPE[1]}
    with rasterio.open(path, "w", crs="EPSG:4326", transform=transform, nodata=-9999.0, **profile) as file:
        for number, layer in enumerate(layers, 1):
            file.write(layer, number)
            if names:
                file.set_band_description(number, names[number - 1])


@pytest.fixture
def values() -> NDArray[np.float32]:
    return np.random.default_rng(5).uniform(1, 9, SHAPE).astype(np.float32)


@pytest.fixture
def folder(tmp_path: Path, values: NDArray[np.float32]) -> Path:
    folder = tmp_path / "stack"
    folder.mkdir()
    write(folder / "eto_20210601.tif", values)
    write(folder / "elevation.tif", 100 * values)
    return folder


def test_of_several_bands_the_one_that_is_called_so_is_read(folder: Path, values: NDArray[np.float32]) -> None:
    """The first was, whatever it was called."""
    write(folder / "eto_20210602.tif", 50 + values, values, names=("etr", "eto"))
    np.testing.assert_array_equal(open_cube(folder).daily("eto", WHOLE), [values, values])
    for names in ((), ("etr", "pr")):
        write(folder / "eto_20210602.tif", 50 + values, values, names=names)
        with pytest.raises(DataError, match=r"eto_20210602\.tif: has 2 bands \(.*\), none of which is called eto"):
            open_cube(folder).daily("eto", WHOLE)


def test_two_files_of_one_band_are_refused(folder: Path) -> None:
    """The last was taken."""
    shutil.copy(folder / "eto_20210601.tif", folder / "eto_20210601.TIFF")
    with pytest.raises(DataError, match=r"both hold eto of 20210601\. Keep one of them"):
        open_cube(folder)
    (folder / "eto_20210601.TIFF").unlink()
    shutil.copy(folder / "elevation.tif", folder / "elevation.tiff")
    with pytest.raises(DataError, match=r"elevation\.tiff? and elevation\.tiff? both hold elevation\. Keep"):
        open_cube(folder)


def test_grids_may_differ_by_rounding_alone(folder: Path, values: NDArray[np.float32]) -> None:
    write(folder / "slope.tif", values, transform=Affine.translation(1e-10, 0) @ PLACE)
    np.testing.assert_array_equal(open_cube(folder).fixed("slope", WHOLE), values)
    write(folder / "slope.tif", values, transform=Affine.translation(0.001, 0) @ PLACE)
    with pytest.raises(DataError, match=r"slope\.tif: has another grid than e\w+\.tif\. Align them"):
        open_cube(folder).fixed("slope", WHOLE)
