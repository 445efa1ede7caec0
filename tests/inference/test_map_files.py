"""What stands beside a map: its page and its style; nobody's file is overwritten."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
import shapely
from PIL import Image

from geoml_cli.figures.qgis_style import MARK
from geoml_cli.inference import map_files
from geoml_cli.inference.map_files import fullest
from geoml_cli.samples.requests import PredictionRequest
from geoml_cli.work.numbers import format_share


@pytest.fixture
def pages(monkeypatch):
    """Give the pages that are drawn."""
    found = []

    def draw(page):
        found.append(page)
        return map_files_page(page)

    map_files_page = map_files.map_page
    monkeypatch.setattr(map_files, "map_page", draw)
    return found


@pytest.fixture
def given(trained, data_root):
    return ("predict", trained, "--data", data_root / "soc", "--map", "--set", "predict.block=64", "--quiet")


def test_a_map_has_a_page_and_a_style(geoml, given, tmp_path, pages):
    out = tmp_path / "soc map.tif"
    done = geoml(*given, "--out", out, "--json")
    assert done.code == 0, done.err
    said = json.loads(done.out)
    assert said["figures"] == [str(out.with_suffix(".png"))] and said["styles"] == [str(out.with_suffix(".qml"))]
    assert {path.suffix for path in tmp_path.iterdir()} == {".tif", ".png", ".qml"}
    [page] = pages
    assert page.title.startswith("SOC [g kg-1], predicted by the network (CNN-LSTM soil organic carbon maps")
    assert page.panels[0].label == "SOC [g kg-1]"
    assert [panel.title.split(",")[0] for panel in page.panels] == [
        "Prediction",
        "Interval width",
        "Area of applicability",
    ]
    notes = " ".join(page.notes)
    for part in ("Interval: 90 % of soc", "Run soc/map/", "split: blocks", "rasters in raw soc", "mean of 2 members"):
        assert part in notes
    with rasterio.open(out) as file:
        mean, _, lower, upper, _, applicable = file.read()
    np.testing.assert_allclose(page.panels[0].values, mean, rtol=1e-6)  # small enough to be drawn as it is
    np.testing.assert_allclose(page.panels[1].values, upper.astype(float) - lower, rtol=1e-4)
    np.testing.assert_array_equal(page.panels[2].outside, applicable == 0)
    share = float((applicable == 1).sum() / np.isfinite(applicable).sum())
    assert f"{format_share(share)} inside" in page.panels[2].title
    with Image.open(out.with_suffix(".png")) as picture:
        assert picture.format == "PNG" and min(picture.size) > 400


def test_files_of_others_are_kept_and_own_ones_replaced(geoml, given, tmp_path):
    page, style, out = (tmp_path / f"m{suffix}" for suffix in (".png", ".qml", ".tif"))
    page.write_bytes(b"a photograph")
    style.write_text(f"<qgis><!-- {MARK} --></qgis>")
    done = geoml(*given, "--out", out, "--json")
    assert done.code == 0, done.err
    assert f"{page} is kept: geoml did not write it. Rename or delete it" in done.err
    said = json.loads(done.out)
    assert "figures" not in said and said["styles"] == [str(style)]
    assert page.read_bytes() == b"a photograph" and "rasterrenderer" in style.read_text()
    page.write_bytes(MARK.encode())
    again = geoml(*given, "--out", out)
    assert again.code == 0 and "is kept" not in again.err and page.read_bytes().startswith(b"\x89PNG")


def test_without_a_page_there_is_only_the_map(geoml, given, tmp_path):
    out, page, style = (tmp_path / f"m{suffix}" for suffix in (".tif", ".png", ".qml"))
    page.write_bytes(b"a photograph")
    style.write_text(f"<qgis><!-- {MARK} --></qgis>")  # of an earlier map
    assert geoml(*given, "--out", out, "--set", "predict.page=false").code == 0
    assert {path.name for path in tmp_path.iterdir()} == {"m.tif", "m.png"} and page.read_bytes() == b"a photograph"


def test_a_page_without_intervals_or_area_and_with_a_border(geoml, given, tmp_path, pages):
    coast = tmp_path / "coast.geojson"
    coast.write_text(shapely.to_geojson(shapely.LineString([(21.0, 41.8), (21.4, 41.9)])))
    options = ("--set", "predict.coverage=0", "--set", "predict.applicability=false", "--border", coast)
    done = geoml(*given, "--out", tmp_path / "m.nc", *options)
    assert done.code == 0, done.err
    [page] = pages
    assert [panel.title for panel in page.panels] == ["Prediction", "Disagreement of members (no interval)"]
    assert len(page.frame.borders) == 1
    assert {path.suffix for path in tmp_path.iterdir()} == {".nc", ".png", ".geojson"}  # QGIS takes styles of GeoTIFFs


def test_a_map_of_one_band_has_a_page_of_one_panel(geoml, given, tmp_path, pages):
    done = geoml(*given, "--out", tmp_path / "m.tif", "--member", "fold-1")
    assert done.code == 0, done.err
    with rasterio.open(tmp_path / "m.tif") as file:
        assert file.count == 1
    [page] = pages
    assert [panel.title for panel in page.panels] == ["Prediction"] and "1 member(s)" in page.notes[-1]


def test_a_map_of_which_all_is_missing_is_told_and_drawn(geoml, given, tmp_path):
    far = tmp_path / "corner.geojson"
    far.write_text(shapely.to_geojson(shapely.box(21.0, 41.9976, 21.0024, 42.0)))  # one pixel, its window cut off
    done = geoml(*given, "--out", tmp_path / "m.tif", "--mask", far)
    assert done.code == 0, done.err
    assert "none of 19200 pixels has a value" in done.err
    with rasterio.open(tmp_path / "m.tif") as file:
        assert np.isnan(file.read()).all()
        counts = file.tags()["pixels_without_prediction"]
        assert counts == "the window crosses the edge of the rasters: 1, outside the mask: 19199"
    assert (tmp_path / "m.png").is_file()


def test_a_page_of_several_times_shows_the_one_with_the_most_values():
    layers = [np.array([[1.0, np.nan]]), np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])]
    place, text = fullest(["2003", "2004", "2005"], layers)
    assert place == 1 and text == "The file holds 3 times; the page shows the one with the most predictions, 2004."
    assert fullest(["2003"], layers[:1]) == (0, "")


def test_a_mask_without_the_centre_of_a_pixel_is_refused(geoml, given, tmp_path):
    small = tmp_path / "small.geojson"
    small.write_text(shapely.to_geojson(shapely.box(21.2001, 41.8999, 21.2002, 41.9)))
    done = geoml(*given, "--out", tmp_path / "m.tif", "--mask", small)
    assert done.code == 3 and "no pixel of the map has its centre in a polygon. Give larger polygons" in done.err
    assert not (tmp_path / "m.tif").exists()
    small.write_text(shapely.to_geojson(shapely.box(21.2, 41.8976, 21.2024, 41.9)))  # as advised: of a pixel's size
    assert geoml(*given, "--out", tmp_path / "m.tif", "--mask", small, "--quiet").code == 0


def test_a_dry_run_names_what_stands_beside_a_map(geoml, given, tmp_path):
    done = geoml(*given, "--out", tmp_path / "m.tif", "--dry-run")
    assert done.code == 0, done.err
    written = [Path(line.split("  ", 1)[1]).name for line in done.out.splitlines() if line.startswith("would write")]
    assert written == ["m.tif", "m.png", "m.qml"]
    assert "m.png" not in geoml(*given, "--out", tmp_path / "m.tif", "--dry-run", "--set", "predict.page=false").out


@pytest.mark.parametrize(
    ("request_", "out", "names"),
    [
        ({"mapped": True}, "m.nc", ["m.nc", "m.png"]),
        ({"stack": Path("s.nc"), "mapped": True}, "m.nc", ["m.nc", "m.png"]),
        ({"stack": Path("s.nc")}, "m.tif", ["m-YYYY-MM-DD.tif", "m-YYYY-MM-DD.png", "m-YYYY-MM-DD.qml"]),
        ({"stack": Path("s.nc"), "days": ("2021-06-01", "2021-06-01")}, "m.tif", ["m.tif", "m.png", "m.qml"]),
        ({"table": Path("t.csv")}, "t2.csv", ["t2.csv"]),
        ({"forecast": True}, "f.nc", ["f.nc", "f.png", "f.gif"]),
    ],
)
def test_files_of_a_request(request_, out, names):
    assert [path.name for path in PredictionRequest(**request_).written(Path(out), page=True)] == names
    assert [path.name for path in PredictionRequest(**request_).written(Path(out), page=False)] == names[:1]
