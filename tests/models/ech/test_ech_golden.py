"""The papers' numbers, through the importer of released checkpoints."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional
from weights import case, filled

from geoml_cli.inference.load import open_trained
from geoml_cli.runs.create import RunFolder
from geoml_cli.runs.run import Run
from geoml_cli.stages.import_checkpoint import import_checkpoint

ENDS = np.cumsum([4, 49, 49, 61, 61])


def imported(part, folder):
    described, arrays = case(f"ech_{part}")
    torch.save(filled(described["state_dict"], described["seed"]), folder / f"{part}.pth")
    run = import_checkpoint("ech", "two-stage", {part: folder / f"{part}.pth"}, RunFolder(folder / part))
    return described, arrays, Run(run.folder)


def cut(rows):
    position, sme, symh, sme_fine, symh_fine = np.split(rows.astype(np.float32), ENDS[:-1], axis=1)
    return [torch.from_numpy(position), *(torch.from_numpy(w)[:, :, None] for w in (sme, symh, sme_fine, symh_fine))]


@pytest.mark.parametrize("part", ["classifier", "regressor"])
def test_a_golden_case_is_reproduced(part, tmp_path):
    described, arrays, run = imported(part, tmp_path)
    assert run.members() == [part] and list(run.data().signatures) == [part]
    network = open_trained(run, [part]).load_network(part)
    inputs = cut(arrays["in_features"])[: len(run.data().signature.inputs)]
    prediction = network(*inputs)
    np.testing.assert_allclose(prediction.detach().numpy()[:, None], arrays["out_prediction"], rtol=1e-4, atol=1e-5)
    target = torch.from_numpy(arrays["in_target"])[:, 0]
    loss_of = functional.binary_cross_entropy_with_logits if part == "classifier" else functional.mse_loss
    loss = loss_of(prediction, target)
    np.testing.assert_allclose(loss.item(), arrays["out_loss"], rtol=1e-4)
    loss.backward()
    squares = sum(float(p.grad.square().sum()) for p in network.parameters() if p.grad is not None)
    np.testing.assert_allclose(squares**0.5, arrays["out_grad_norm"], rtol=1e-3)
    state = network.network.state_dict()
    assert {name: list(value.shape) for name, value in state.items()} == described["state_dict"]


def test_windows_given_once_serve_all_positions(tmp_path):
    _, arrays, run = imported("regressor", tmp_path)
    network = open_trained(run, ["regressor"]).load_network("regressor")
    position, *windows = cut(arrays["in_features"])
    same = [window[:1].expand(len(position), -1, -1) for window in windows]
    with torch.inference_mode():
        torch.testing.assert_close(network(position, *(w[:1] for w in windows)), network(position, *same))


def test_a_file_of_the_other_part_is_refused(geoml, tmp_path):
    described, _ = case("ech_regressor")
    torch.save(filled(described["state_dict"], 1), tmp_path / "b.pth")
    done = geoml("import", "ech", "--classifier", tmp_path / "b.pth", "--run", tmp_path / "run")
    assert done.code == 3
    assert "is a checkpoint of the regressor (4 LSTMs), not of the classifier. Give it with --regressor." in done.err
    assert not (tmp_path / "run").exists()


def test_an_import_without_a_file_says_which_there_are(geoml):
    done = geoml("import", "ech")
    assert done.code == 2 and "Give --classifier FILE and --regressor FILE, or one." in done.err


def test_a_damaged_checkpoint_names_what_is_wrong(geoml, tmp_path):
    described, _ = case("ech_classifier")
    state = filled(described["state_dict"], 1)
    state["fc3.weight"] = state["fc3.weight"][:, :5]
    del state["fc8.bias"]
    torch.save(state, tmp_path / "a.pth")
    done = geoml("import", "ech", "--classifier", tmp_path / "a.pth", "--run", tmp_path / "run")
    assert done.code == 3
    assert "fc3.weight has shape [512, 5], not [512, 1024]; fc8.bias is missing" in done.err
