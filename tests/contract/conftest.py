"""Every source with synthetic raw files and the data set made of them; every model, trained for a few steps."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from filelock import FileLock
from model_case import Case, settings_of_demo

from geoml_cli import registry
from geoml_cli.dataset.store import Dataset
from geoml_cli.runs.run import Run
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


@pytest.fixture(scope="module")
def dataset(synthetic, tmp_path_factory):
    """Give a function that returns the folder of data sets that holds a source's."""
    root = tmp_path_factory.mktemp("data")

    def folder(source):
        if not (root / source).exists():
            options = registry.source(source).synthetic(tmp_path_factory.mktemp("spare"), 5)
            prepare(Raw(source, synthetic(source), options), root / source, NullReporter())
        return root

    return folder


@pytest.fixture(scope="module", params=registry.models())
def case(request, tmp_path_factory) -> Case:
    model = request.param
    own = shutil.copytree(_trained_once(model, tmp_path_factory), tmp_path_factory.mktemp(model) / "own")
    source = registry.card(model).demo.source
    return Case(settings_of_demo(model), Dataset(own / source), Run(own / "run"))


def _trained_once(model: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the data of a model's demo and a run, which test processes side by side share."""
    folder = tmp_path_factory.getbasetemp()
    shared = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
    made, source = shared / f"case-{model}", registry.card(model).demo.source
    with FileLock(f"{made}.lock"):
        if not made.exists():
            fresh = made.with_suffix(".new")
            options = registry.source(source).synthetic(fresh / "raw", 3)
            raw = Raw(source, fresh / "raw", options)
            dataset = Dataset(prepare(raw, fresh / source, NullReporter()).folder)
            train(settings_of_demo(model), dataset, RunLocation(fresh / "run", cpu=True), None, NullReporter())
            fresh.rename(made)
    return made
