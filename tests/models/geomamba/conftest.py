"""One thread: on a busy machine PyTorch's threads wait for each other at every small operator."""

import pytest
import torch


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def flux(tmp_path_factory):
    """Give a data set of synthetic towers with daily records, prepared once."""
    from geoml_cli.dataset.store import Dataset
    from geoml_cli.sources.fluxnet.source import SOURCE
    from geoml_cli.stages.prepare import Raw, prepare
    from geoml_cli.work.reporting import NullReporter

    raw = tmp_path_factory.mktemp("fluxnet")
    options = SOURCE.synthetic(raw, 3)
    return Dataset(
        prepare(Raw("fluxnet", raw, options), tmp_path_factory.mktemp("data") / "fluxnet", NullReporter()).folder
    )
