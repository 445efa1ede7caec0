"""Every source with synthetic raw files and the data set made of them; every model, trained for a few steps."""

from __future__ import annotations

from pathlib import Path

import pytest
from model_case import Case, settings_of_demo

from geoml_cli import registry
from geoml_cli.dataset.store import Dataset
from geoml_cli.stages.prepare import Raw, prepare
from geoml_cli.stages.train import RunLocation, train
from geoml_cli.work.reporting import NullReporter


@pytest.fixture(scope="module", params=registry.sources())
def made(request, tmp_path_factory):
    """Give a source with synthetic raw files and the data set made of them."""
    folder = tmp_path_factory.mktemp(request.param)
    options = registry.source(request.param).synthetic(folder / "raw", 5)
    raw = Raw(request.param, folder / "raw", options)
    return raw, Dataset(prepare(raw, folder / "data", NullReporter()).folder)


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory):
    """Give a function that returns a source's synthetic raw files, written once."""
    written: dict[str, Path] = {}

    def raw(source: str) -> Path:
        if source not in written:
            written[source] = tmp_path_factory.mktemp(source) / "raw"
            registry.source(source).synthetic(written[source], 5)
        return written[source]

    return raw


@pytest.fixture(scope="module", params=registry.models())
def case(request, tmp_path_factory) -> Case:
    folder, model = tmp_path_factory.mktemp(request.param), request.param
    source = registry.card(model).demo.source
    options = registry.source(source).synthetic(folder / "raw", 3)
    dataset = Dataset(prepare(Raw(source, folder / "raw", options), folder / source, NullReporter()).folder)
    settings = settings_of_demo(model)
    run = train(settings, dataset, RunLocation(folder / "run", cpu=True), None, NullReporter())
    return Case(settings, dataset, run)
