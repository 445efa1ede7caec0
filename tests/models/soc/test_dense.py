"""Windows of a block are predicted as windows are, whichever way their edges are padded."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from geoml_cli.inference.predictor import Predictor, ScaledNetwork
from geoml_cli.inference.trained_ranges import InputRanges
from geoml_cli.models.soc.settings import SocTables
from geoml_cli.models.soc.spec import SPEC
from geoml_cli.models.spec import SINGLE
from geoml_cli.samples.patches import Patches
from geoml_cli.samples.samples import Input, Samples, Target, signature
from geoml_cli.samples.scaling import fit
from geoml_cli.samples.settings import InputSettings, TargetSettings

HEIGHT, WIDTH, COVARIATES = 14, 11, 3
CLOSE = {"rtol": 1e-5, "atol": 1e-5}
"""Float32 sums in another order; predictions are of the order of 1."""


def samples(variant: str, wanted: np.ndarray) -> tuple[Samples, Samples]:
    """Return samples of the wanted windows of a block with missing pixels: as a block, and cut out."""
    random = np.random.default_rng(0)
    block = random.normal(5, 2, (COVARIATES, HEIGHT + 4, WIDTH + 4)).astype(np.float32)
    missing = np.zeros(block.shape[1:], dtype=bool)
    missing[6, 7] = missing[0, 0] = True
    block[1, missing] = np.nan
    touched = np.lib.stride_tricks.sliding_window_view(missing, (5, 5)).any(axis=(2, 3))
    patches = Patches(block, *np.nonzero(wanted & ~touched), 5)
    series = random.normal(size=(len(patches), 4, 2)).astype(np.float32)
    target = Target("soc", "%", random.lognormal(size=len(patches)).astype(np.float32))
    loaded = {"series": Input(series, axis=2, names=("evi", "lsp"))} if variant == "cnn-lstm" else {}
    return tuple(  # type: ignore[return-value]
        Samples({"static": Input(values, axis=1, names=("a", "b", "c")), **loaded}, target)
        for values in (patches, patches[:])
    )


def predictor(variant: str, windows: Samples, size: int | None) -> Predictor:
    record = SPEC.networks(SocTables.model_validate({"network": {"variant": variant}}))[SINGLE]
    seen, rows = signature(windows), np.arange(len(windows) // 2)
    scaling = fit(windows, rows, InputSettings(), TargetSettings(scaling="standard"))
    members = []
    for seed in range(2):
        torch.manual_seed(seed)
        members.append(ScaledNetwork(record.build(seen), record, scaling))
    found = Predictor(members, record.task(seen), size, torch.device("cpu"))
    found.ranges = InputRanges(seen, [scaling])
    return found


@pytest.mark.parametrize("variant", ["cnn", "cnn-lstm"])
@pytest.mark.parametrize("size", [1, 25, 4096, None])
@pytest.mark.parametrize("share", [1.0, 0.1])
def test_a_block_is_predicted_as_its_windows(variant, size, share):
    wanted = np.random.default_rng(1).random((HEIGHT, WIDTH)) < share
    block, windows = samples(variant, wanted)
    both = predictor(variant, windows, size)
    rows = np.arange(len(windows))
    expected, inside = both.each(windows, rows), both.ranges.taken()
    found = both.each(block, rows)
    assert expected.std() > 0.01 and torch.isfinite(expected).all()
    np.testing.assert_allclose(found, expected, **CLOSE)
    np.testing.assert_array_equal(both.ranges.taken(), inside)
    assert inside[:, 1].any(), "values outside of the range of the training rows are counted"
    np.testing.assert_allclose(both.each(block, rows[::-3].copy()), expected.flip(1)[:, ::3], **CLOSE)


def test_batches_follow_the_width_of_the_network(monkeypatch):
    _, windows = samples("cnn", np.ones((HEIGHT, WIDTH), dtype=bool))
    rows, sizes, forward = np.arange(len(windows)), [], ScaledNetwork.forward
    expected = predictor("cnn", windows, len(rows)).each(windows, rows)
    monkeypatch.setattr("geoml_cli.layers.widths._NUMBERS", {"cpu": 2**14})
    monkeypatch.setattr(ScaledNetwork, "forward", lambda *given: sizes.append(len(given[1])) or forward(*given))
    found = predictor("cnn", windows, None).each(windows, rows)
    measured, batches = sizes[:2], sizes[2::2]
    assert measured == [2, 3] and 1 < max(batches) < len(rows) / 2 and sum(batches) == len(rows)
    np.testing.assert_allclose(found, expected, **CLOSE)


def test_a_pixel_does_not_depend_on_the_block_that_it_is_read_with():
    block, _ = samples("cnn", np.ones((HEIGHT, WIDTH), dtype=bool))
    patches = block.inputs["static"].values
    assert isinstance(patches, Patches)
    whole = predictor("cnn", Samples({"static": Input(patches[:], 1, ("a", "b", "c"))}, block.target), 4096)
    expected = whole.each(block, np.arange(len(patches)))
    corner = (patches.rows >= 5) & (patches.columns >= 3)
    part = Patches(patches.block[:, 5:, 3:], patches.rows[corner] - 5, patches.columns[corner] - 3, 5)
    found = whole.each(Samples({"static": Input(part, 1, ("a", "b", "c"))}, block.target), np.arange(len(part)))
    np.testing.assert_allclose(found, expected[:, corner], **CLOSE)


def test_no_window_gives_no_prediction():
    block, windows = samples("cnn", np.ones((HEIGHT, WIDTH), dtype=bool))
    none = np.empty(0, dtype=np.int64)
    assert predictor("cnn", windows, 8).each(block, none).shape == (2, 0)
