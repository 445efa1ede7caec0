"""The page of a map, its colours, its place on Earth, and its style in QGIS."""

from __future__ import annotations

import io
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from geoml_cli.dataset.variables import Variable
from geoml_cli.figures.decimated import DecimatedMap
from geoml_cli.figures.map_colours import class_colours, scale_of
from geoml_cli.figures.map_frame import MapFrame, degrees, nice_length
from geoml_cli.figures.map_page import MapPage, MapPanel, map_page
from geoml_cli.figures.qgis_style import MARK, qgis_style
from geoml_cli.figures.style import png
from geoml_cli.samples.input import Grid

DEGREES = Grid("EPSG:4326", (0.01, 0.0, 21.0, 0.0, -0.01, 42.0), 60, 80)
UTM = Grid("EPSG:32634", (1000.0, 0.0, 5e5, 0.0, -1000.0, 4.65e6), 60, 80)
COVER = {1: "cropland", 2: "forest", 8: "water"}
BANDS = (Variable("soc", "%", "soc"), Variable("cover", "1", "class", classes=COVER))


def tiles_of(shape, side):
    for top in range(0, shape[0], side):
        for left in range(0, shape[1], side):
            yield slice(top, min(top + side, shape[0])), slice(left, min(left + side, shape[1]))


@pytest.mark.parametrize("side", [16, 50, 1000])
def test_a_smaller_map_has_means_and_middle_pixels_whatever_its_parts(side):
    shape = (101, 63)
    random = np.random.default_rng(1)
    values = random.normal(size=(2, *shape)).astype(np.float32)
    values[1] = random.choice(list(COVER), size=shape)
    values[:, :8, :8] = np.nan
    small = DecimatedMap(Grid(DEGREES.crs, DEGREES.transform, *shape), BANDS, longest=26)
    for rows, columns in tiles_of(shape, side):
        small.add(rows, columns, values[:, rows, columns])
    found = small.values()
    assert small.step == 4 and found.shape == (2, 26, 16)
    np.testing.assert_allclose(found[0, 5, 3], values[0, 20:24, 12:16].mean(), rtol=1e-5)
    np.testing.assert_allclose(found[0, 25, 15], values[0, 100:, 60:63].mean(), rtol=1e-5)
    np.testing.assert_array_equal(found[1, 3:25, 3:15], values[1, 14:100:4, 14:60:4])
    assert np.isnan(found[:, :2, :2]).all() and set(np.unique(found[1][2:])) <= {*COVER}


def test_a_map_that_fits_is_not_changed():
    values = np.arange(60 * 80, dtype=np.float32).reshape(1, 60, 80)
    small = DecimatedMap(DEGREES, BANDS[:1])
    small.add(slice(0, 60), slice(0, 80), values)
    np.testing.assert_array_equal(small.values(), values)


def test_the_colours_of_a_quantity_leave_outliers_out_and_bear_any_values():
    scale = scale_of(np.concatenate([np.linspace(0, 1, 999), [1e9, np.nan]]), "viridis")
    assert 0 < scale.low < 0.05 and 0.95 < scale.high < 1
    assert (lambda one: (one.low, one.high))(scale_of(np.full(3, np.nan), "viridis")) == (0, 1)
    same = scale_of(np.full(3, 7.0), "viridis")
    assert same.low < 7 < same.high
    rounded = scale_of(np.array([3.55581, 3.55582, 3.55583]), "viridis")
    assert rounded.high - rounded.low > 1e-3  # what differs by rounding has one colour
    stops = scale.stops(5)
    assert [value for value, _ in stops] == sorted(value for value, _ in stops)
    assert stops[0][1] == "#440154" and len({colour for _, colour in stops}) == 5


@pytest.mark.parametrize("count", [1, 9, 30])
def test_every_class_has_a_colour_of_its_own(count):
    found = class_colours({code * 10: f"class {code}" for code in range(count)})
    assert len(set(found.colours.values())) == count == len(found.names)


def test_land_cover_has_the_colours_that_readers_expect():
    names = {1: "Cropland", 2: "forest", 5: "water", 6: "Snow/Ice", 9: "Wetland"}
    assert class_colours(names).colours[5] == "#1E69B4" and class_colours(names).colours[2] == "#446F33"
    two = class_colours({1: "evergreen forest", 2: "deciduous forest"})  # both would be green
    assert len(set(two.colours.values())) == 2
    assert class_colours({1: "justice", 2: "oversea"}).colours[1] not in ("#A6CEE3", "#1E69B4")


def test_lengths_and_coordinates_are_round():
    assert [nice_length(most) for most in (7.0, 49_999, 50_000, 0.3, 1.0)] == [5, 20_000, 50_000, 0.2, 1]
    assert [degrees(21.5, "EW"), degrees(-3.25, "NS"), degrees(0.0, "NS")] == ["21.5° E", "3.25° S", "0°"]
    assert MapFrame(UTM).ratio == pytest.approx(80 / 60)
    assert MapFrame(DEGREES).ratio == pytest.approx(80 / 60 * np.cos(np.radians(41.7)), rel=1e-3)
    feet = Grid("EPSG:2263", (5280.0, 0.0, 9e5, 0.0, -5280.0, 2e5), 10, 10)
    assert MapFrame(feet)._metres[0] == pytest.approx(0.3048, rel=1e-3)


def test_meridians_and_parallels_of_a_projected_map_are_where_they_are():
    """Labels stand where the meridian leaves the map below, the parallel to the left; at a pole there are none."""
    import pyproj
    from matplotlib.figure import Figure

    west = Grid("EPSG:32634", (1000.0, 0.0, 3e5, 0.0, -1000.0, 7.4e6), 200, 160)  # west of 21 degrees: turned
    axis = Figure().add_subplot()
    MapFrame(west).decorate(axis, measured=False)
    there = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:32634", always_xy=True)
    left, _, bottom, _ = MapFrame(west).extent
    for side, tick in (("x", axis.xaxis), ("y", axis.yaxis)):
        places, texts = tick.get_ticklocs(), [label.get_text() for label in tick.get_ticklabels()]
        assert len(texts) >= 2 and all(text.endswith(" E" if side == "x" else " N") for text in texts)
        for place, text in zip(places, texts, strict=True):
            at = (place, bottom) if side == "x" else (left, place)
            longitude, latitude = there.transform(*at, direction="INVERSE")
            assert (longitude if side == "x" else latitude) == pytest.approx(
                float(text.split("\N{DEGREE SIGN}")[0]), abs=1e-3
            )
    pole = Grid("EPSG:3995", (50_000.0, 0.0, -1e6, 0.0, -50_000.0, 1e6), 40, 40)
    axis = Figure().add_subplot()
    MapFrame(pole).decorate(axis, measured=False)
    assert axis.get_xlabel() == "Easting [km]"


def texts_of(figure):
    import matplotlib.text

    return [found.get_text() for found in figure.findobj(matplotlib.text.Text)]


def page_of(grid, values, **more):
    panels = [
        MapPanel("Prediction", "soc [%]", values, scale_of(values, "viridis")),
        MapPanel("Cover", "", np.where(np.isfinite(values), 2.0, np.nan), class_colours(COVER)),
        MapPanel("Area", "dissimilarity", values, scale_of(values, "cividis"), values > 0.5),
    ]
    border = np.array([[21.1, 41.5], [21.7, 41.9]]) if grid is DEGREES else np.array([[5.1e5, 4.6e6], [5.7e5, 4.64e6]])
    own = ["A pixel shows $what$ a sample would have.", "Run soc/map/1, split: blocks. 2026-11-26."]
    notes = [*more.get("notes", []), *own]
    return MapPage(more.get("title", "soc [%]"), panels, MapFrame(grid, borders=[border]), notes)


def test_long_titles_and_notes_stay_on_the_page():
    long = {"title": "organic carbon " * 20, "notes": ["no data in a covariate of a long name: 12345, " * 20]}
    figure = map_page(page_of(DEGREES, np.ones((60, 80)), **long))
    figure.canvas.draw()
    for text in (figure._suptitle, figure._supxlabel):
        assert 0 <= text.get_window_extent().x0 and text.get_window_extent().x1 <= figure.bbox.x1


@pytest.mark.parametrize(("grid", "place"), [(DEGREES, "41.6\N{DEGREE SIGN} N"), (UTM, "41.7\N{DEGREE SIGN} N")])
def test_a_page_names_what_a_reader_needs(grid, place):
    values = np.random.default_rng(4).random((60, 80))
    values[:5] = np.nan
    figure = map_page(page_of(grid, values))
    picture = png(figure, MARK)
    texts = texts_of(figure)
    assert {"soc [%]", "Prediction", "2 forest", "missing", "outside the area of applicability", "N", place} <= {*texts}
    assert "1 cropland" not in texts  # classes that do not occur
    assert any(text.endswith(" km") for text in texts) and any("split: blocks" in text for text in texts)
    assert MARK.encode() in picture[:4096]
    maps = [axis.get_position() for axis in figure.axes if axis.get_title(loc="left")]
    assert len(maps) == 3 and np.ptp([box.y0 for box in maps]) < 1e-6 and np.ptp([box.y1 for box in maps]) < 1e-6


def test_a_map_is_drawn_north_up_and_turned_grids_where_they_lie():
    values = np.zeros((60, 80))
    values[:30, :40] = 1  # north-west
    figure = map_page(MapPage("", [MapPanel("", "", values, scale_of(values, "gray"))], MapFrame(DEGREES), []))
    figure.canvas.draw()
    [axis, _] = figure.axes
    image = np.asarray(figure.canvas.buffer_rgba())[..., :3].mean(axis=2)
    for x, y, expected in ((21.2, 41.9, 255), (21.6, 41.9, 0), (21.2, 41.5, 0)):
        column, row = axis.transData.transform((x, y))
        assert abs(image[int(image.shape[0] - row), int(column)] - expected) < 60
    leaning = Grid("EPSG:4326", (0.01, 0.003, 21.0, 0.003, -0.01, 42.0), 60, 80)
    left, right, bottom, top = MapFrame(leaning).extent
    assert (left, right) == pytest.approx((21.0, 21.98)) and (bottom, top) == pytest.approx((41.4, 42.24))
    assert png(map_page(page_of(leaning, np.random.default_rng(1).random((60, 80)))))


@pytest.mark.parametrize("shape", [(1, 1), (2, 500), (500, 2)])
def test_pages_of_odd_maps_and_of_none(shape):
    grid = Grid("EPSG:4326", (0.01, 0.0, -179.9, 0.0, -0.01, 89.9), *shape)
    values = np.full(shape, np.nan)
    figure = map_page(page_of(grid, values))
    with Image.open(io.BytesIO(png(figure))) as picture:
        assert max(picture.size) < 6000
    assert texts_of(figure).count("no pixel has a value") == 3


def test_the_style_of_a_quantity_is_that_of_the_page():
    scale = scale_of(np.linspace(2, 9, 100), "viridis")
    root = ElementTree.fromstring(qgis_style(scale))
    assert root.tag == "qgis" and root.get("version", "").startswith("3.")
    [renderer] = root.findall("pipe/rasterrenderer")
    assert (renderer.get("type"), renderer.get("band")) == ("singlebandpseudocolor", "1")
    assert (
        float(renderer.get("classificationMin")) == scale.low and float(renderer.get("classificationMax")) == scale.high
    )
    [shader] = renderer.findall("rastershader/colorrampshader")
    items = [(float(item.get("value")), item.get("color")) for item in shader.findall("item")]
    assert items == scale.stops(9) and shader.get("colorRampType") == "INTERPOLATED"
    ramp = {option.get("name"): option.get("value") for option in shader.findall("colorramp/Option/Option")}
    assert ramp["color1"] == "68,1,84,255" and len(ramp["stops"].split(":")) == 7
    assert MARK.encode() in qgis_style(scale)[:4096]


def test_the_style_of_classes_names_them():
    colours = class_colours({**COVER, 9: 'a "wet" & <cold> é'})
    root = ElementTree.fromstring(qgis_style(colours))
    [renderer] = root.findall("pipe/rasterrenderer[@type='paletted']")
    entries = renderer.findall("colorPalette/paletteEntry")
    assert [(int(one.get("value")), one.get("color")) for one in entries] == list(colours.colours.items())
    assert [one.get("label") for one in entries] == ["1 cropland", "2 forest", "8 water", '9 a "wet" & <cold> é']


def test_a_crs_without_a_name_is_called_by_its_projection():
    albers = "+proj=aea +lat_1=25 +lat_2=47 +lat_0=0 +lon_0=105 +datum=WGS84"
    assert MapFrame(replace(UTM, crs=albers)).crs_name == "Albers Equal Area, CRS without a name"
    assert MapFrame(UTM).crs_name == "WGS 84 / UTM zone 34N"
