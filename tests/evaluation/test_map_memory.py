"""Memory of an evaluation of forecasts: a few maps, however many forecasts there are."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from map_case import land_of, maps, write_maps

from geoml_cli.config.load import load
from geoml_cli.evaluation import maps as maps_module
from geoml_cli.evaluation.inputs import open_network
from geoml_cli.evaluation.maps import sum_maps
from geoml_cli.inference.load import open_trained
from geoml_cli.runs.kept import KeptArrays
from geoml_cli.stages.train import RunLocation, train
from geoml_cli.work.reporting import NullReporter

SHAPE = (150, 200)
QUICK = ("network.variant=simvp", "frames.most_cells=128", "train.epochs=1", "train.threads=1", "predict.batch_size=1")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    dataset = write_maps(folder / "maps", maps(60, SHAPE), land_of(SHAPE))
    settings = load("tidenet", "small", None, {}, QUICK)
    return train(settings, dataset, RunLocation(folder / "r", cpu=True), None, NullReporter()), dataset


def in_batches(inputs, size, kept=None):
    shared = inputs.settings.shared
    predict = shared.predict.model_copy(update={"batch_size": size})
    settings = replace(inputs.settings, shared=shared.model_copy(update={"predict": predict}))
    return replace(inputs, settings=settings, kept=kept)


def peak_maps(run, subset, batch=1, kept=None):
    """Return the number of forecasts and the peak memory, in maps of float64."""
    trained, dataset = run
    inputs = in_batches(open_network(open_trained(trained), dataset, subset, ""), batch, kept)
    tracemalloc.start()
    try:
        sums = sum_maps(inputs, NullReporter())
        return len(sums.rows_N), tracemalloc.get_traced_memory()[1] / (8 * SHAPE[0] * SHAPE[1])
    finally:
        tracemalloc.stop()


def test_memory_is_that_of_some_maps_and_not_of_all_forecasts(run, tmp_path, monkeypatch):
    monkeypatch.setattr(maps_module, "_FORECASTS", 2)
    few, of_few = peak_maps(run, "validation", kept=KeptArrays(tmp_path / "few"))
    many, of_many = peak_maps(run, "train", kept=KeptArrays(tmp_path / "many"))
    assert many > 3 * few > 6 and len(list(tmp_path.glob("few/*"))) > 1
    assert of_many < 1.1 * of_few, (of_few, of_many)
    # Climatology of 12 months; sums of 5 models' cells over all, over a block and as they are kept; maps of 3 leads.
    assert of_many < 72


def test_forecasts_are_made_together_and_scored_one_by_one(run):
    _, alone = peak_maps(run, "train")
    _, together = peak_maps(run, "train", batch=8)
    assert together < 1.1 * alone, (together, alone)


def test_scores_are_those_of_batches_of_another_size(run):
    trained, dataset = run
    inputs = open_network(open_trained(trained), dataset, "validation", "")
    alone, together = (sum_maps(in_batches(inputs, size), NullReporter()) for size in (1, 3))
    assert len(alone.rows_N) > 3
    assert np.array_equal(alone.rows_N, together.rows_N)
    for model in alone.models():
        for function, sums in alone.joined(model).items():
            assert np.allclose(together.joined(model)[function], sums, rtol=1e-5)
        assert np.allclose(alone.cells[model], together.cells[model], rtol=1e-4, atol=1e-4)
    assert len(alone.distances) == len(together.distances)


def test_what_is_kept_is_what_was_summed_in_the_same_order(run, tmp_path):
    trained, dataset = run
    inputs = in_batches(open_network(open_trained(trained), dataset, "validation", ""), 1)
    plain = sum_maps(inputs, NullReporter())
    for _ in range(2):
        kept = sum_maps(replace(inputs, kept=KeptArrays(tmp_path / "kept")), NullReporter())
        assert list(kept.power) == list(plain.power) and kept.models() == plain.models() == list(plain.cells)
        for model in plain.models():
            assert np.array_equal(kept.cells[model], plain.cells[model])
            assert np.array_equal(kept.power[model], plain.power[model])
            for function, sums in plain.joined_scaled(model).items():
                assert np.array_equal(kept.joined_scaled(model)[function], sums)
        assert np.array_equal(np.concatenate(kept.distances), np.concatenate(plain.distances))
