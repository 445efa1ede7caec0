"""Maps cropped, padded and resized: exact where nothing is resized, weighted by the sea where something is."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import torch
from torch.nn import functional

from geoml_cli.samples import frames as frames_module
from geoml_cli.samples.frames import Frames, FrameSeries
from geoml_cli.samples.spatial import Geometry, SpatialTransform

ROWS, COLUMNS = 18, 43


def land_of(rows=ROWS, columns=COLUMNS) -> np.ndarray:
    land = np.zeros((rows, columns), dtype=bool)
    land[:5, :7] = land[-2:, -9:] = True
    return land


def maps_of(land, count=3) -> torch.Tensor:
    maps = torch.from_numpy(np.random.default_rng(1).normal(290, 5, (count, *land.shape)).astype(np.float32))
    maps[:, torch.from_numpy(land)] = torch.nan
    return maps


def test_padding_alone_is_inverted_exactly():
    land = land_of()
    spatial = SpatialTransform(Geometry((ROWS, COLUMNS), multiple=8), land)
    maps = maps_of(land)
    found = spatial(maps)
    assert found.shape == (3, 24, 48)
    assert torch.equal(torch.isfinite(found).sum(dim=(1, 2)), torch.full((3,), int((~land).sum())))
    torch.testing.assert_close(spatial.inverse(found.nan_to_num(1e6)), maps, equal_nan=True, rtol=0, atol=0)


def test_a_crop_keeps_its_place_and_the_rest_is_missing():
    spatial = SpatialTransform(Geometry((ROWS, COLUMNS), crop=(8, 11, 8, 16)), land_of())
    maps = maps_of(land_of())
    found = spatial(maps)
    torch.testing.assert_close(found, maps[:, 8:16, 11:27])
    back = spatial.inverse(found)
    torch.testing.assert_close(back[:, 8:16, 11:27], maps[:, 8:16, 11:27])
    assert int(torch.isfinite(back).sum()) == 3 * 8 * 16


def test_a_square_is_padded_evenly_and_resized_as_torch_does_without_gaps():
    """The paper's way: 1024 x 1000 padded by 12 columns on each side, antialiased bilinear to 128."""
    none = np.zeros((102, 100), dtype=bool)
    spatial = SpatialTransform(Geometry((102, 100), square=True, size=(16, 16), zero=True), none)
    maps = torch.from_numpy(np.random.default_rng(1).normal(0, 1, (2, 102, 100)).astype(np.float32))
    padded = functional.pad(maps, (1, 1))[:, None]
    expected = functional.interpolate(padded, size=(16, 16), mode="bilinear", antialias=True, align_corners=False)
    torch.testing.assert_close(spatial(maps), expected[:, 0], rtol=1e-4, atol=1e-5)


def test_land_has_no_weight_in_either_direction():
    land = land_of(32, 32)
    spatial = SpatialTransform(Geometry((32, 32), size=(16, 16)), land)
    constant = torch.full((1, 32, 32), 7.0)
    constant[:, torch.from_numpy(land)] = torch.nan
    found = spatial(constant)
    assert torch.isnan(found).any()
    np.testing.assert_allclose(found[torch.isfinite(found)], 7.0, rtol=1e-6)
    # What a network puts out over land is arbitrary, and must not leak over the coast.
    back = spatial.inverse(torch.where(torch.isfinite(found), found, torch.tensor(1e6)))
    np.testing.assert_allclose(back[torch.isfinite(back)], 7.0, rtol=1e-5)
    assert torch.isnan(back[:, torch.from_numpy(land)]).all()
    assert torch.equal(torch.isfinite(back[0]), spatial.covered)


@pytest.mark.parametrize("size", [(9, 20), (20, 31), (60, 31)])
def test_every_sea_cell_has_a_value_of_a_resized_map(size):
    """Inlets of one cell, and a pond, lie in cells of the network that are land by more than half."""
    land = np.zeros((60, 100), dtype=bool)
    land[:, 50:] = True
    land[20, 50:90] = land[33, 77] = False
    spatial = SpatialTransform(Geometry(land.shape, size=size), land)
    np.testing.assert_array_equal(spatial.covered, ~land)
    maps = torch.from_numpy(np.where(land, np.nan, np.where(np.arange(100) < 50, 1.0, 3.0))[None].astype(np.float32))
    found = spatial(maps)
    assert torch.equal(torch.isfinite(found[0]), spatial.known > 0)
    back = spatial.inverse(found.nan_to_num(1e6))[0].numpy()
    np.testing.assert_allclose(back[33, 77], 3.0, rtol=1e-5)
    np.testing.assert_allclose(back[20, 60:88], 3.0, rtol=1e-5)
    assert np.isnan(back[land]).all()
    maps[0, 33, 77] = torch.nan  # all of the pond is missing for once: no value is made up
    assert torch.isfinite(spatial(maps)).sum() == torch.isfinite(found).sum() - 1


def test_what_the_crop_leaves_out_has_no_value_whatever_the_size():
    land = np.ones((40, 40), dtype=bool)
    land[5, 5] = land[20:, 20:] = False
    spatial = SpatialTransform(Geometry(land.shape, crop=(10, 10, 30, 30), size=(8, 8)), land)
    assert not spatial.covered[5, 5] and spatial.covered[20:, 20:].all()


@pytest.mark.parametrize("zero", [False, True])
@pytest.mark.parametrize("size", [None, (6, 14)])
def test_values_on_land_count_for_nothing(size, zero):
    land = land_of()
    spatial = SpatialTransform(Geometry((ROWS, COLUMNS), multiple=8, size=size, zero=zero), land)
    maps = maps_of(land)
    torch.testing.assert_close(spatial(maps.nan_to_num(1e6)), spatial(maps), equal_nan=True, rtol=0, atol=0)


def test_missing_cells_of_the_sea_are_left_to_the_mean_of_the_others():
    spatial = SpatialTransform(Geometry((4, 4), size=(2, 2)), np.zeros((4, 4), dtype=bool))
    maps = torch.ones(1, 4, 4)
    maps[0, 0, 0] = torch.nan
    found = spatial(maps)
    torch.testing.assert_close(found, torch.ones(1, 2, 2))


def test_a_crop_outside_of_the_map_is_our_own_error():
    with pytest.raises(AssertionError, match="inside"):
        SpatialTransform(Geometry((4, 4), crop=(2, 0, 4, 4)), np.zeros((4, 4), dtype=bool))


def test_frames_are_windows_of_the_series():
    land = land_of()
    maps = maps_of(land, 10).numpy()
    spatial = SpatialTransform(Geometry(land.shape, multiple=8), land)
    series = FrameSeries(maps, spatial, np.arange(10) % 12, np.ones(land.shape), [str(k) for k in range(10)])
    frames = Frames(series, np.arange(7), 3)
    assert len(frames) == 7 and frames.shape == (7, 3, 24, 48)
    rows = np.array([4, 0, 4])
    assert np.array_equal(frames.steps(rows), [[4, 5, 6], [0, 1, 2], [4, 5, 6]])
    np.testing.assert_array_equal(frames.native(rows), maps[frames.steps(rows)])
    expected = spatial(torch.from_numpy(maps))[frames.steps(rows)]
    torch.testing.assert_close(torch.from_numpy(frames[rows]), expected, equal_nan=True)
    torch.testing.assert_close(frames.gatherer()(torch.from_numpy(rows)), expected, equal_nan=True)


def test_without_a_resize_cells_are_moved_and_not_computed():
    """Matrices of zeros and ones would give the same; at 2104 x 1304 cells they take a second a map."""
    geometry = Geometry((ROWS, COLUMNS), crop=(3, 5, 12, 30), square=True)
    spatial = SpatialTransform(geometry, land_of())
    assert "rows_down" not in spatial.state_dict()
    maps = maps_of(land_of())
    found = spatial(maps)
    assert found.shape == (3, 30, 30)
    torch.testing.assert_close(found[:, 9:21], maps[:, 3:15, 5:35], equal_nan=True, rtol=0, atol=0)
    assert torch.isnan(found[:, :9]).all() and torch.isnan(found[:, 21:]).all()
    back = spatial.inverse(found.nan_to_num(1e6))
    torch.testing.assert_close(back[:, 3:15, 5:35], maps[:, 3:15, 5:35], equal_nan=True, rtol=0, atol=0)
    assert torch.isnan(back[:, :3]).all() and torch.isnan(back[..., 35:]).all()


@pytest.mark.parametrize("size", [None, (8, 16)])
def test_maps_have_the_same_bits_however_few_are_kept(size, monkeypatch):
    land, requests = land_of(), np.random.default_rng(2).integers(0, 20, (40, 5, 3))
    maps = maps_of(land, 20).numpy()
    spatial = SpatialTransform(Geometry(land.shape, size=size, multiple=1 if size else 8), land)

    def series() -> FrameSeries:
        return FrameSeries(maps, spatial, np.arange(20) % 12, np.ones(land.shape), [str(k) for k in range(20)])

    whole = series()
    expected = [whole.maps(steps) for steps in requests]
    for kept in (1, 4, 15, 19):
        monkeypatch.setattr(frames_module, "_MOST_KEPT", kept * 4 * spatial.known.numel())
        few = series()
        for steps, found in zip(requests, expected, strict=True):
            np.testing.assert_array_equal(few.maps(steps), found)
    assert whole.maps(requests[0][0][:0]).shape == (0, *spatial.geometry.shape)


def test_large_maps_are_not_all_kept_in_memory(monkeypatch):
    """Of 64 maps of 256 KiB, 4 are kept; a batch of two windows is 8 more."""
    monkeypatch.setattr(frames_module, "_MOST_KEPT", 2**20)
    none = np.zeros((256, 256), dtype=bool)
    maps = np.random.default_rng(1).standard_normal((64, 256, 256), dtype=np.float32)
    tracemalloc.start()
    series = FrameSeries(maps, SpatialTransform(Geometry(none.shape), none), np.arange(64), np.ones((1, 1)), ["x"] * 64)
    frames = Frames(series, np.arange(61), 4)
    for row in range(0, 60, 2):
        assert np.array_equal(frames[np.array([row, row + 1])][1], maps[row + 1 : row + 5])
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 5 * 2**20
