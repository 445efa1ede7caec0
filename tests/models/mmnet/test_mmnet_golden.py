"""The paper's numbers, through the importer of released checkpoints."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from weights import case, filled

from geoml_cli.errors import DataError
from geoml_cli.models.mmnet import task
from geoml_cli.models.mmnet.network import GaussianDropout, Positions, build
from geoml_cli.models.mmnet.pretrained import read, statistics
from geoml_cli.models.mmnet.settings import LossSettings, MmnetTables, NetworkSettings
from geoml_cli.models.spec import Call

CASES = ("mmnet", "transformer", "mlp")


def loaded(name, **leave_out):
    described, arrays = case(name)
    found = read(filled(described["state_dict"], described["seed"]))
    tables = MmnetTables(network=NetworkSettings(**found.tables["network"]))
    network = task.make(tables, found.signature).eval()
    network.load_state_dict(found.weights)
    batch = {"static": torch.from_numpy(arrays["in_static"])}
    batch["target"] = torch.from_numpy(arrays["in_target"]).squeeze(1)
    if "dynamic" in found.signature.inputs:
        batch["dynamic"] = torch.from_numpy(arrays["in_dynamic"])
    return described, arrays, found, network, batch


@pytest.mark.parametrize("name", CASES)
def test_a_golden_case_is_reproduced(name):
    described, arrays, found, network, batch = loaded(name)
    assert found.tables["network"]["variant"] == described["model"]
    prediction = task.predict(network, batch)
    np.testing.assert_allclose(prediction.detach(), arrays["out_prediction"][:, 0], rtol=1e-4, atol=1e-5)
    with torch.inference_mode():  # PyTorch's fused path of the Transformer layer
        np.testing.assert_allclose(task.predict(network, batch), arrays["out_prediction"][:, 0], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(task.mean_square(network, batch).item(), arrays["out_mse"], rtol=1e-5)
    loss = task.loss(LossSettings(), network, batch, Call(1, len(batch["target"])))
    np.testing.assert_allclose(loss.item(), arrays["out_loss"], rtol=1e-5)
    loss.backward()
    squares = sum(float(p.grad.double().square().sum()) for p in network.parameters() if p.grad is not None)
    np.testing.assert_allclose(squares**0.5, arrays["out_grad_norm"], rtol=1e-3)


@pytest.mark.parametrize("name", CASES)
def test_parameters_have_the_released_names_and_shapes(name):
    described, _, _, network, _ = loaded(name)
    assert {key: list(value.shape) for key, value in network.state_dict().items()} == described["state_dict"]


def test_the_penalty_does_not_depend_on_how_a_batch_is_cut():
    _, _, _, network, batch = loaded("mmnet")
    settings, rows = LossSettings(penalty=0.5), len(batch["target"])
    whole = task.loss(settings, network, batch, Call(1, rows))
    parts = [{key: value[part] for key, value in batch.items()} for part in (slice(0, 2), slice(2, None))]
    cut = sum(task.loss(settings, network, part, Call(1, rows)) * len(part["target"]) / rows for part in parts)
    torch.testing.assert_close(cut, whole)


def test_positions_leave_the_oldest_day_and_never_reach_the_last_row():
    positions = Positions(11)
    added = positions(torch.zeros(1, 11, 128))[0]
    assert positions.pe.shape == (12, 128) and not added[0].any()
    torch.testing.assert_close(added[3, 0], torch.tensor(2.0).sin())  # row 3 holds k = 2
    torch.testing.assert_close(added[3, 3], (torch.tensor(2.0) / 1000 ** (2 / 128)).cos())


def test_gaussian_dropout_has_mean_one_and_deviation_a_quarter_and_is_off_in_evaluation():
    torch.manual_seed(0)
    layer, ones = GaussianDropout(0.2), torch.ones(200_000)
    factor = layer(ones)
    assert abs(float(factor.mean()) - 1) < 0.005 and abs(float(factor.std()) - 0.25) < 0.005
    assert torch.equal(layer.eval()(ones), ones)


@torch.no_grad()
def test_weights_start_as_in_the_paper():
    torch.manual_seed(0)
    network = build("mmnet", 28, (11, 8), 0.2)
    layer = network.transformerencoder.layers[0]
    for linear in (layer.linear1, layer.linear2, layer.self_attn.out_proj, network.fusion[0]):
        assert abs(float(linear.weight.std()) / (2 / linear.in_features) ** 0.5 - 1) < 0.05
        assert 0.8 < float(linear.bias.std()) < 1.2
    # Xavier-uniform, PyTorch's own: its bound is sqrt(6 / (128 + 384)).
    assert float(layer.self_attn.in_proj_weight.abs().max()) <= (6 / 512) ** 0.5 + 1e-6
    assert not layer.self_attn.in_proj_bias.any()
    assert 0.8 < float(network.fusion[1].weight.std()) < 1.2 and not network.fusion[1].bias.any()


@pytest.mark.parametrize(
    ("variant", "snapshot", "tables"),
    [
        ("mmnet", 28, {"land_cover": "one-hot", "use_indices": True}),
        ("mmnet", 23, {"land_cover": "binary", "use_indices": True}),
        ("transformer", 10, {"land_cover": "none", "use_indices": False}),
        ("mlp", 36, {"land_cover": "one-hot", "use_indices": True}),
    ],
)
def test_the_choice_of_inputs_follows_from_their_number(variant, snapshot, tables):
    state = build(variant, snapshot, (11, 8), 0.2).state_dict()
    found = read({f"module.{name}": tensor for name, tensor in state.items()})
    assert tables.items() <= found.tables["network"].items()
    assert found.signature.inputs["static"].names[-1] == ("vvvh" if tables["use_indices"] else "SMAP")


def test_a_checkpoint_of_another_network_is_refused():
    with pytest.raises(DataError, match="is not a checkpoint of mmnet, transformer or mlp"):
        read({"conv1.weight": torch.ones(2)})
    state = build("mlp", 36, (1, 0), 0.2).state_dict()
    state["decoder.8.weight"] = torch.ones(2, 32)
    with pytest.raises(DataError, match=r"decoder\.8\.weight has shape \[2, 32\], not \[1, 32\]"):
        read(state)


def test_released_statistics_become_the_scaling():
    signature = read(build("mmnet", 28, (11, 8), 0.2).state_dict()).signature
    deviation = np.r_[0.0, np.arange(2.0, 29.0)]
    static = np.stack([np.arange(28.0), deviation])
    found = statistics(signature, {"static_mean_std": static, "dynamic_mean_std": np.ones((8, 2))})
    assert found.inputs["static"].shift == tuple(range(28))
    assert found.inputs["static"].scale[:2] == (1.0, 2.0)  # a deviation of zero counts as one
    assert found.trailing == {"static": 0, "dynamic": 0}


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"static_mean_std": np.ones((2, 28))}, "statistics of the input dynamic are missing.*dynamic_mean_std"),
        ({"static_mean_std": np.ones((2, 27)), "dynamic_mean_std": np.ones((2, 8))}, r"shape \[2, 27\].*28 variables"),
        ({"means": np.ones((2, 28))}, r"means\.npy is no file of released statistics"),
        (
            {"static_mean_std": -np.ones((2, 28)), "dynamic_mean_std": np.ones((2, 8))},
            "a deviation below 0",
        ),
    ],
)
def test_statistics_that_do_not_fit_are_refused(arrays, message):
    signature = read(build("mmnet", 28, (11, 8), 0.2).state_dict()).signature
    with pytest.raises(DataError, match=message):
        statistics(signature, arrays)
