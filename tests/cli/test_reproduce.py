"""`geoml reproduce` on synthetic data: its steps, its table, its exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from geoml_cli.cli import reproduce
from geoml_cli.errors import GeomlError

PRESET = """
model = "soc"
source = "soc"
[network]
variant = "cnn"
[split]
kind = "random"
folds = 2
[train]
epochs = 2
batch_size = 64
[evaluate]
baselines = []
n_bootstrap = 100
importance_repeats = 0
[paper]
numbers = [{ metric = "R2", value = 0.9999 }]
found_in = "abstract"
data = "points of the paper"
public = true
without_leaks = ["split.kind=blocks", "split.block_km=8"]
"""


@pytest.fixture
def here(geoml, tmp_path, monkeypatch):
    """Run the steps in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    Path("mine.toml").write_text(PRESET)

    def run(step, folder, *, shown=True):
        if (done := geoml(*step)).code:
            error = GeomlError(done.err, fix="See above.")
            error.exit_code = done.code
            raise error

    monkeypatch.setattr(reproduce, "run_step", run)
    return tmp_path


def test_a_public_number_that_is_not_met_ends_with_4_and_is_shown(geoml, here, raw_soc):
    done = geoml("reproduce", "soc", raw_soc, "--preset", "mine.toml", "--option", "window=5", "--json")
    assert done.code == 4 and "the paper's R2 is not within the interval of this run" in done.err
    found = json.JSONDecoder().raw_decode(done.out)[0]
    first = found["scores"][0]
    assert first["metric"] == "R2" and first["paper"] == 0.9999 and first["met"] is False and found["unmet"] == ["R2"]
    assert first["difference"][0] == pytest.approx(first["ours"][0] - 0.9999) and len(first["strict"]) == 3
    assert "the paper's numbers: from the abstract" in found["notes"]
    again = geoml("reproduce", "soc", raw_soc, "--preset", "mine.toml", "--option", "window=5")
    assert again.code == 4 and "ours, without leaks" in again.out


def test_a_quick_run_compares_nothing(geoml, here, raw_soc):
    done = geoml("reproduce", "soc", raw_soc, "--preset", "mine.toml", "--quick")
    assert done.code == 0 and "Nothing here is a result" in done.out and "met" not in done.out, done.err
    assert "epochs = 1\n" in (here / "reproduction/soc-mine-quick/paper/config.toml").read_text()
    assert (here / "reproduction/soc-mine-quick/without-leaks/evaluation/test/report.html").is_file()


def test_a_step_that_fails_ends_with_its_code(geoml, here):
    done = geoml("reproduce", "soc", here / "nothing", "--preset", "mine.toml")
    assert done.code == 3 and "there is no such file or folder" in done.err


def test_an_option_that_is_none_is_refused(geoml, here, raw_soc):
    done = geoml("reproduce", "soc", raw_soc, "--option", "window")
    assert done.code == 2 and "'window' is not NAME=VALUE" in done.err


def test_a_dry_run_writes_nothing(geoml, here, raw_soc):
    done = geoml("reproduce", "soc", raw_soc, "--preset", "mine.toml", "--dry-run")
    assert done.code == 0 and "would write  reproduction/soc-mine" in done.out
    assert [path.name for path in here.iterdir()] == ["mine.toml"]
