"""Years of a covariate in different scales are refused; maps of nearly 0 are not compared."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from geoml_cli.errors import DataError
from geoml_cli.readers.mosaics import RasterFile
from geoml_cli.readers.raster_scales import refuse_other_scales, typical_size
from geoml_cli.readers.rasters import Band, Raster

Write = Callable[..., Path]
Yearly = Callable[..., list[Raster]]
NDVI = np.random.default_rng(0).uniform(0.1, 0.9, (20, 30)).astype(np.float32)
WHOLE = (NDVI * 10000).astype(np.int16)


@pytest.fixture
def yearly(raster: Write, tmp_path: Path) -> Yearly:
    """Give a function that writes a raster a year and opens them."""

    def opened(*values: np.ndarray, **profile: object) -> list[Raster]:
        paths = [raster(tmp_path / f"evi_{2010 + k}.tif", one, **profile) for k, one in enumerate(values)]
        return [Raster(Band(RasterFile(path), path.stem)) for path in paths]

    return opened


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ((NDVI, NDVI, WHOLE), 2012),
        ((WHOLE, NDVI, NDVI), 2010),
        ((NDVI, WHOLE), 2011),
        ((WHOLE, NDVI, WHOLE, WHOLE), 2011),
        ((NDVI, NDVI * 100, NDVI), 2011),
        ((NDVI - 0.15, WHOLE - 1500, NDVI - 0.15), 2011),  # a twentieth is water
    ],
)
def test_a_year_in_another_scale(yearly: Yearly, values: tuple[np.ndarray, ...], named: int) -> None:
    with pytest.raises(DataError, match=r"the median magnitude of evi is .* seems to be in another unit") as caught:
        refuse_other_scales({"evi": yearly(*values)}, ())
    assert str(caught.value.where).endswith(f"evi_{named}.tif")


@pytest.mark.parametrize(
    "values",
    [
        (NDVI,),
        (NDVI, NDVI * 20),
        (NDVI * 0.01 - 0.95, NDVI * 0.01 + 0.9, NDVI * 0.01 + 0.015),  # regional anomalies of temperature
        (NDVI + 280, NDVI + 299),
        (np.zeros_like(NDVI), NDVI),
        (np.where(NDVI > 0.8, NDVI, 0), NDVI),  # of snow there is none in most places, or everywhere
        (np.where(NDVI > 0.8, NDVI, 1e-4), NDVI),
        (np.full_like(NDVI, np.nan), NDVI),
        (-NDVI, NDVI),
    ],
)
def test_years_that_differ_by_nature(yearly: Yearly, values: tuple[np.ndarray, ...]) -> None:
    refuse_other_scales({"evi": yearly(*values)}, ())


def test_a_scale_that_the_file_names_is_applied(yearly: Yearly) -> None:
    found = typical_size(yearly(WHOLE, scale=0.0001)[0])
    assert found is not None and found.magnitude == pytest.approx(np.median(NDVI), abs=1e-3)


def test_a_year_in_kelvin_beside_years_in_degrees_celsius(yearly: Yearly) -> None:
    with pytest.raises(DataError, match=r"the median of evi is 285.*one is in K, the other in degC") as caught:
        refuse_other_scales({"evi": yearly(NDVI + 12, NDVI + 285, NDVI - 3)}, ())
    assert str(caught.value.where).endswith("evi_2011.tif")


def test_only_some_windows_of_a_large_raster_are_read(yearly: Yearly, monkeypatch: pytest.MonkeyPatch) -> None:
    (large,) = yearly(np.ones((2000, 2000), dtype=np.uint8))
    shapes = []
    monkeypatch.setattr(Raster, "_cleaned", lambda _, window: shapes.append(window) or _ones(window))
    assert typical_size(large) == (1, 1, False)
    assert len(shapes) == 16 and shapes[-1][0][1] == 2000


def _ones(window: tuple[tuple[int, int], tuple[int, int]]) -> np.ndarray:
    return np.ones([stop - start for start, stop in window], dtype=np.float32)
