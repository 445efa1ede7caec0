"""A table none of whose points lies on the rasters is refused, not written full of gaps."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from geoml_cli.cli.predict import _request
from geoml_cli.dataset.variables import Variable
from geoml_cli.errors import DataError, SettingsError
from geoml_cli.inference.inputs.tables import points_input, table_job
from geoml_cli.samples.input import POINT_REASONS, Points
from geoml_cli.work.reporting import NullReporter


class Trained:
    """What a table's job needs of a run."""

    settings = SimpleNamespace(shared=SimpleNamespace(predict=SimpleNamespace(rows=2)))
    run = SimpleNamespace(id="x", folder=Path("x"))
    summarised = 0

    def outputs(self) -> tuple[Variable, ...]:
        return (Variable("soc", "g kg-1", "", ("sample",)),)


class Stack:
    """Rasters far from the points."""

    notes = ()
    reasons = ("no rasters of it",)
    year = None

    def digest(self, *, all_years: bool = False) -> str:
        return "rasters"


def test_no_point_on_the_rasters_is_exit_3(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("lon,lat\n1,2\n3,4\n5,6\n")
    given: Any = points_input(
        tmp_path / "t.csv",
        lambda *_: iter([Points(["1"], np.ones(1), np.ones(1), "EPSG:32634", np.ones(1), np.ones(1))]),
        Stack(),
        "EPSG:32634",  # type: ignore[arg-type]
    )
    job = table_job(Trained(), given, NullReporter())  # type: ignore[arg-type]
    reason = np.array([1, 1], dtype=np.int16)
    store: Any = SimpleNamespace(
        read=lambda number: np.full((1, 2), np.nan, dtype=np.float32), reason=lambda number: reason
    )
    with pytest.raises(DataError, match=r"none of its points lies on the rasters .* EPSG:32634.*Check --crs") as caught:
        job.write(tmp_path / "out.csv", store, 2)
    assert caught.value.exit_code == 3
    reason[:] = len(POINT_REASONS)
    with pytest.raises(DataError, match=r"none of its points has a prediction \(no rasters of it: 4\)\. Give points"):
        job.write(tmp_path / "out.csv", store, 2)
    assert not (tmp_path / "out.csv").exists()


def test_fills_of_rasters_are_part_of_the_request() -> None:
    common = {"index": None, "out": None}
    assert _request({"map": True, "nodata": ["dem=-9999", "rain=none"]}, common).nodata == ("dem=-9999", "rain=none")
    with pytest.raises(SettingsError, match=r"--nodata: fills of rasters matter to maps .* Add --map"):
        _request({"nodata": ["dem=-9999"]}, common)
