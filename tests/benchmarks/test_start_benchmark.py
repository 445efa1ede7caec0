"""The benchmark of starts runs at a small size, and a command that fails ends it."""

import re
from pathlib import Path

import pytest

from benchmarks import start


def test_start_prints_each_command_and_two_ratios(capsys):
    small = ("network.embedding=4", "network.width=4", "network.layers=1")
    start.main(["--calls", "1", "--formats", "--settings", *small])
    out = capsys.readouterr().out
    assert all(f"\n{name} " in out for name in ("import typer", "import torch", *start.answers(Path())))
    found = re.findall(r"^ratio: (.*): ([\d.]+)$", out, re.MULTILINE)
    assert [name for name, _ in found] == ["geoml --help / import typer", "geoml predict --index / import torch"]
    assert all(float(value) > 0 for _, value in found)


def test_a_command_that_fails_is_no_measurement(tmp_path):
    with pytest.raises(RuntimeError, match="'sco' is neither a model nor a run's folder"):
        start.cpu_seconds(["-m", "geoml_cli", "train", "sco"], tmp_path)
