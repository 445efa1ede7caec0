"""`geoml import mmnet`: released weights with the statistics of their inputs."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from weights import case, filled

from geoml_cli.errors import DataError
from geoml_cli.inference.load import open_trained
from geoml_cli.runs.create import RunFolder
from geoml_cli.runs.run import Run
from geoml_cli.stages.import_checkpoint import import_checkpoint

STEMS = {"mmnet": ("static_mean_std", "dynamic_mean_std"), "mlp": ("mean_std",)}


def released(folder, name):
    """Write a golden checkpoint as the paper releases one, and statistics drawn at random."""
    described, arrays = case(name)
    torch.save({"epoch": 7, "model_state": filled(described["state_dict"], described["seed"])}, folder / "best.pth")
    physical, generator = {}, np.random.default_rng(3)
    for stem, given in zip(STEMS[name], ("in_static", "in_dynamic"), strict=False):
        values = arrays[given]
        mean, deviation = generator.normal(5, 9, values.shape[-1]), generator.uniform(0.1, 30, values.shape[-1])
        np.save(folder / f"{stem}.npy", np.stack([mean, deviation]))
        physical[given] = torch.from_numpy((values * deviation + mean).astype(np.float32))
    return arrays, physical, [folder / "best.pth", *(folder / f"{stem}.npy" for stem in STEMS[name])]


@pytest.mark.parametrize("name", list(STEMS))
def test_physical_inputs_give_the_golden_predictions(geoml, tmp_path, name):
    arrays, physical, files = released(tmp_path, name)
    result = geoml("import", "mmnet", *files, "--run", tmp_path / "run", "--json")
    assert result.code == 0, result.err
    run = Run(tmp_path / "run")
    assert json.loads(result.out)["members"] == ["released"]
    network = open_trained(run).load_network("released")
    with torch.inference_mode():
        found = network(*physical.values())
    np.testing.assert_allclose(found, arrays["out_prediction"][:, 0], rtol=1e-3, atol=1e-4)


def test_without_statistics_numbers_are_unscaled(tmp_path):
    arrays, _, files = released(tmp_path, "mmnet")
    run = import_checkpoint("mmnet", "onsite", files[0], RunFolder(tmp_path / "run"))
    network = open_trained(Run(run.folder)).load_network("released")
    with torch.inference_mode():
        found = network(torch.from_numpy(arrays["in_static"]), torch.from_numpy(arrays["in_dynamic"]))
    np.testing.assert_allclose(found, arrays["out_prediction"][:, 0], rtol=1e-4, atol=1e-5)


def test_files_that_cannot_be_statistics_are_refused(tmp_path, geoml):
    _, _, files = released(tmp_path, "mmnet")
    files[1].write_bytes(b"\x93NUMPY broken")
    with pytest.raises(DataError, match=r"static_mean_std\.npy: cannot be read as an array of numbers"):
        import_checkpoint("mmnet", "onsite", files, RunFolder(tmp_path / "run"))
    with pytest.raises(DataError, match=r"0 of 1 files are checkpoints\. Name one checkpoint"):
        import_checkpoint("mmnet", "onsite", files[2:], RunFolder(tmp_path / "run"))
    np.save(tmp_path / "static_mean_std.npy", np.array([{}], dtype=object))
    assert geoml("import", "mmnet", *files, "--run", tmp_path / "run").code == 3
    assert not (tmp_path / "run").exists()


def test_a_model_without_statistics_refuses_them(tmp_path):
    described, _ = case("soc_cnn")
    torch.save(filled(described["state_dict"], described["seed"]), tmp_path / "w.pth")
    np.save(tmp_path / "mean_std.npy", np.ones((2, 3)))
    with pytest.raises(DataError, match="takes no statistics"):
        import_checkpoint("soc", "paper", [tmp_path / "w.pth", tmp_path / "mean_std.npy"], RunFolder(tmp_path / "run"))
