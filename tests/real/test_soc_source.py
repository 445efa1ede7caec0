"""`prepare soc` on a country's soil samples, and on the arrays released with the paper."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from raw_files import points_in_degrees

from geoml_cli.dataset.store import Dataset
from geoml_cli.readers.pickles import read_pickle
from geoml_cli.sources.soc.options import SocOptions
from geoml_cli.sources.soc.source import SOURCE
from geoml_cli.stages.prepare import Raw, prepare
from geoml_cli.work.reporting import NullReporter


def prepared(raw: Path, folder: Path, **options: object) -> tuple[Dataset, NullReporter]:
    reporter = NullReporter()
    done = prepare(Raw("soc", raw, SocOptions(**options)), folder / "soc", reporter)
    return Dataset(done.folder), reporter


@pytest.fixture
def macedonia(real_data: Callable[[str], Path], tmp_path: Path) -> tuple[Path, Dataset]:
    raw = real_data("soc/macedonia")
    dataset, _ = prepared(raw, tmp_path, points="dataproc.csv", classes=("LCEE10",), unit="%")
    return raw, dataset


def test_macedonia_loses_what_lies_at_its_border(macedonia: tuple[Path, Dataset]) -> None:
    _, dataset = macedonia
    funnel = dataset.manifest.funnel
    assert (funnel.read, funnel.kept) == (3887, 3731)
    assert funnel.dropped == {
        "outside the rasters": 1,
        "window across the edge of the rasters": 3,
        "no data in the window": 152,
    }
    assert "no data in the window, by raster: LCEE10 152" in funnel.notes
    assert np.isfinite(dataset.array("static")).all()


def test_macedonia_centres_and_windows_equal_rasterio(macedonia: tuple[Path, Dataset]) -> None:
    raw, dataset = macedonia
    static, names = dataset.array("static"), dataset.labels("covariate")
    places = list(zip(dataset.array("lon"), dataset.array("lat"), strict=True))
    for path in sorted((raw / "covs").glob("*.tif")):
        with rasterio.open(path) as file:
            found = np.array([value[0] for value in file.sample(places)], dtype=np.float32)
            row, column = file.index(*places[1234])
            window = file.read(1, window=((row - 2, row + 3), (column - 2, column + 3)))
        if path.stem in names:
            np.testing.assert_array_equal(static[:, names.index(path.stem), 2, 2], found)
            np.testing.assert_array_equal(static[1234, names.index(path.stem)], window.astype("f4"))
        else:
            for code in (1, 2, 3, 4):
                at = names.index(f"{path.stem}={code}")
                np.testing.assert_array_equal(static[:, at, 2, 2], found == code)
    assert len(names) == 16


def test_macedonia_carbon_is_that_of_the_table(macedonia: tuple[Path, Dataset]) -> None:
    raw, dataset = macedonia
    with (raw / "dataproc.csv").open(newline="") as stream:
        told = {row["id"]: float(row["SOC"]) for row in csv.DictReader(stream)}
    found = dict(zip(dataset.labels("id"), dataset.array("soc").tolist(), strict=True))
    assert found == pytest.approx({name: told[name] for name in found}, rel=1e-6)
    assert dataset.unit("soc") == "%"


def test_macedonia_maps_every_pixel_with_a_whole_window(macedonia: tuple[Path, Dataset]) -> None:
    raw, dataset = macedonia
    scene = SOURCE.stack(raw, dataset.manifest)
    block = scene.block(slice(0, scene.grid.height), slice(0, scene.grid.width))
    with rasterio.open(raw / "covs/LCEE10.tif") as file:
        missing = np.pad(file.read(1) < 0, 2, constant_values=True)
    touched = np.any([missing[r : r + 182, c : c + 310] for r in range(5) for c in range(5)], axis=0)
    np.testing.assert_array_equal(block.valid, ~touched)
    samples = scene.points(points_in_degrees(np.asarray(dataset.array("lon")), np.asarray(dataset.array("lat"))))
    np.testing.assert_array_equal(samples.variables.array("static"), dataset.array("static"))


def test_projected_auger_holes_fall_into_the_country(real_data: Callable[[str], Path], tmp_path: Path) -> None:
    """X and Y are Gauss-Krueger zone 7; without a CRS they are refused."""
    raw = real_data("soc/macedonia")
    dataset, reporter = prepared(raw, tmp_path, points="auger.csv", crs="EPSG:6316", classes=("LCEE10",), unit="%")
    funnel = dataset.manifest.funnel
    assert funnel.read == 3302
    assert funnel.dropped["no target value"] == 1
    assert funnel.kept > 3100
    assert any("74 sample names repeat" in text for text in reporter.warned)
    assert 20.4 < dataset.array("lon").min() < dataset.array("lon").max() < 23.1


def test_released_arrays_are_kept_as_they_are(real_data: Callable[[str], Path], tmp_path: Path) -> None:
    raw = real_data("soc/released")
    dataset, reporter = prepared(raw, tmp_path)
    np.testing.assert_array_equal(dataset.array("static"), read_pickle(raw / "samples_window_common.pkl"))
    series = dataset.array("series")
    np.testing.assert_array_equal(series[:, :, :1], read_pickle(raw / "samples_ts_evi.pkl").astype("f4"))
    np.testing.assert_array_equal(series[:, :, 1:], read_pickle(raw / "samples_ts_lsp.pkl").astype("f4"))
    assert series.shape == (308, 10, 12)
    assert (dataset.array("split") == 1).sum(axis=1).tolist() == [247] * 5
    assert (dataset.array("split") == 2).sum(axis=1).tolist() == [61] * 5
    assert (dataset.array("split") == 2).any(axis=0).sum() == 202
    assert np.isnan(dataset.array("soc")).all()
    assert any("not public" in text for text in reporter.warned)
