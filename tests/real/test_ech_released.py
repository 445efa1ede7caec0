"""The released sample day: series rebuilt from its rows, and predictions of the golden cases on it."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from weights import case, filled

from geoml_cli.dataset.store import Dataset
from geoml_cli.models.ech.settings import EchTables
from geoml_cli.models.ech.task import NAMES, samples
from geoml_cli.readers.pickles import read_pickle

ROWS = (0, 60, 700, 1439)


@pytest.fixture
def day(real_data, geoml, tmp_path):
    """Give the released rows, prepared."""
    done = geoml("prepare", "ech", real_data("ech"), "--data", tmp_path / "data")
    assert done.code == 0, done.err
    return Dataset(tmp_path / "data" / "ech")


def test_windows_of_the_rebuilt_series_equal_the_rows_they_came_from(day, real_data):
    rows = np.asarray(read_pickle(real_data("ech/sample_data.pkl")))
    loaded = samples(EchTables(), "regressor", day)
    cut = [np.asarray(loaded.inputs[name].values)[:, :, 0] for name in NAMES]
    np.testing.assert_array_equal(np.concatenate(cut, axis=1), rows[:, 4:])
    np.testing.assert_allclose(loaded.inputs["position"].values, rows[:, :4], atol=1e-6)
    assert len(loaded) == 1440


def test_no_window_is_stored(day, real_data):
    stored = real_data("ech/sample_data.pkl").stat().st_size
    assert stored > 25 * (day.folder / "dataset.nc").stat().st_size  # a day alone, with its 48 hours before


def test_imported_networks_give_the_golden_predictions(day, real_data, geoml, tmp_path):
    golden = real_data("../golden")
    files, expected = [], {}
    for part in ("classifier", "regressor"):
        described, arrays = case(f"ech_{part}_sample", golden)
        file = tmp_path / f"{part}.pth"
        torch.save(filled(described["state_dict"], described["seed"]), file)
        files += [f"--{part}", file]
        expected[part] = arrays["out_prediction"][:, 0]
    run = tmp_path / "run"
    assert geoml("import", "ech", *files, "--run", run).code == 0
    asked = [word for row in ROWS for word in ("--index", row)]
    done = geoml("predict", run, *asked, "--data", day.folder, "--json")
    found = json.loads(done.out)
    np.testing.assert_allclose([row["logit"] for row in found], expected["classifier"], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose([row["amplitude_raw"] for row in found], expected["regressor"], rtol=1e-4, atol=1e-5)
    for row, logit in zip(found, expected["classifier"], strict=True):
        assert row["probability"] == pytest.approx(1 / (1 + np.exp(-float(logit))), rel=1e-4)
        assert row["presence"] == float(logit > 0)
        assert (row["amplitude"] is None) == (logit <= 0)
    sixty = found[1]
    assert (round(sixty["L"], 4), round(sixty["MLT"], 4), round(sixty["abs_MLAT"], 4)) == (5.6975, 23.4830, 0.2128)
