"""`predict --map --mask`: pixels whose centre lies outside the polygons of a file are missing."""

from __future__ import annotations

import json

import numpy as np
import pyogrio.raw
import pyproj
import pytest
import rasterio
import shapely

from geoml_cli.errors import DataError, SettingsError
from geoml_cli.inference.inputs.vectors import open_border, open_mask
from geoml_cli.samples.input import Grid

DEGREES = Grid("EPSG:4326", (0.01, 0.0, 21.0, 0.0, -0.01, 42.0), 60, 80)
UTM = Grid("EPSG:32634", (1000.0, 0.0, 5e5, 0.0, -1000.0, 4.65e6), 60, 80)
WHOLE = slice(0, 60), slice(0, 80)
RING = shapely.Polygon(
    [(21.1, 41.5), (21.5, 41.95), (21.75, 41.6), (21.4, 41.45)],
    [[(21.4, 41.6), (21.5, 41.6), (21.5, 41.7), (21.4, 41.7)]],
)


def write(path, shapes, crs="EPSG:4326", layer=None, kind="Unknown", append=False):
    options = {"geometry_type": kind, "crs": crs, "append": append}
    pyogrio.raw.write(
        path,
        geometry=shapely.to_wkb(shapes),
        field_data=[],
        fields=[],
        **options,
        **({"layer": layer} if layer else {}),
    )
    return path


def centres(grid):
    row, column = np.mgrid[: grid.height, : grid.width] + 0.5
    a, _, c, _, e, f = grid.transform
    return a * column + c, e * row + f


@pytest.mark.parametrize("name", ["land é.gpkg", "land.geojson", "land.shp"])
@pytest.mark.parametrize("grid", [DEGREES, UTM], ids=["degrees", "metres"])
@pytest.mark.filterwarnings("ignore:Normalized/laundered field name")
def test_pixels_are_inside_by_their_centres_in_any_crs(tmp_path, name, grid):
    mask = open_mask(write(tmp_path / name, [RING], kind="Polygon"), grid)
    x, y = centres(grid)
    if grid is UTM:
        x, y = pyproj.Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True).transform(x, y)
    expected = shapely.contains_xy(RING, x, y)
    found = mask.inside(*WHOLE)
    # An edge that is straight in degrees bends in metres; it is followed to a small part of a pixel.
    assert (found != expected).sum() <= 2 and 0 < expected.sum() < expected.size
    np.testing.assert_array_equal(mask.inside(slice(7, 31), slice(20, 55)), found[7:31, 20:55])
    assert len(mask.lines()) == 2 and name in mask.text


def test_several_polygons_a_bow_tie_and_a_mixed_file(tmp_path):
    bow_tie = shapely.Polygon([(21.5, 41.5), (21.7, 41.7), (21.7, 41.5), (21.5, 41.7)])
    both = shapely.MultiPolygon([shapely.box(21.0, 41.9, 21.1, 42.0), shapely.box(21.3, 41.4, 21.4, 41.6)])
    path = write(tmp_path / "mixed.gpkg", [both, bow_tie, shapely.Point(21.2, 41.8)])
    found = open_mask(path, DEGREES).inside(*WHOLE)
    assert found.sum() == pytest.approx(10 * 10 + 10 * 20 + 20 * 20 / 2, abs=20)
    assert found[:10, :10].all() and found[40, 51] and not found[32, 60]


@pytest.mark.parametrize("name", ["m.gpkg", "m.geojson", "m.shp"])
def test_a_hole_that_shares_an_edge_stays_a_hole(tmp_path, name):
    hole = [(21.1, 41.55), (21.2, 41.55), (21.2, 41.65), (21.1, 41.65)]
    shape = shapely.Polygon(shapely.box(21.1, 41.5, 21.3, 41.7).exterior.coords, [hole])
    assert not shape.is_valid
    found = open_mask(write(tmp_path / name, [shape]), DEGREES).inside(*WHOLE)
    assert found.sum() == pytest.approx(20 * 20 - 10 * 10, abs=20)


@pytest.mark.parametrize("name", ["m.gpkg", "m.geojson", "m.shp"])
def test_parts_of_one_shape_that_overlap_are_united(tmp_path, name):
    """As layers of many features have them once they are collected; repairing the shape as a whole cuts a hole."""
    one, other = shapely.box(21.1, 41.5, 21.3, 41.7), shapely.box(21.2, 41.6, 21.4, 41.8)
    expected = open_mask(write(tmp_path / "two.gpkg", [one, other]), DEGREES).inside(*WHOLE)
    assert expected.sum() == pytest.approx(20 * 20 * 2 - 10 * 10, abs=20)
    for parts in ([one, other], [one, one, other]):
        path = write(tmp_path / name, [shapely.MultiPolygon(parts)])
        np.testing.assert_array_equal(open_mask(path, DEGREES).inside(*WHOLE), expected)


def test_longitudes_that_count_to_360_and_rotated_grids(tmp_path):
    path = write(tmp_path / "west.gpkg", [shapely.box(-170.3, 41.5, -170.0, 41.8)])
    turned = Grid("EPSG:4326", (0.01, 0.0, 189.5, 0.0, -0.01, 42.0), 60, 80)
    found = open_mask(path, turned).inside(*WHOLE)
    assert found.sum() == 30 * 30 and found[20:50, 20:50].all()
    leaning = Grid("EPSG:4326", (0.01, 0.002, 21.0, 0.002, -0.01, 42.0), 60, 80)
    box = write(tmp_path / "box.gpkg", [shapely.box(21.2, 41.7, 21.4, 41.9)])
    mask = open_mask(box, leaning)
    row, column = np.argwhere(mask.inside(*WHOLE)).T + 0.5
    assert len(row) == pytest.approx(400, abs=25)
    x, y = 21.0 + 0.01 * column + 0.002 * row, 42.0 + 0.002 * column - 0.01 * row
    assert shapely.intersects_xy(shapely.box(21.2, 41.7, 21.4, 41.9).buffer(1e-9), x, y).all()


def test_a_coastline_of_the_world_is_cut_to_a_projected_map(tmp_path):
    world = write(tmp_path / "world.gpkg", [shapely.box(-180, -90, 180, 90), shapely.box(-180, 80, 180, 90)])
    assert open_mask(world, UTM).inside(*WHOLE).all()
    coast = write(tmp_path / "coast.geojson", [shapely.LineString([(20, 41.7), (23, 41.7)])])
    [line] = open_border(coast, UTM)
    assert np.isfinite(line).all() and len(line) > 100
    assert open_border(world, DEGREES)


def shapefile_without(suffix):
    def make(folder):
        path = write(folder / "land.shp", [RING], kind="Polygon")
        path.with_suffix(suffix).unlink()
        return path

    return make


def damaged(name):
    def make(folder):
        path = write(folder / name, [RING] * 40, kind="Polygon")
        path.write_bytes(path.read_bytes()[:300])
        return path

    return make


def two_layers(folder):
    write(folder / "two.gpkg", [RING], layer="land", kind="Polygon")
    return write(folder / "two.gpkg", [RING], layer="lakes", kind="Polygon", append=True)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: folder / "none.gpkg", r"none\.gpkg: there is no such file\. Check --mask"),
        (damaged("land.gpkg"), r"land\.gpkg: cannot be read: [^.]*\. Get the file again, or save the layer again"),
        (damaged("land.geojson"), r"land\.geojson: cannot be read: .*save the layer again"),
        (damaged("land.shp"), r"land\.shp: (cannot be read|holds no polygons)"),
        (shapefile_without(".shx"), r"land\.shp: cannot be read: .*needs its \.shx"),
        (shapefile_without(".prj"), r"land\.shp: does not name its CRS\. A shapefile needs its \.prj"),
        (
            lambda f: write(f / "p.gpkg", [shapely.Point(21, 41)], kind="Point"),
            r"p\.gpkg: holds no polygons\. Name a file",
        ),
        (lambda f: write(f / "e.gpkg", [shapely.Polygon()]), r"e\.gpkg: holds no polygons"),
        (two_layers, r"two\.gpkg: has several layers of polygons: land, lakes\. Save the layer that --mask means"),
        (
            lambda f: write(f / "far.gpkg", [shapely.box(5, 50, 6, 51)]),
            r"far\.gpkg: lies outside the map: .* are 5, 50, 6, 51, .* 21, 41\.4, 21\.8, 42\. Check the CRS",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning")
def test_a_file_that_cannot_be_a_mask_is_named_with_a_remedy(tmp_path, make, message):
    path = make(tmp_path)
    with pytest.raises(DataError, match=message):
        open_mask(path, DEGREES)


def test_a_file_of_another_kind_is_refused_before_it_is_read(tmp_path):
    with pytest.raises(SettingsError, match=r"'land.kml' holds no shapes\. Name a file that ends in \.gpkg, \.geojson"):
        open_mask(tmp_path / "land.kml", DEGREES)


def test_another_mask_is_other_work(tmp_path):
    one = open_mask(write(tmp_path / "one.gpkg", [RING]), DEGREES)
    same = open_mask(write(tmp_path / "same.geojson", [RING]), DEGREES)
    other = open_mask(write(tmp_path / "other.gpkg", [RING.buffer(0.01)]), DEGREES)
    assert one.digest == same.digest != other.digest


def test_a_map_under_a_mask_has_the_same_values_inside_and_none_outside(geoml, trained, data_root, tmp_path):
    path = write(tmp_path / "region.gpkg", [shapely.box(21.1, 41.75, 21.3, 41.95)])
    given = ("predict", trained, "--data", data_root / "soc", "--map", "--set", "predict.block=32", "--quiet")
    given += ("--set", "predict.page=false")
    assert geoml(*given, "--out", tmp_path / "all.tif").code == 0
    done = geoml(*given, "--out", tmp_path / "in.tif", "--mask", path, "--json")
    assert done.code == 0, done.err
    with rasterio.open(tmp_path / "all.tif") as file, rasterio.open(tmp_path / "in.tif") as masked:
        whole, cut, tags = file.read(), masked.read(), masked.tags()
    inside = np.zeros((120, 160), dtype=bool)
    inside[20:100, 40:120] = True
    np.testing.assert_allclose(cut[:, inside], whole[:, inside], rtol=1e-5, atol=1e-5)
    assert np.isnan(cut[:, ~inside]).all()
    said = json.loads(done.out)
    assert said["missing_by_reason"]["outside the mask"] == int((~inside).sum())
    assert sum(said["missing_by_reason"].values()) == said["missing"] == int(np.isnan(cut[0]).sum())
    assert tags["mask"].startswith("region.gpkg, 1 polygon(s), sha256 ")


def test_a_mask_without_a_map_is_refused(geoml, trained, data_root, tmp_path):
    done = geoml("predict", trained, "--data", data_root / "soc", "--mask", tmp_path / "a.gpkg")
    assert done.code == 2 and "--mask: only maps have one. Add --map, or leave it out" in done.err
