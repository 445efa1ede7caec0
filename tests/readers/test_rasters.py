"""Missing values, masks and scales as files declare them, and as they do not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio

from geoml_cli.dataset.store import Dataset
from geoml_cli.errors import DataError
from geoml_cli.work.reporting import NullReporter

Prepare = Callable[..., tuple[Dataset, NullReporter]]
Write = Callable[..., Path]
RAMP = (np.arange(20)[:, None] * 100 + np.arange(30)[None, :]).astype(np.float32)


@pytest.mark.parametrize(
    ("kind", "nodata", "stored"),
    [
        ("float32", -3.3999999521443642e38, -3.4e38),  # the tag is a double, the value its float32
        ("float32", -1.7e308, np.nan),
        ("float32", np.nan, np.nan),
        ("float32", None, np.inf),
        ("float64", -99999.0, -99999.0),
        ("int16", -32768, -32768),
        ("uint8", 255, 255),
    ],
)
def test_every_convention_of_no_data(
    raster: Write,
    table: Write,
    prepared: Prepare,
    tmp_path: Path,
    kind: str,
    nodata: float | None,
    stored: float,
) -> None:
    values = (RAMP % 97).astype(kind)
    values[10, 10] = np.array(stored).astype(kind)
    file = "float64" if nodata is not None and abs(nodata) > 1e308 else kind
    raster(tmp_path / "raw/dem.tif", values.astype(file), nodata=nodata)
    table(tmp_path / "raw/p.csv", [(10, 10, 1), (12, 12, 1), (13, 13, 2)])
    dataset, _ = prepared(tmp_path / "raw")
    assert dataset.manifest.funnel.dropped == {"no data in the window": 2}
    np.testing.assert_array_equal(dataset.array("static")[0, 0], values[11:16, 11:16])


def test_a_mask_and_a_scale_in_the_file_are_heeded(
    table: Write, prepared: Prepare, raster: Write, tmp_path: Path
) -> None:
    path = raster(tmp_path / "raw/t.tif", RAMP.astype("int16"), scale=0.02, offset=-273.0)
    with rasterio.open(path, "r+") as file:
        mask = np.full(RAMP.shape, 255, dtype="uint8")
        mask[10, 10] = 0
        file.write_mask(mask)
    table(tmp_path / "raw/p.csv", [(10, 10, 1), (13, 13, 2)])
    dataset, reporter = prepared(tmp_path / "raw")
    assert dataset.manifest.funnel.dropped == {"no data in the window": 1}
    np.testing.assert_allclose(dataset.array("static")[0, 0, 2, 2], 1313 * 0.02 - 273, rtol=1e-6)
    assert "t: values are raw x 0.02 + -273, as the file says" in reporter.said


def test_undeclared_fills_are_refused_until_they_are_declared(
    raster: Write, table: Write, prepared: Prepare, tmp_path: Path
) -> None:
    values = RAMP.copy()
    values[10, 10:12] = -9999
    raster(tmp_path / "raw/dem.tif", values)
    table(tmp_path / "raw/p.csv", [(10, 10, 1), (15, 15, 2)])
    with pytest.raises(DataError, match=r"dem\.tif: dem: 2 pixels are -9999, which looks like no data") as caught:
        prepared(tmp_path / "raw")
    assert "--nodata dem=-9999 where it means no data, --nodata dem=none where it is a value" in str(caught.value)
    dataset, _ = prepared(tmp_path / "raw", nodata=("dem=-9999",))
    assert dataset.manifest.funnel.dropped == {"no data in the window": 1}
    dataset, _ = prepared(tmp_path / "raw", nodata=("dem=none",))
    assert dataset.manifest.funnel.kept == 2


@pytest.mark.parametrize(
    ("kind", "fill", "given"),
    [("uint16", 65535, "65535"), ("uint8", 255, "255"), ("float32", 1e20, "1e+20"), ("float32", -99, "-99"),
     ("float32", 9.969209968386869e36, "9.96921e+36"), ("float32", -3.4028234663852886e38, "-3.4028235e+38")],
)  # fmt: skip
def test_an_undeclared_fill_is_refused_and_its_remedy_works(
    raster: Write, table: Write, prepared: Prepare, tmp_path: Path, kind: str, fill: float, given: str
) -> None:
    values = (RAMP % 97).astype(kind)
    values[10, 10:12] = np.array(fill).astype(kind)
    raster(tmp_path / "raw/dem.tif", values)
    table(tmp_path / "raw/p.csv", [(10, 10, 1), (15, 15, 2)])
    with pytest.raises(DataError) as caught:
        prepared(tmp_path / "raw")
    assert f"--nodata dem={given} where" in str(caught.value)
    dataset, _ = prepared(tmp_path / "raw", nodata=(f"dem={given}",))
    assert dataset.manifest.funnel.dropped == {"no data in the window": 1}
