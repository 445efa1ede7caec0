"""The fourth band of 8-bit files, which GDAL marks as alpha: a covariate where it is described, else a mask."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.enums import ColorInterp

from geoml_cli.dataset.store import Dataset
from geoml_cli.errors import DataError
from geoml_cli.readers.mosaics import RasterFile
from geoml_cli.readers.raster_files import bands
from geoml_cli.readers.rasters import Band, Raster, mask_notes
from geoml_cli.sources.soc.source import SOURCE
from geoml_cli.work.reporting import NullReporter

Write = Callable[..., Path]
Prepare = Callable[..., tuple[Dataset, NullReporter]]
TEXTURE = ["clay", "silt", "sand", "stones"]
RAMP = (np.arange(20)[:, None] * 7 + np.arange(30)[None, :] % 7).astype("uint8")
FEW = (RAMP % 5).astype("uint8")
MASK = np.where(RAMP == 73, 0, 255).astype("uint8")
NOTE = "texture.tif: band 4, which is marked as alpha, is taken as a mask; where it is 0, data are missing"


def four(last: np.ndarray) -> np.ndarray:
    return np.stack([RAMP, RAMP + 1, RAMP + 2, last])


def read(path: Path, index: int) -> np.ndarray:
    raster = Raster(Band(RasterFile(path), path.stem, index))
    return raster.read(slice(0, 20), slice(0, 30))


def test_a_described_band_is_a_covariate(raster: Write, tmp_path: Path) -> None:
    path = raster(tmp_path / "texture.tif", four(FEW), names=TEXTURE)
    with rasterio.open(path) as file:
        assert file.colorinterp[3] == ColorInterp.alpha
    assert bands(RasterFile(path)) == {f"texture_{name}": number for number, name in enumerate(TEXTURE, start=1)}
    np.testing.assert_array_equal(read(path, 4), FEW)
    np.testing.assert_array_equal(read(path, 1), RAMP)
    assert mask_notes([Raster(Band(RasterFile(path), "texture"))]) == []


@pytest.mark.parametrize("last", ["", "alpha", "Mask", "valid_mask 1"])
def test_a_band_without_a_description_or_called_a_mask_is_one(raster: Write, tmp_path: Path, last: str) -> None:
    path = raster(tmp_path / "texture.tif", four(MASK), names=[*TEXTURE[:3], last])
    assert bands(RasterFile(path)) == {f"texture_{name}": number for number, name in enumerate(TEXTURE[:3], start=1)}
    np.testing.assert_array_equal(read(path, 2), np.where(MASK, RAMP + 1.0, np.nan))
    assert mask_notes([Raster(Band(RasterFile(path), "texture", index)) for index in (1, 2)]) == [NOTE]


def test_a_mask_of_other_values_must_be_called_one(raster: Write, tmp_path: Path) -> None:
    path = raster(tmp_path / "texture.tif", four(FEW))
    with pytest.raises(DataError, match=r"band 4 is marked as alpha, .* holds 1, neither 0 nor 255") as caught:
        read(path, 1)
    assert caught.value.where == str(path)
    assert "gdal_edit.py -colorinterp_4 undefined" in caught.value.fix and "describe it as mask" in caught.value.fix
    with rasterio.open(path, "r+") as file:
        file.set_band_description(4, "mask")
    np.testing.assert_array_equal(read(path, 1), np.where(FEW, RAMP, np.nan))
    path = raster(path, four(FEW))
    with rasterio.open(path, "r+") as file:
        file.colorinterp = [*file.colorinterp[:3], ColorInterp.undefined]
    assert list(bands(RasterFile(path))) == [f"texture_{number}" for number in (1, 2, 3, 4)]
    np.testing.assert_array_equal(read(path, 4), FEW)


@pytest.mark.parametrize(("kind", "full"), [("uint16", 65535), ("uint16", 255), ("int16", 32767), ("float32", 1)])
def test_masks_of_other_types_have_their_own_full_value(raster: Write, tmp_path: Path, kind: str, full: int) -> None:
    path = raster(tmp_path / "x.tif", np.stack([RAMP, np.where(MASK, full, 0)]).astype(kind))
    with rasterio.open(path, "r+") as file:
        file.colorinterp = [ColorInterp.gray, ColorInterp.alpha]
    np.testing.assert_array_equal(read(path, 1), np.where(MASK, RAMP, np.nan))


def test_soc_keeps_a_described_band_and_tells_of_a_mask(
    raster: Write, table: Write, prepared: Prepare, tmp_path: Path
) -> None:
    raw = tmp_path / "raw"
    raster(raw / "texture.tif", four(FEW), names=TEXTURE)
    table(raw / "p.csv", [(9, 10, 1), (14, 15, 2), (10, 3, 3)])
    dataset, reporter = prepared(raw)
    assert dataset.labels("covariate") == sorted(f"texture_{name}" for name in TEXTURE)
    assert dataset.array("static")[:, 3, 2, 2].tolist() == [FEW[9, 10], FEW[14, 15], FEW[10, 3]]
    assert not any("alpha" in text for text in reporter.said)
    raster(raw / "texture.tif", four(MASK), names=[*TEXTURE[:3], ""])
    dataset, reporter = prepared(raw)
    assert NOTE in reporter.said and NOTE in dataset.manifest.funnel.notes
    assert dataset.manifest.funnel.dropped["no data in the window"] == 2
    assert list(SOURCE.stack(raw, dataset.manifest, ()).notes) == [NOTE]
    raster(raw / "texture.tif", four(FEW))
    with pytest.raises(DataError, match="band 4 is marked as alpha"):
        prepared(raw)
