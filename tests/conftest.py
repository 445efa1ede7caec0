"""What tests share: a small prepared data set, and the command run in this process."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from matplotlib.layout_engine import ConstrainedLayoutEngine

from geoml_cli.cli.app import main

# Tests run side by side: threads of their own would wait for each other, and keep a core busy with it. Before torch
# starts its own.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # tests start the command by the hundred: compiled once

sys.path.insert(0, str(Path(__file__).parent))  # tests/weights.py and the like

from quick import QUICK

# How fast a machine is, is no test's matter.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


LAYOUT = ConstrainedLayoutEngine.execute


@dataclass(frozen=True)
class Result:
    """What a command left behind."""

    code: int
    out: str
    err: str


Geoml = Callable[..., Result]


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the surroundings of the tests out of them."""
    for name in ("GEOML_DATA", "GEOML_RUNS", "RANK", "WORLD_SIZE", "NO_COLOR", "CI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("GEOML_JOBS", "1")  # of several, start-up would be most of a test's time
    monkeypatch.setenv("GEOML_DEBUG", "1")


@pytest.fixture(scope="session", autouse=True)
def without_layout() -> Iterator[None]:
    """Draw figures where they stand: to move them apart takes half of the drawing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ConstrainedLayoutEngine, "execute", lambda self, figure: None)
        yield


@pytest.fixture(autouse=True)
def with_layout(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw figures as users see them in their own tests."""
    if "figures" in request.path.parts:
        monkeypatch.setattr(ConstrainedLayoutEngine, "execute", LAYOUT)


@pytest.fixture
def geoml(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Geoml:
    """Give a function that runs the command in this process: `geoml("list", "--json").out`."""

    def run(*arguments: object) -> Result:
        capfd.readouterr()
        monkeypatch.setattr(sys, "argv", ["geoml", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        found = capfd.readouterr()
        return Result(code, found.out, found.err)

    return run


@pytest.fixture(scope="session")
def raw_soc(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give synthetic raw files of source soc, written once; not to be changed."""
    from geoml_cli.sources.soc.source import SOURCE

    folder = tmp_path_factory.mktemp("raw soc é")
    SOURCE.synthetic(folder, 3)
    return folder


@pytest.fixture(scope="session")
def data_root(raw_soc: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder of prepared data with source soc in it, made once; not to be changed."""
    from geoml_cli.sources.soc.source import SOURCE
    from geoml_cli.stages.prepare import Raw, prepare
    from geoml_cli.work.reporting import NullReporter

    root = tmp_path_factory.mktemp("data")
    options = SOURCE.synthetic(tmp_path_factory.mktemp("spare"), 3)
    prepare(Raw("soc", raw_soc, options), root / "soc", NullReporter())
    return root


@pytest.fixture(scope="session")
def trained(data_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of a quickly trained run of soc, preset map; not to be changed but by adding files."""
    from geoml_cli.config.load import load
    from geoml_cli.dataset.store import Dataset
    from geoml_cli.stages.train import RunLocation, train
    from geoml_cli.work.reporting import NullReporter

    settings = load("soc", "map", None, {}, [QUICK[k] for k in range(1, len(QUICK), 2)])
    root = tmp_path_factory.mktemp("runs")
    place = RunLocation(root / "soc" / "map" / "20260101-000000")
    return train(settings, Dataset(data_root / "soc"), place, None, NullReporter()).folder
