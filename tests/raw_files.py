"""Small rasters and tables written in the formats that sources read."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine

from geoml_cli.dataset.store import Dataset
from geoml_cli.samples.input import Points
from geoml_cli.sources.soc.options import SocOptions
from geoml_cli.sources.soc.source import SOURCE
from geoml_cli.stages.prepare import Raw, prepare
from geoml_cli.work.reporting import NullReporter

WriteRaster = Callable[..., Path]
Prepare = Callable[..., tuple[Dataset, NullReporter]]
# Row 0 begins at 10 degrees north, column 0 at 20 degrees east; pixels of a tenth of a degree.
TENTH = Affine(0.1, 0, 20, 0, -0.1, 10)


@pytest.fixture
def raster() -> WriteRaster:
    """Give a function that writes a GeoTIFF of one band or more."""

    def write(path: Path, values: np.ndarray[Any, Any], **profile: Any) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)  # GDAL would look into a damaged one first
        bands = values if values.ndim == 3 else values[None]
        colours, names = profile.pop("colours", None), profile.pop("names", None)
        settings = {"crs": "EPSG:4326", "transform": TENTH, "dtype": bands.dtype, **profile}
        scale, offset = settings.pop("scale", 1.0), settings.pop("offset", 0.0)
        with rasterio.open(
            path,
            "w",
            driver="GTiff",
            count=len(bands),
            height=bands.shape[1],
            width=bands.shape[2],
            **settings,
        ) as file:
            file.write(bands)
            file.scales, file.offsets = (scale,) * len(bands), (offset,) * len(bands)
            if colours:
                file.write_colormap(1, colours)
            for index, name in enumerate(names or (), start=1):
                file.set_band_description(index, name)
        return path

    return write


@pytest.fixture(scope="session")
def coast(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give synthetic raw files, written once."""
    folder = tmp_path_factory.mktemp("coast")
    SOURCE.synthetic(folder, 7)
    return folder


@pytest.fixture
def prepared(tmp_path: Path) -> Prepare:
    """Give a function that prepares a folder of raw files as `geoml prepare soc` does."""

    def run(raw: Path, options: SocOptions | None = None, **given: Any) -> tuple[Dataset, NullReporter]:
        reporter = NullReporter()
        chosen = options or SocOptions(**given)
        done = prepare(Raw("soc", raw, chosen), tmp_path / "prepared" / raw.name, reporter)
        return Dataset(done.folder), reporter

    return run


def points_in_degrees(longitude: np.ndarray[Any, Any], latitude: np.ndarray[Any, Any]) -> Points:
    """Return points of a table whose coordinates are degrees."""
    names = [str(number) for number in range(len(longitude))]
    return Points(names, longitude, latitude, "EPSG:4326", longitude, latitude)


def pixel_centre(row: int, column: int) -> tuple[float, float]:
    """Return longitude and latitude of a pixel of `TENTH`."""
    return 20.05 + 0.1 * column, 9.95 - 0.1 * row


@pytest.fixture
def table() -> Callable[..., Path]:
    """Give a function that writes points (row, column, soc) of `TENTH` as CSV."""

    def write(path: Path, rows: list[tuple[float, float, object]], header: str = "id,lon,lat,soc") -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [header]
        for number, (row, column, soc) in enumerate(rows):
            longitude, latitude = pixel_centre(row, column)  # type: ignore[arg-type]
            lines.append(f"P{number},{longitude:.9g},{latitude:.9g},{soc}")
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    return write


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """Give the paper's arrays, in small."""
    folder = tmp_path / "release"
    (folder / "train_test_idx").mkdir(parents=True)
    random = np.random.default_rng(0)
    shapes = {"window_common": (8, 3, 5, 5), "ts_evi": (8, 10, 1), "ts_lsp": (8, 10, 2)}
    for name, shape in shapes.items():
        (folder / f"samples_{name}.pkl").write_bytes(pickle.dumps(random.random(shape)))
    for split in (1, 2, 10):
        (folder / f"train_test_idx/train_{split}.pkl").write_bytes(pickle.dumps([0, 1, 2, 3, split % 7 + 1]))
        (folder / f"train_test_idx/test_{split}.pkl").write_bytes(pickle.dumps([6, 7] if split < 10 else [0 + 5]))
    return folder


@pytest.fixture
def raw(raster: WriteRaster, table: Callable[..., Path], tmp_path: Path) -> Path:
    """Give a folder that can be prepared."""
    raster(tmp_path / "raw/dem.tif", np.arange(600, dtype=np.float32).reshape(20, 30))
    table(tmp_path / "raw/p.csv", [(10, 10, 1)])
    return tmp_path / "raw"
