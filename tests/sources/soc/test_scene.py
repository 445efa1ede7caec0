"""A scene gives for a pixel what the data set holds for a sample there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from raw_files import points_in_degrees

from geoml_cli.dataset.store import Dataset
from geoml_cli.errors import DataError, SettingsError
from geoml_cli.readers.mosaics import RasterFile
from geoml_cli.readers.rasters import Band
from geoml_cli.readers.stacks import Stack, open_bands
from geoml_cli.samples.input import POINT_REASONS
from geoml_cli.sources.soc.source import SOURCE
from geoml_cli.work.reporting import NullReporter

Prepare = Callable[..., tuple[Dataset, NullReporter]]
Write = Callable[..., Path]
RAMP = (np.arange(20)[:, None] * 100 + np.arange(30)[None, :]).astype(np.float32)
NO_PLACE, OUTSIDE = POINT_REASONS
COAST = {"classes": ("land_cover",)}


def test_scene_gives_the_samples_of_the_data_set(coast: Path, prepared: Prepare) -> None:
    dataset, _ = prepared(coast, **COAST)
    scene = SOURCE.stack(coast, dataset.manifest)
    longitude, latitude = np.asarray(dataset.array("lon")), np.asarray(dataset.array("lat"))
    points = scene.points(points_in_degrees(longitude, latitude))
    assert points.valid.all()
    np.testing.assert_array_equal(points.variables.array("static"), dataset.array("static"))
    np.testing.assert_array_equal(points.variables.array("series"), dataset.array("series"))
    assert points.variables.labels("covariate") == dataset.labels("covariate")
    block = scene.block(slice(0, 120), slice(0, 160))
    number = np.cumsum(block.valid.ravel()).reshape(block.valid.shape) - 1
    rows, columns = ((42 - latitude) // 0.0025).astype(int), ((longitude - 21) // 0.0025).astype(int)
    np.testing.assert_array_equal(block.variables.array("static")[number[rows, columns]], dataset.array("static"))


def test_points_without_a_sample_are_not_valid(coast: Path, prepared: Prepare) -> None:
    dataset, _ = prepared(coast, **COAST)
    scene = SOURCE.stack(coast, dataset.manifest)
    longitude = np.array([21.2, 0.0, np.nan, 21.0001, 21.03])  # land, far away, unknown, the edge, the sea
    points = scene.points(points_in_degrees(longitude, np.full(5, 41.85)))
    assert points.valid.tolist() == [True, False, False, False, False]
    assert points.variables.array("static").shape == (1, 9, 5, 5)


def test_blocks_fit_together_as_if_read_at_once(coast: Path, prepared: Prepare, raster: Write) -> None:
    """Also where a raster is resampled: the value of a pixel must not depend on the block."""
    fine = np.random.default_rng(1).normal(size=(240, 300)).astype(np.float32)
    extra = coast / "covs" / "extra.tif"
    raster(extra, fine, transform=Affine(0.0017, 0, 20.99, 0, -0.0017, 42.01))
    try:
        dataset, _ = prepared(coast, **COAST, reference="height")
        scene = SOURCE.stack(coast, dataset.manifest)
        whole = scene.block(slice(0, 120), slice(0, 160))
        cut = scene.block(slice(37, 101), slice(70, 133))
    finally:
        extra.unlink()
    np.testing.assert_array_equal(cut.valid, whole.valid[37:101, 70:133])
    inside = np.zeros_like(whole.valid)
    inside[37:101, 70:133] = True
    expected = whole.variables.array("static")[inside[whole.valid]]
    np.testing.assert_array_equal(cut.variables.array("static"), expected)


def test_scene_of_another_folder_wants_every_covariate(coast: Path, prepared: Prepare, tmp_path: Path) -> None:
    dataset, _ = prepared(coast, **COAST)
    for path in (coast / "covs").iterdir():
        if path.name != "wetness.tif":
            (tmp_path / path.name).write_bytes(path.read_bytes())
    with pytest.raises(DataError, match=r"the raster of wetness, wetness\.tif, is missing") as caught:
        SOURCE.stack(tmp_path, dataset.manifest)
    assert caught.value.exit_code == 3


def test_scene_refuses_pixels_of_another_size_and_digests_content(
    coast: Path, prepared: Prepare, raster: Write, table: Write, tmp_path: Path
) -> None:
    raw = tmp_path / "raw"
    raster(raw / "dem.tif", RAMP)
    table(raw / "p.csv", [(10, 10, 5)])
    dataset, _ = prepared(raw)
    digest = SOURCE.stack(raw, dataset.manifest).digest()
    raster(raw / "dem.tif", RAMP + 1)
    assert SOURCE.stack(raw, dataset.manifest).digest() != digest
    raster(raw / "dem.tif", RAMP, transform=Affine(0.2, 0, 20, 0, -0.2, 10))
    with pytest.raises(DataError, match="pixels differ from the data set's"):
        SOURCE.stack(raw, dataset.manifest)


def test_a_class_that_was_never_seen_makes_no_sample_in_a_map(
    raster: Write, table: Write, prepared: Prepare, tmp_path: Path
) -> None:
    codes = np.ones((20, 30), dtype="uint8")
    raster(tmp_path / "raw/cover.tif", codes)
    table(tmp_path / "raw/p.csv", [(10, 10, 1)])
    dataset, _ = prepared(tmp_path / "raw", classes=("cover",), window=1)
    codes[3, 4] = 9
    raster(tmp_path / "raw/cover.tif", codes)
    valid = SOURCE.stack(tmp_path / "raw", dataset.manifest).block(slice(0, 20), slice(0, 30)).valid
    assert (~valid).sum() == 1 and not valid[3, 4]


def stacked(raster: Write, table: Write, folder: Path, names: list[str], layers: dict[str, np.ndarray]) -> None:
    raster(folder / "stack.tif", np.stack([layers[name] for name in names]), names=names)
    table(folder / "p.csv", [(10, 10, 1), (15, 15, 2)])


def test_bands_are_found_by_their_names(raster: Write, table: Write, prepared: Prepare, tmp_path: Path) -> None:
    layers = {"dem": RAMP, "rain": RAMP * 2, "clay": RAMP / 7}
    stacked(raster, table, tmp_path / "raw", ["dem", "rain", "clay"], layers)
    dataset, _ = prepared(tmp_path / "raw")
    here = SOURCE.stack(tmp_path / "raw", dataset.manifest, ())
    stacked(raster, table, tmp_path / "new", ["clay", "dem", "rain"], layers)
    there = SOURCE.stack(tmp_path / "new", dataset.manifest, ())
    window = slice(4, 9), slice(5, 11)
    np.testing.assert_array_equal(
        there.block(*window).variables.array("static"), here.block(*window).variables.array("static")
    )
    raster(tmp_path / "new/stack.tif", np.stack([RAMP, RAMP, RAMP]), names=["dem", "rain", "sand"])
    with pytest.raises(DataError, match=r"no band of the name stack_clay, only stack_dem, stack_rain, stack_sand"):
        SOURCE.stack(tmp_path / "new", dataset.manifest, ())


def test_a_fill_that_the_data_set_does_not_know_is_refused_in_maps(
    raster: Write, table: Write, prepared: Prepare, tmp_path: Path
) -> None:
    raster(tmp_path / "raw/dem.tif", RAMP)
    table(tmp_path / "raw/p.csv", [(10, 10, 1), (15, 15, 2)])
    dataset, _ = prepared(tmp_path / "raw")
    holes = RAMP.copy()
    holes[3, 3:5] = 1e20
    raster(tmp_path / "new/dem.tif", holes)
    with pytest.raises(DataError, match=r"dem: 2 pixels are 1e\+20, which looks like no data") as caught:
        SOURCE.stack(tmp_path / "new", dataset.manifest, ())
    assert "--nodata dem=1e+20 where it means no data, --nodata dem=none" in str(caught.value)
    scene = SOURCE.stack(tmp_path / "new", dataset.manifest, ("dem=1e+20",))
    assert not scene.block(slice(3, 4), slice(3, 4)).valid.any()
    assert SOURCE.stack(tmp_path / "new", dataset.manifest, ("dem=none",)).block(slice(3, 4), slice(3, 4)).valid.all()
    raster(tmp_path / "raw/dem.tif", holes)
    known, _ = prepared(tmp_path / "raw", nodata=("dem=1e20",))
    assert not SOURCE.stack(tmp_path / "new", known.manifest, ()).block(slice(3, 4), slice(3, 4)).valid.any()
    with pytest.raises(SettingsError, match=r"--nodata: soil is not read\. It can name: dem"):
        SOURCE.stack(tmp_path / "new", dataset.manifest, ("soil=3",))
    with pytest.raises(SettingsError, match="--nodata: 'dem' is not of the form NAME=VALUE or NAME=none"):
        SOURCE.stack(tmp_path / "new", dataset.manifest, ("dem",))


def test_tiles_may_take_the_place_of_a_raster(raster: Write, table: Write, prepared: Prepare, tmp_path: Path) -> None:
    raster(tmp_path / "raw/dem.tif", RAMP)
    table(tmp_path / "raw/p.csv", [(10, 10, 1), (15, 15, 2)])
    dataset, _ = prepared(tmp_path / "raw")
    for column in (0, 16):
        part = RAMP[:, column : 16 if column == 0 else None]
        place = Affine(0.1, 0, 20 + 0.1 * column, 0, -0.1, 10)
        raster(tmp_path / f"new/dem-0000000000-{column:010d}.tif", part, transform=place)
    scene, tiled = (SOURCE.stack(tmp_path / name, dataset.manifest, ()) for name in ("raw", "new"))
    window = slice(2, 12), slice(10, 20)
    np.testing.assert_array_equal(
        tiled.block(*window).variables.array("static"), scene.block(*window).variables.array("static")
    )


def test_classes_that_the_data_set_has_not_are_counted_and_named(
    raster: Write, table: Write, prepared: Prepare, tmp_path: Path
) -> None:
    raster(tmp_path / "raw/cover.tif", (RAMP % 3 + 1).astype("uint8"))
    table(tmp_path / "raw/p.csv", [(10, 10, 1), (15, 15, 2)])
    dataset, _ = prepared(tmp_path / "raw", classes=("cover",))
    assert not SOURCE.stack(tmp_path / "raw", dataset.manifest, ()).notes
    raster(tmp_path / "new/cover.tif", np.where(RAMP < 4, 9, RAMP % 3 + 1).astype("uint8"))
    (note,) = SOURCE.stack(tmp_path / "new", dataset.manifest, ()).notes
    assert note == "cover has classes that the data set has not, where nothing is predicted: 9 (4 pixels)"


def test_a_raster_that_calls_itself_something_else_is_told(
    raster: Write, table: Write, prepared: Prepare, tmp_path: Path
) -> None:
    raster(tmp_path / "raw/dem.tif", RAMP, names=["height"])
    table(tmp_path / "raw/p.csv", [(10, 10, 1), (15, 15, 2)])
    dataset, _ = prepared(tmp_path / "raw")
    raster(tmp_path / "new/dem.tif", RAMP, names=["slope"])
    (note,) = SOURCE.stack(tmp_path / "new", dataset.manifest, ()).notes
    assert note == "dem calls itself 'slope', and the data set's 'height': check that they are the same covariate"


def test_a_part_of_the_grid_is_aligned_as_the_whole_was(
    raster: Write, table: Write, prepared: Prepare, tmp_path: Path
) -> None:
    """Rain of five minutes on 10 km: the farther north, the more of its columns lie in a pixel."""
    whole = Affine(10_000, 0, 2_900_000, 0, -10_000, 5_200_000)
    north = np.ones((360, 100), dtype=np.float32)
    raster(tmp_path / "raw/dem.tif", north, crs="EPSG:3035", transform=whole)
    rain = np.random.default_rng(6).normal(size=(600, 700)).astype(np.float32)
    for folder in ("raw", "south", "fine"):
        side = 1 / 12 if folder != "fine" else 1 / 60
        values = rain if folder != "fine" else np.kron(rain, np.ones((5, 5), np.float32))
        raster(tmp_path / folder / "rain.tif", values, transform=Affine(side, 0, -15, 0, -side, 72))
    cut = whole @ Affine.translation(0, 260)
    for folder in ("south", "fine"):
        raster(tmp_path / folder / "dem.tif", north[260:], crs="EPSG:3035", transform=cut)
    (tmp_path / "raw/p.csv").write_text("lon,lat,soc\n0,50,1\n1,49,2\n")
    dataset, _ = prepared(tmp_path / "raw", reference="dem")
    same = SOURCE.stack(tmp_path / "raw", dataset.manifest, ())
    part = SOURCE.stack(tmp_path / "south", dataset.manifest, ())
    plain = Stack(
        open_bands([Band(RasterFile(tmp_path / "south" / f"{name}.tif"), name) for name in ("dem", "rain")]),
        frozenset(),
        "dem",
    )
    methods = {layer["name"]: layer["resampling"] for layer in dataset.manifest.facts["covariates"]}
    assert {methods["rain"], plain.resampling["rain"]} == {"average", "bilinear"}, "by itself it would be the other"
    want = same.block(slice(270, 280), slice(20, 40)).variables.array("static")
    found = part.block(slice(10, 20), slice(20, 40)).variables.array("static")
    np.testing.assert_allclose(found, want, atol=1e-5)
    assert part.notes == []
    (tmp_path / "south/p.csv").write_text("lon,lat,soc\n-1,42,1\n0,41,2\n")
    other, _ = prepared(tmp_path / "south", reference="dem")
    (note,) = SOURCE.stack(tmp_path / "fine", other.manifest, ()).notes
    said = "rain is brought onto the grid as average, and was taken as bilinear in the data set"
    assert note == f"{said}: its pixels are of another size or place"
    for name in ("rain", "dem"):
        raster(tmp_path / f"same/{name}.tif", north, crs="EPSG:3035", transform=whole)
    (tmp_path / "same/p.csv").write_text("lon,lat,soc\n0,50,1\n1,49,2\n")
    on_one_grid, _ = prepared(tmp_path / "same", reference="dem")
    (note,) = SOURCE.stack(tmp_path / "raw", on_one_grid.manifest, ()).notes
    assert note.startswith("rain is brought onto the grid as average, and was taken as it lies there in the data set")


def test_a_map_on_rasters_turned_otherwise_is_refused(
    raster: Write, table: Write, prepared: Prepare, tmp_path: Path
) -> None:
    raster(tmp_path / "raw/dem.tif", RAMP)
    table(tmp_path / "raw/p.csv", [(10, 10, 1), (15, 15, 2)])
    dataset, _ = prepared(tmp_path / "raw")
    cosine, sine = 0.1 * np.cos(np.radians(30)), 0.1 * np.sin(np.radians(30))
    turned = Affine(cosine, -sine, 20, -sine, -cosine, 10)
    raster(tmp_path / "raw/dem.tif", RAMP, transform=turned)
    with pytest.raises(DataError, match=r"turned by 30\.0 degrees, and the data set's by -?0\.0"):
        SOURCE.stack(tmp_path / "raw", dataset.manifest, ())
    (tmp_path / "raw/p.csv").write_text("lon,lat,soc\n20.3,8.5,1\n20.4,8.4,2\n")
    own, reporter = prepared(tmp_path / "raw")
    assert any("turned by 30.0 degrees: windows are cut along their rows" in text for text in reporter.said)
    assert SOURCE.stack(tmp_path / "raw", own.manifest, ()).grid.width == 30


def test_every_pixel_without_a_sample_has_its_first_reason(tmp_path: Path, prepared: Prepare, raster: Write) -> None:
    cover = np.ones((20, 30), dtype=np.uint8)
    cover[:, 15:] = 2
    (tmp_path / "points.csv").write_text(
        "id,lon,lat,soc\n" + "".join(f"{k},{20.05 + 0.1 * k},9.0,{k}\n" for k in range(4, 24))
    )
    for name, values in (("height", RAMP), ("cover", cover)):
        raster(tmp_path / f"covs/{name}.tif", values, nodata=0)
    dataset, _ = prepared(tmp_path, classes=("cover",), window=3)
    holes, strange = RAMP.copy(), cover.copy()
    holes[10, 10] = holes[15, 20] = strange[15, 20] = 0
    strange[10, 24] = 7
    raster(tmp_path / "covs/height.tif", np.where(holes == RAMP, RAMP + 1, 0), nodata=0)
    raster(tmp_path / "covs/cover.tif", strange, nodata=0)
    scene = SOURCE.stack(tmp_path, dataset.manifest)
    block = scene.block(slice(0, 20), slice(0, 30))
    assert block.reason is not None
    counts = {name: int((block.reason == place).sum()) for place, name in enumerate(scene.reasons)}
    assert counts == {
        "the window crosses the edge of the rasters": 2 * 30 + 2 * 18,
        "no data in any covariate": 9,
        "no data in height": 9,
        "no data in cover": 0,
        "a class of cover that the training samples lack": 9,
    }
    np.testing.assert_array_equal(block.reason < 0, block.valid)
    part = scene.block(slice(8, 17), slice(9, 26))
    np.testing.assert_array_equal(part.reason, block.reason[8:17, 9:26])
    # Points in the pixels have the same, behind those of points alone.
    side_x, _, west, _, side_y, north = scene.grid.transform
    row, column = (axis.ravel() + 0.5 for axis in np.mgrid[0:20, 0:30])
    points = scene.points(
        points_in_degrees(np.append(west + side_x * column, [np.nan, 60]), np.append(north + side_y * row, [9, 9]))
    )
    expected = np.where(block.valid, -1, block.reason + len(POINT_REASONS)).ravel()
    assert points.reason is not None
    np.testing.assert_array_equal(points.reason, [*expected, 0, 1])
    np.testing.assert_array_equal(points.variables.array("static"), block.variables.array("static"))


METRIC = Affine(100, 0, 500_000, 0, -100, 4_600_000)
"""Of EPSG:32634."""


def test_points_on_borders_of_pixels_have_the_samples_of_the_data_set(
    raster: Write, prepared: Prepare, tmp_path: Path
) -> None:
    """In the table's own CRS, and where the data set's degrees are given."""
    raw = tmp_path / "raw"
    raster(raw / "dem.tif", RAMP, crs="EPSG:32634", transform=METRIC)
    corners = [(row, column) for row in range(3, 17) for column in range(3, 27)]
    lines = [f"{500_000 + 100 * column},{4_600_000 - 100 * row},{row}" for row, column in corners]
    (raw / "p.csv").write_text("easting,northing,soc\n" + "\n".join(lines) + "\n")
    dataset, _ = prepared(raw, crs="EPSG:32634")
    expected = [row * 100 + column for row, column in corners]
    assert dataset.array("static")[:, 0, 2, 2].tolist() == expected
    scene = SOURCE.stack(raw, dataset.manifest)
    for points in (
        *SOURCE.points(raw / "p.csv", "EPSG:32634", 1000),
        points_in_degrees(np.asarray(dataset.array("lon")), np.asarray(dataset.array("lat"))),
    ):
        block = scene.points(points)
        assert block.valid.all()
        assert block.variables.array("static")[:, 0, 2, 2].tolist() == expected


@pytest.mark.parametrize("fill", ["-9999", "-32768", "n/a", ""])
def test_rows_without_coordinates_are_the_same_to_prepare_and_predict(
    raster: Write, prepared: Prepare, tmp_path: Path, fill: str
) -> None:
    raw = tmp_path / "raw"
    raster(raw / "dem.tif", RAMP)
    lines = ["a,21.05,8.95,1", f"b,{fill},8.95,2", f"c,21.05,{fill},3", "d,60,8.95,4", "e,21.55,9.15,5"]
    (raw / "p.csv").write_text("id,lon,lat,soc\n" + "\n".join(lines) + "\n")
    dataset, _ = prepared(raw)
    assert dict(dataset.manifest.funnel.dropped) == {NO_PLACE: 2, OUTSIDE: 1}
    (points,) = SOURCE.points(raw / "p.csv", "EPSG:4326", 10)
    assert points.identity == ["a", "b", "c", "d", "e"]
    block = SOURCE.stack(raw, dataset.manifest).points(points)
    assert block.valid.tolist() == [True, False, False, False, True]
    assert block.reason is not None
    assert [POINT_REASONS[place] if place >= 0 else "" for place in block.reason] == [
        "",
        NO_PLACE,
        NO_PLACE,
        OUTSIDE,
        "",
    ]
    np.testing.assert_array_equal(block.variables.array("static"), dataset.array("static"))


def test_coordinates_that_are_no_degrees_may_be_left_empty(raster: Write, prepared: Prepare, tmp_path: Path) -> None:
    raster(tmp_path / "raw/dem.tif", RAMP)
    lines = ["21.05,8.95,1", "9999,9999,2", "21.55,9.15,5"]
    table = tmp_path / "raw/p.csv"
    table.write_text("lon,lat,soc\n" + "\n".join(lines) + "\n")
    for read in (lambda: list(SOURCE.points(table, "EPSG:4326", 10)), lambda: prepared(tmp_path / "raw")):
        with pytest.raises(DataError, match=r"p\.csv, line 3: .* leave coordinates that are not known empty\."):
            read()
    table.write_text("lon,lat,soc\n" + "\n".join([lines[0], ",,2", lines[2]]) + "\n")
    assert prepared(tmp_path / "raw")[0].manifest.funnel.kept == 2
    (points,) = SOURCE.points(table, "EPSG:4326", 10)
    assert points.has_place.tolist() == [True, False, True]
