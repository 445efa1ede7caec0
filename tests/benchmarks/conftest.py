"""The benchmarks stand beside the package, not in it; commands that they measure can be run in the tests' process."""

import contextlib
import io
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.raster import Cost
from geoml_cli.cli.app import main


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Cost]:
    """Give what runs a command as `raster.geoml` does, in this process: start-up is most of a small command's time.

    Its memory is made up; that of a process of its own is measured in tests of `raster`.
    """

    def run(folder: Path, *arguments: str, **_: object) -> Cost:
        monkeypatch.chdir(folder)
        monkeypatch.setenv("GEOML_DATA", str(folder / "data"))
        monkeypatch.setenv("GEOML_RUNS", str(folder / "runs"))
        monkeypatch.setattr(sys, "argv", ["geoml", *arguments, "--quiet"])
        began, busy = time.perf_counter(), time.process_time()
        code: object = 0
        with contextlib.redirect_stdout(io.StringIO()):
            try:
                main()
            except SystemExit as end:
                code = end.code
        assert not code, f"geoml {' '.join(arguments)} ended with {code}"
        return Cost(time.perf_counter() - began, time.process_time() - busy, 200 << 20, 100 << 20)

    return run
