"""The benchmark of two commits runs every command that it names, and refuses predictions that differ."""

import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from benchmarks import raster, since
from benchmarks._guard_cases import NEW_SETTINGS, NEW_STEPS, Side
from benchmarks.raster import Cost

ROOT = Path(since.__file__).parents[1]


def side(folder: Path, name: str) -> Side:
    (folder / name).mkdir()
    return Side(name, Path(sys.executable), ROOT, folder / name, NEW_STEPS, NEW_SETTINGS)


def test_commands_of_this_checkout_run(tmp_path, monkeypatch, in_process):
    def geoml(folder, *arguments, **where):  # the longest of all commands is planned alone
        return in_process(folder, *arguments, *(["--dry-run"] if arguments[0] == "export" else []), **where)

    few = ("split.folds=1", 'evaluate.baselines=["mean", "ridge"]', "evaluate.n_bootstrap=100")
    monkeypatch.setattr(since, "TRAINED", (*since.TRAINED, *few))
    monkeypatch.setattr(since, "raster", SimpleNamespace(**vars(raster) | {"geoml": geoml}))
    since.write_raw(tmp_path / "raw", 1500, 60)
    here = side(tmp_path, "new")
    costs = since.of_cells(here, tmp_path / "raw", 2) | since.of_rasters(here, tmp_path / "raw")
    assert len(costs) == 10 and all(cost.busy > 0 and cost.peak > 2**20 for cost in costs.values())
    assert len(pd.read_csv(here.folder / "predicted.csv")) == 1500
    assert (here.folder / "map.tif").exists()


def test_predictions_of_both_are_compared(tmp_path):
    sides = [side(tmp_path, name) for name in ("base", "new")]
    for place, one in enumerate(sides):
        pd.DataFrame({"GWS": [1.0 + place, 2.0 + place, 3.0 + place]}).to_csv(one.folder / "predicted.csv")
    assert since.apart(sides) == pytest.approx(1.0)


def test_every_command_has_a_ratio(monkeypatch, capsys, tmp_path):
    sides = [side(tmp_path, name) for name in ("base", "new")]
    monkeypatch.setattr(since, "write_raw", lambda *_: None)
    monkeypatch.setattr(since, "base_side", lambda *_: sides[0])
    monkeypatch.setattr(since, "new_side", lambda _: sides[1])
    monkeypatch.setattr(since, "apart", lambda _: 0.0)
    monkeypatch.setattr(since, "of_cells", lambda one, *_: {"train": Cost(1.0, 4.0 if one is sides[0] else 2.0, 2**20)})
    monkeypatch.setattr(since, "of_rasters", lambda *_: {"predict --map": Cost(1.0, 3.0, 2**20)})
    since.main([])
    found = re.findall(r"^ratio: (.*): ([\d.]+)$", capsys.readouterr().out, re.MULTILINE)
    assert [value for _, value in found] == ["2.00", "1.00"]
