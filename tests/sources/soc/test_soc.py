"""The soc source on rasters: every value beside one read independently."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.warp import transform as warp_points

from geoml_cli.dataset.store import Dataset
from geoml_cli.errors import DataError
from geoml_cli.sources.soc.options import SocOptions
from geoml_cli.sources.soc.source import SOURCE
from geoml_cli.stages.prepare import Raw, prepare
from geoml_cli.work.reporting import NullReporter

Prepare = Callable[..., tuple[Dataset, NullReporter]]
Write = Callable[..., Path]
RAMP = (np.arange(20)[:, None] * 100 + np.arange(30)[None, :]).astype(np.float32)


def sampled(path: Path, dataset: Dataset) -> NDArray[np.float32]:
    """Read a raster at the data set's points with rasterio's own sampler."""
    places = zip(dataset.array("lon"), dataset.array("lat"), strict=True)
    with rasterio.open(path) as file:
        return np.array([value[0] for value in file.sample(places)], dtype=np.float32)


COAST = {"classes": ("land_cover",)}


def test_centres_equal_what_rasterio_samples(coast: Path, prepared: Prepare) -> None:
    dataset, _ = prepared(coast, **COAST)
    static, names = dataset.array("static"), dataset.labels("covariate")
    for name in ("height", "rainfall", "slope", "temperature", "wetness"):
        found = sampled(coast / "covs" / f"{name}.tif", dataset)
        np.testing.assert_array_equal(static[:, names.index(name), 2, 2], found)
    cover = sampled(coast / "covs" / "land_cover.tif", dataset)
    for code in (1, 2, 3, 4):
        np.testing.assert_array_equal(static[:, names.index(f"land_cover={code}"), 2, 2], cover == code)


def test_series_are_ordered_by_year_and_feature(coast: Path, prepared: Prepare) -> None:
    dataset, _ = prepared(coast, **COAST)
    assert dataset.labels("feature") == ["evi", "los", "sos"]
    assert dataset.array("year").tolist() == [2016, 2017, 2018, 2019, 2020]
    for year in range(5):
        for place, feature in enumerate(["evi", "los", "sos"]):
            found = sampled(coast / "covs" / f"{feature}_{2016 + year}.tif", dataset)
            np.testing.assert_array_equal(dataset.array("series")[:, year, place], found)


def test_whole_windows_equal_windowed_reads(coast: Path, prepared: Prepare) -> None:
    dataset, _ = prepared(coast, **COAST, window=7)
    static = dataset.array("static")
    with rasterio.open(coast / "covs" / "slope.tif") as file:
        for sample in range(0, len(static), 50):
            row, column = file.index(dataset.array("lon")[sample], dataset.array("lat")[sample])
            found = file.read(1, window=((row - 3, row + 4), (column - 3, column + 4)))
            np.testing.assert_array_equal(static[sample, dataset.labels("covariate").index("slope")], found)


def test_windows_too_large_for_memory_are_the_same(
    coast: Path, prepared: Prepare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset, _ = prepared(coast, **COAST)
    monkeypatch.setattr("geoml_cli.sources.soc.stacked._MOST_BYTES", 0)
    again = prepare(Raw("soc", coast, SocOptions(**COAST)), tmp_path / "again", NullReporter())
    assert again.manifest.content == dataset.manifest.content


def test_nothing_kept_misses_a_value_and_classes_add_up(coast: Path, prepared: Prepare) -> None:
    dataset, _ = prepared(coast, **COAST)
    assert np.isfinite(dataset.array("static")).all()
    assert np.isfinite(dataset.array("series")).all()
    channels = [i for i, name in enumerate(dataset.labels("covariate")) if name.startswith("land_cover=")]
    np.testing.assert_array_equal(dataset.array("static")[:, channels].sum(axis=1), 1.0)


def test_synthetic_carbon_depends_on_the_neighbourhood_and_repeats_by_seed(
    tmp_path: Path, coast: Path, prepared: Prepare
) -> None:
    SOURCE.synthetic(tmp_path / "again", 7)
    assert (tmp_path / "again/points.csv").read_bytes() == (coast / "points.csv").read_bytes()
    dataset, _ = prepared(coast, **COAST)
    window = dataset.array("static")[:, dataset.labels("covariate").index("height")]
    around = np.corrcoef(window.mean(axis=(1, 2)), dataset.array("soc"))[0, 1]
    assert around > 0.5
    assert around > np.corrcoef(window[:, 2, 2], dataset.array("soc"))[0, 1]


def test_losses_are_counted_by_reason(raster: Write, table: Write, prepared: Prepare, tmp_path: Path) -> None:
    values = RAMP.copy()
    values[5, 5] = -9999
    raster(tmp_path / "raw/dem.tif", values, nodata=-9999)
    rows = [(10, 10, 5), (7, 7, 4), (8, 8, 3), (1, 10, 2), (10, 28, 2), (50, 10, 1), (17, 27, 9)]
    table(tmp_path / "raw/p.csv", rows)
    dataset, reporter = prepared(tmp_path / "raw")
    funnel = dataset.manifest.funnel
    assert (funnel.read, funnel.kept) == (7, 3)
    assert funnel.dropped == {
        "outside the rasters": 1,
        "window across the edge of the rasters": 2,
        "no data in the window": 1,
    }
    assert "no data in the window, by raster: dem 1" in funnel.notes
    assert any("1 samples are left out" in text for text in reporter.warned)
    assert dataset.labels("id") == ["P0", "P2", "P6"]
    assert dataset.array("soc").tolist() == [5, 3, 9]


def test_rows_without_a_sample_are_counted_by_reason(raster: Write, tmp_path: Path, prepared: Prepare) -> None:
    raster(tmp_path / "raw/dem.tif", RAMP)
    lines = [
        "name,lon,lat,soc", "a,21.05,8.95,5", "b,21.05,8.95,5", "c,21.05,8.95,6", "d,21.05,8.95,NA",
        "e,,8.95,5", "f,21.05,8.95,-9999", "g,21.05,8.95,-1", "h,21.05,8.95,inf",
        "j,21.05,8.95,1e30", "i,-9999,-9999,2", "k,21.05,8.95,0", "",
    ]  # fmt: skip
    (tmp_path / "raw/p.csv").write_text("\n".join(lines))
    dataset, reporter = prepared(tmp_path / "raw")
    assert dataset.manifest.funnel.dropped == {
        "no coordinates": 2,
        "no target value": 2,
        "target infinite, or 9e18 and more": 2,
        "target negative": 1,
        "repeats an earlier row": 1,
    }
    assert dataset.array("soc").tolist() == [5, 6, 0]
    assert any("2 rows lie where an earlier one does" in text for text in reporter.warned)
    assert any("1 rows have a target of 0: below what could be measured" in text for text in reporter.warned)
    assert dataset.labels("id") == ["a", "c", "k"]
    assert prepared(tmp_path / "raw", nodata=("soc=0",))[0].array("soc").tolist() == [5, 6]  # the remedy


def test_classes_are_detected_named_or_asked_for(
    raster: Write, table: Write, prepared: Prepare, tmp_path: Path
) -> None:
    codes = (RAMP % 3).astype("uint8")
    raster(tmp_path / "raw/soil.tif", codes, colours={0: (1, 2, 3, 255), 1: (9, 9, 9, 255), 2: (0, 0, 0, 255)})
    raster(tmp_path / "raw/cover.tif", codes.astype("float32") + 4)
    table(tmp_path / "raw/p.csv", [(10, 10, 1)])
    dataset, reporter = prepared(tmp_path / "raw")
    assert dataset.labels("covariate") == ["cover", "soil=0", "soil=1", "soil=2"]
    assert any("soil: taken as classes" in text for text in reporter.said)
    assert any("--classes cover" in text for text in reporter.warned)
    dataset, _ = prepared(tmp_path / "raw", classes=("cover",))
    assert dataset.labels("covariate")[:3] == ["cover=4", "cover=5", "cover=6"]
    assert dataset.manifest.facts["covariates"][0]["classes"] == [4, 5, 6]


def test_projected_points_are_brought_to_the_rasters(raster: Write, prepared: Prepare, tmp_path: Path) -> None:
    raster(tmp_path / "raw/dem.tif", RAMP)
    longitude, latitude = [21.05, 21.55], [8.95, 9.15]
    easting, northing = warp_points("EPSG:4326", "EPSG:32634", longitude, latitude)
    lines = [f"{x:.3f};{y:.3f};{soc}" for x, y, soc in zip(easting, northing, ("1,5", "2"), strict=True)]
    (tmp_path / "raw/p.csv").write_bytes(("\ufeffEasting;Northing;OC\r\n" + "\r\n".join(lines)).encode())
    dataset, _ = prepared(tmp_path / "raw", crs="EPSG:32634", unit="%")
    assert dataset.array("static")[:, 0, 2, 2].tolist() == [1010, 815]
    np.testing.assert_allclose(dataset.array("lon"), longitude, atol=1e-7)
    assert dataset.array("soc").tolist() == [1.5, 2.0]
    assert dataset.unit("soc") == "%"


def test_longitudes_to_360_meet_rasters_to_180(raster: Write, prepared: Prepare, tmp_path: Path) -> None:
    raster(tmp_path / "raw/dem.tif", RAMP, transform=Affine(0.1, 0, -20, 0, -0.1, 10))
    (tmp_path / "raw/p.csv").write_text("lon,lat,soc\n341.05,8.95,3\n-18.95,8.95,4\n")
    dataset, _ = prepared(tmp_path / "raw")
    assert dataset.array("static")[:, 0, 2, 2].tolist() == [1010, 1010]


def test_names_with_blanks_and_letters_bands_and_a_single_year(
    raster: Write, table: Write, prepared: Prepare, tmp_path: Path
) -> None:
    raw = tmp_path / "Ré gion"
    raster(raw / "covs/höhe ü NN.tif", RAMP)
    raster(raw / "covs/climate.tif", np.stack([RAMP, RAMP + 0.5]), names=["MAP", "MAT"])
    raster(raw / "covs/cover_2012.tif", RAMP + 0.25)
    table(raw / "Proben äöü.csv", [(10, 10, 1)])
    dataset, _ = prepared(raw)
    assert dataset.labels("covariate") == ["climate_MAP", "climate_MAT", "cover_2012", "höhe ü NN"]
    assert dataset.array("static")[0, :, 2, 2].tolist() == [1010, 1010.5, 1010.25, 1010]
    assert not dataset.has("series")


def test_rasters_of_months_are_static_which_is_noted(coast: Path, prepared: Prepare, tmp_path: Path) -> None:
    raw = shutil.copytree(coast, tmp_path / "raw")
    for month in ("2016_01", "2016_02", "201603"):
        shutil.copyfile(coast / "covs/height.tif", raw / "covs" / f"rain_{month}.tif")
    dataset, _ = prepared(raw, **COAST)
    assert "rain_2016_01" in dataset.labels("covariate")
    notes = [note for note in dataset.manifest.funnel.notes if "rasters of months" in note]
    assert notes == [
        "3 rasters of months, such as rain_201603, are static covariates each: series are of years (NAME_YEAR)"
    ]


def test_only_series_make_samples_of_single_pixels(
    raster: Write, table: Write, prepared: Prepare, tmp_path: Path
) -> None:
    for year in (2001, 2002):
        raster(tmp_path / f"raw/evi_{year}.tif", RAMP + year)
    table(tmp_path / "raw/p.csv", [(0, 0, 1)])
    dataset, _ = prepared(tmp_path / "raw")
    assert dataset.array("series").tolist() == [[[2001.0], [2002.0]]]
    assert not dataset.has("static")


def test_the_file_opens_as_cf(coast: Path, prepared: Prepare) -> None:
    import xarray

    dataset, _ = prepared(coast, **COAST)
    with xarray.open_dataset(dataset.folder / "dataset.nc") as opened:
        assert opened.attrs["Conventions"] == "CF-1.11"
        assert opened["soc"].attrs["units"] == "g kg-1"
        assert opened["lon"].attrs["standard_name"] == "longitude"
        assert opened["static"].dims == ("sample", "covariate", "row", "col")
        assert opened["covariate"].values.tolist() == dataset.labels("covariate")


def test_the_module_is_light() -> None:
    code = (
        "import sys, geoml_cli.sources.soc as s; heavy = {'pandas', 'xarray', 'torch', 'rasterio', 'netCDF4', 'scipy'};"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def virtual(source: str, relative: int) -> str:
    return (
        '<VRTDataset rasterXSize="30" rasterYSize="20"><SRS>EPSG:4326</SRS><GeoTransform>20,0.1,0,10,0,-0.1'
        '</GeoTransform><VRTRasterBand dataType="Float32" band="1"><SimpleSource><SourceFilename '
        f'relativeToVRT="{relative}">{source}</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>'
    )


def test_a_changed_tile_of_a_virtual_raster_is_prepared_again(
    raster: Write, table: Write, prepared: Prepare, tmp_path: Path
) -> None:
    tile = raster(tmp_path / "raw/parts/part.tif", RAMP)
    (tmp_path / "raw/covs").mkdir()
    (tmp_path / "raw/covs/dem.vrt").write_text(virtual("../parts/part.tif", relative=1))
    table(tmp_path / "raw/p.csv", [(10, 10, 1), (15, 15, 2)])
    before, _ = prepared(tmp_path / "raw", covariates="covs")
    assert [file.name for file in before.manifest.files] == ["p.csv", "covs/dem.vrt", "parts/part.tif"]
    raster(tile, RAMP + 1)
    after, _ = prepared(tmp_path / "raw", covariates="covs")
    np.testing.assert_array_equal(after.array("static")[:, 0, 2, 2], [1011, 1516])


class _Ranges(SimpleHTTPRequestHandler):
    """Serves parts of files, as object stores do."""

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if wanted is None or not path.is_file():
            super().do_GET()
            return
        content = path.read_bytes()
        first, last = int(wanted[1]), min(int(wanted[2] or len(content)), len(content) - 1)
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {first}-{last}/{len(content)}")
        self.send_header("Content-Length", str(last - first + 1))
        self.end_headers()
        self.wfile.write(content[first : last + 1])

    def log_message(self, format: str, *args: object) -> None:
        pass


def test_a_raster_on_a_server_is_read_where_it_is(
    raster: Write, table: Write, prepared: Prepare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    for option, value in (("MAX_RETRY", "0"), ("CONNECTTIMEOUT", "5")):
        monkeypatch.setenv(f"GDAL_HTTP_{option}", value)
    (tmp_path / "raw/covs").mkdir(parents=True)
    raster(tmp_path / "server/dem.tif", RAMP)
    table(tmp_path / "raw/p.csv", [(10, 10, 1), (15, 15, 2)])
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Ranges, directory=str(tmp_path / "server")))
    Thread(target=server.serve_forever, daemon=True).start()
    address = f"/vsicurl/http://127.0.0.1:{server.server_port}/dem.tif"
    (tmp_path / "raw/covs/dem.vrt").write_text(virtual(address, relative=0))
    dataset, _ = prepared(tmp_path / "raw", covariates="covs")
    np.testing.assert_array_equal(dataset.array("static")[:, 0, 2, 2], [1010, 1515])
    server.shutdown()
    server.server_close()
    (tmp_path / "raw/covs/dem.vrt").write_text(virtual(address.replace("dem.tif", "other.tif"), relative=0))
    with pytest.raises(DataError, match=r"dem\.vrt: is damaged .* See that its server answers, or get the file"):
        prepared(tmp_path / "raw", covariates="covs")
