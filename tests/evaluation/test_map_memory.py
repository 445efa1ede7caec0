"""Memory of an evaluation of forecasts: a few maps, however many forecasts there are."""

from __future__ import annotations

import tracemalloc

import pytest
from map_case import land_of, maps, write_maps

from geoml_cli.config.load import load
from geoml_cli.evaluation.inputs import open_network
from geoml_cli.evaluation.maps import sum_maps
from geoml_cli.inference.load import open_trained
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


def peak_maps(run, subset):
    """Return the number of forecasts and the peak memory, in maps of float64."""
    trained, dataset = run
    inputs = open_network(open_trained(trained), dataset, subset, "")
    tracemalloc.start()
    try:
        sums = sum_maps(inputs, NullReporter())
        return len(sums.rows_N), tracemalloc.get_traced_memory()[1] / (8 * SHAPE[0] * SHAPE[1])
    finally:
        tracemalloc.stop()


def test_memory_is_that_of_some_maps_and_not_of_all_forecasts(run):
    few, of_few = peak_maps(run, "validation")
    many, of_many = peak_maps(run, "train")
    assert many > 3 * few
    assert of_many < 1.1 * of_few, (of_few, of_many)
    # Climatology of 12 months, sums of 5 models' cells, and some maps of 3 lead times.
    assert of_many < 48
