"""Benchmarks run at a small size and end with their ratios; how fast they are is no test's matter."""

import re

import numpy as np
import pytest
import torch

from benchmarks import __main__ as runner
from benchmarks import _table, _ways, ech, loader, minutes, raster, scale, scoring


def ratios(text):
    return [(what, float(value)) for what, value in re.findall(r"^ratio: (.*): ([\d.]+)$", text, re.MULTILINE)]


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_loader_prints_a_ratio_for_each_batch_size(capsys, threads):
    loader.main(["--samples", "256", "--batch-size", "16", "32", "--workers", "0"])
    found = ratios(capsys.readouterr().out)
    assert [what.rpartition(" ")[2] for what, _ in found] == ["16", "32"]
    assert all(value > 0 for _, value in found)


def test_loader_compares_equal_numbers():
    samples = loader.made_up(8)
    fitted = loader.scaling.fit(samples, loader.np.arange(8), loader.InputSettings(), loader.TargetSettings())
    other = loader.PerSample(samples, fitted)
    other._target = other._target + 1
    with pytest.raises(AssertionError, match="target"):
        loader._check(loader.Batches(samples, fitted, torch.device("cpu")), other)


def test_raster_prints_memory_and_throughput(capsys, threads, monkeypatch, in_process):
    pytest.importorskip("rasterio", reason="the extra raster is not installed")
    monkeypatch.setattr(raster, "geoml", in_process)
    raster.main(["--sizes", "40", "80", "--pixels", "5", "--turns", "1"])
    out = capsys.readouterr().out
    found = dict(ratios(out))
    assert list(found) == [
        "peak memory, 4 times the pixels",
        "geoml / loop over single pixels, pixels a second",
        "network, the block / a window a pixel",
        "network, the block / onnxruntime on windows",
    ]
    assert "\n40 x 40 " in out and "\n80 x 80 " in out


def test_ways_that_differ_are_named():
    ways = {"one": lambda: np.array([1.0, 2.0]), "other": lambda: np.array([1.0, 2.5])}
    assert set(_ways.seconds(ways, 0.5, 1)) == {"one", "other"}
    with pytest.raises(AssertionError, match=r"other differs by 0\.5"):
        _ways.seconds(ways, 0.4, 1)


def test_raster_stops_where_a_command_fails(tmp_path, capfd):
    with pytest.raises(SystemExit, match="ended with 3"):
        raster.geoml(tmp_path, "prepare", "soc", str(tmp_path / "nowhere"))


def test_the_runner_finds_benchmarks_and_no_other_modules():
    assert {"loader", "raster"} <= set(runner.benchmarks())
    assert not [name for name in runner.benchmarks() if name.startswith("_")]


def test_the_runner_refuses_an_unknown_name(capsys):
    with pytest.raises(SystemExit):
        runner.main(["laoder"])
    assert "no such benchmark: laoder" in capsys.readouterr().err


def test_the_runner_names_what_a_benchmark_is_measured_beside(monkeypatch, capsys):
    monkeypatch.setattr(runner.importlib.util, "find_spec", lambda name: None)
    assert runner.main(["kernels"]) == 2
    assert "compared with mambapy, which is not installed: pip install mambapy" in capsys.readouterr().err


def test_the_runner_runs_the_others_after_one_failed(monkeypatch, capsys):
    ran = []

    def run(command, **_):
        ran.append(command[-1])
        return type("Done", (), {"returncode": int(command[-1] == "benchmarks.loader")})

    monkeypatch.setattr(runner.subprocess, "run", run)
    assert runner.main(["loader", "raster"]) == 1
    assert ran == ["benchmarks.loader", "benchmarks.raster"]
    assert "failed: loader" in capsys.readouterr().err


def test_tables_put_numbers_to_the_right(capsys):
    _table.show("Title", ("what", "much"), [("a", 1234), ("long", 0.5)])
    assert capsys.readouterr().out == "\nTitle\n\nwhat   much\na     1,234\nlong    0.5\n"


def test_ech_prints_size_speed_of_training_and_of_maps(capsys, threads):
    small = ["--samples", "300", "--minutes", "4000", "--steps", "1", "--side", "5", "--cells", "3", "--device", "cpu"]
    ech.main(small)
    found = dict(ratios(capsys.readouterr().out))
    assert len(found) == 3 and all(value > 0 for value in found.values())
    assert "stored rows / series, bytes on disk" in found


def test_scoring_gives_the_same_draws_and_a_ratio(capsys):
    scoring.main(["--rows", "400", "--groups", "20", "--draws", "10", "--resampled", "3"])
    [(name, value)] = ratios(capsys.readouterr().out)
    assert name == "sums to resampled rows" and value > 0


def test_minutes_prints_every_verb(capsys, monkeypatch, in_process):
    monkeypatch.setattr(minutes, "geoml", in_process)
    minutes.main(["--days", "4", "--steps", "2", "--baselines", "mean"])
    out = capsys.readouterr().out
    assert re.findall(r"^(\w+) +[\d,]+ +[\d.]+ +[\d.]+ +[\d,]+", out, re.MULTILINE) == list(scale.VERBS)
    assert "exponent" not in out


def test_exponents_are_of_the_first_and_the_last_size(capsys):
    costs = {
        rows: dict.fromkeys(scale.VERBS, raster.Cost(seconds, seconds, peak, 0))
        for rows, seconds, peak in ((100, 1.0, 50), (1000, 5.0, 50), (10_000, 100.0, 500))
    }
    scale.show("Verbs", "rows", costs)
    out = capsys.readouterr().out
    assert "exponent: time of train, 100 to 10,000 rows: 1.00" in out
    assert "exponent: memory of train, 100 to 10,000 rows: 0.50" in out
