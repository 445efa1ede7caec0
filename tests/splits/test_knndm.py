"""Folds matched to the map by distance: cases that are computed by hand, and clustered samples under a wide map."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from geoml_cli.dataset.store import Block
from geoml_cli.errors import DataError, SettingsError
from geoml_cli.samples.coordinates import EARTH_RADIUS_KM, nearest_km
from geoml_cli.splits import knndm
from geoml_cli.splits.knndm import fold_distances, match
from geoml_cli.splits.map_points import map_points
from geoml_cli.splits.members import splits
from geoml_cli.splits.settings import SplitSettings

DEGREE_KM = np.pi / 180 * EARTH_RADIUS_KM
PAIRS = np.array([(lon + away, 0.0) for lon in (0, 10, 20, 30) for away in (0, 0.1)])
"""Four pairs of places on the equator, 10 degrees from pair to pair, 0.1 within one."""


def north_of(degrees: float) -> np.ndarray:
    return np.stack([PAIRS[:, 0], np.full(len(PAIRS), degrees)], axis=1)


def clustered(count: int = 120) -> np.ndarray:
    """Samples about six towns."""
    random = np.random.default_rng(3)
    town = random.uniform([20, 40], [24, 43], (6, 2))
    return np.unique((town[random.integers(0, 6, count)] + random.normal(0, 0.05, (count, 2))).round(5), axis=0)


def test_of_a_far_map_pairs_are_held_out_whole():
    """Six places have the next pair at 9.9 degrees, two at 10; the map is 9.9 away: 2 x 0.1 / 8 degrees on average."""
    found = match(PAIRS, north_of(9.9), 4, seed=1)
    pairs = found.fold_U.reshape(4, 2)
    assert (pairs[:, 0] == pairs[:, 1]).all() and sorted(pairs[:, 0]) == [0, 1, 2, 3]
    np.testing.assert_array_equal(found.cluster_U.reshape(4, 2)[:, 0], found.cluster_U.reshape(4, 2)[:, 1])
    assert found.distance_km == pytest.approx(0.025 * DEGREE_KM, rel=1e-6)
    distances = np.sort(fold_distances(PAIRS, found.fold_U)) / DEGREE_KM
    np.testing.assert_allclose(distances, [9.9] * 6 + [10.0] * 2, rtol=1e-9)


def test_of_a_near_map_pairs_are_parted():
    """Each place has the other of its pair in training, at 0.1 degrees, where the map is as near to the samples."""
    found = match(PAIRS, north_of(0.1), 4, seed=1)
    pairs = found.fold_U.reshape(4, 2)
    assert (pairs[:, 0] != pairs[:, 1]).all()
    assert found.distance_km == pytest.approx(0, abs=1e-6)


def test_of_clustered_samples_under_a_wide_map_distances_are_nearer_to_the_map_than_those_of_random_folds():
    places = clustered()
    points = map_points("", places)
    wanted = nearest_km(points, places)
    found = match(places, points, 5, seed=1)
    own = wasserstein_distance(fold_distances(places, found.fold_U), wanted)
    assert own == pytest.approx(found.distance_km)
    random = np.random.default_rng(5)
    others = [random.permutation(np.arange(len(places)) % 5) for _ in range(20)]
    assert own < 0.6 * min(wasserstein_distance(fold_distances(places, fold), wanted) for fold in others)
    assert np.bincount(found.fold_U).max() <= len(places) / 2


def test_of_samples_spread_as_the_map_is_folds_are_at_least_as_near_as_random_ones():
    places = np.random.default_rng(4).uniform([20, 40], [24, 43], (200, 2))
    points = np.random.default_rng(5).uniform([20, 40], [24, 43], (2000, 2))
    wanted = nearest_km(points, places)
    fold = np.random.default_rng(1).permutation(np.arange(200) % 5)
    assert match(places, points, 5, 1).distance_km <= wasserstein_distance(fold_distances(places, fold), wanted)


def test_all_samples_of_a_place_are_in_one_fold_and_rows_without_target_change_nothing():
    places = clustered()
    lon, lat = np.repeat(places, 3, axis=0).T
    rows = len(lon)
    usable = np.flatnonzero(np.arange(rows) % 3 != 1)
    found = splits(Block({"lon": lon, "lat": lat}, {}, {}), SplitSettings(kind="knndm", folds=4), usable, rows)
    assert list(found) == ["fold-1", "fold-2", "fold-3", "fold-4"]
    place = np.repeat(np.arange(len(places)), 3)
    for split in found.values():
        for one, other in (("train", "test"), ("train", "validation"), ("validation", "test")):
            assert not np.intersect1d(place[split.rows(one)], place[split.rows(other)]).size
    alone = splits(Block({"lon": lon[usable], "lat": lat[usable]}, {}, {}), SplitSettings(kind="knndm", folds=4),
                   np.arange(len(usable)), len(usable))  # fmt: skip
    for name, split in found.items():
        np.testing.assert_array_equal(split.test, usable[alone[name].test])


def test_very_many_places_are_joined_by_cells_first(monkeypatch):
    places = clustered(400)
    points = map_points("", places)
    exact = match(places, points, 5, 1)
    monkeypatch.setattr(knndm, "_MOST_JOINED", 60)
    monkeypatch.setattr(knndm, "_MOST_MEASURED", 100)
    coarse = match(places, points, 5, 1)
    assert len(np.unique(coarse.cluster_U)) <= 60
    assert coarse.distance_km == pytest.approx(exact.distance_km, rel=0.3)


def test_too_few_places_and_a_single_fold_are_refused():
    data = Block({"lon": np.array([1.0, 1, 2, 3]), "lat": np.zeros(4)}, {}, {})
    with pytest.raises(DataError, match=r"samples lie at 3 places, which cannot be split into 2 folds of two or more"):
        splits(data, SplitSettings(kind="knndm", folds=2), np.arange(4), 4)
    with pytest.raises(ValueError, match=r"needs folds, such as split.folds = 10"):
        SplitSettings(kind="knndm")
    with pytest.raises(ValueError, match="group_by has no place in kind = 'knndm'"):
        SplitSettings(kind="knndm", folds=3, group_by="day")


def test_points_are_spread_evenly_over_the_hull_across_the_date_line_and_over_a_pole():
    date_line = map_points("", np.array([[179.0, 0], [-179, 0], [179, 2], [-179, 2]]))
    assert (np.abs(date_line[:, 0]) >= 178.99).all() and len(date_line) == pytest.approx(2000, rel=0.05)
    assert ((date_line[:, 1] > -0.01) & (date_line[:, 1] < 2.01)).all()
    pole = map_points("", np.array([[0.0, 80], [90, 80], [180, 80], [-90, 80]]))
    assert pole[:, 1].min() > 79.9 and pole[:, 1].max() > 89
    # A strip's halves, of 2 and of 4 degrees' height, hold points as their areas are.
    strip = map_points("", np.array([[0.0, -1], [0, 1], [10, -1], [10, 1]]))
    assert (np.abs(strip[:, 1]) < 0.5).mean() == pytest.approx(0.5, abs=0.05)


def test_places_on_a_line_are_their_own_map():
    line = np.array([[0.0, 0], [1, 0], [2, 0]])
    np.testing.assert_array_equal(map_points("", line), line)


def test_points_come_from_a_table(tmp_path):
    file = tmp_path / "map.csv"
    file.write_text("\ufeffid,lat,lon\na,41.5,20.5\nb,42,21\n", encoding="utf-8")
    np.testing.assert_array_equal(map_points(str(file), PAIRS), [[20.5, 41.5], [21, 42]])
    file.write_text("lon,lat\n" + "".join(f"{k / 1000},1\n" for k in range(9000)))
    assert 1000 < len(map_points(str(file), PAIRS)) <= 2000


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x,y\n1,2\n", "map.csv: has no column lon and no column lat"),
        ("lon,lat\n1,2\n4,\n", "map.csv, line 3: lon = 4, lat =  is no place"),
        ("lon,lat\n1,95\n", "map.csv, line 2: lon = 1, lat = 95 is no place"),
        ("lon,lat\n", "map.csv: holds no points"),
    ],
)
def test_a_table_without_places_is_refused(text, told, tmp_path):
    file = tmp_path / "map.csv"
    file.write_text(text)
    with pytest.raises(DataError) as caught:
        map_points(str(file), PAIRS)
    assert told in str(caught.value)


def test_points_come_from_the_valid_pixels_of_a_raster(tmp_path):
    rasterio = pytest.importorskip("rasterio", reason="the extra raster is not installed")
    file, values = tmp_path / "map.tif", np.ones((1, 200, 300), dtype=np.float32)
    values[:, :, 150:] = -9999
    at = rasterio.Affine(1000, 0, 500000, 0, -1000, 4600000)
    profile = {"driver": "GTiff", "width": 300, "height": 200, "count": 1, "dtype": "float32", "crs": "EPSG:32634"}
    with rasterio.open(file, "w", **profile, transform=at, nodata=-9999) as out:
        out.write(values)
    found = map_points(str(file), PAIRS)
    assert 500 < len(found) <= 2000
    assert 20.99 < found[:, 0].min() and found[:, 0].max() < 22.9, "150 km east of 21 degrees, the rest is missing"
    assert found[:, 1].max() < 41.6 and found[:, 1].min() > 39.7
    file.write_bytes(file.read_bytes()[:200])
    with pytest.raises(DataError, match="cannot be read as a raster"):
        map_points(str(file), PAIRS)


def test_files_that_are_not_there_or_of_another_kind_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"there is no file .*leave it out \(--set split.map_points=\)"):
        map_points(str(tmp_path / "none.csv"), PAIRS)
    with pytest.raises(SettingsError, match=r"is neither a table nor a raster.*\.csv, \.tif, \.tiff"):
        map_points("map.shp", PAIRS)
