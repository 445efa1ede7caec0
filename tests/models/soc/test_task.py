from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from geoml_cli.dataset.store import Block
from geoml_cli.errors import DataError, SettingsError
from geoml_cli.models.soc import task
from geoml_cli.models.soc.pretrained import read as released
from geoml_cli.models.soc.settings import SocTables
from geoml_cli.samples.samples import signature


def variables(features=("evi", "lsp_1", "lsp_2"), window=5, series=True) -> Block:
    generator = np.random.default_rng(0)
    arrays = {
        "static": generator.random((6, 3, window, window), dtype=np.float32),
        "soc": generator.random(6, dtype=np.float32),
    }
    if series:
        arrays["series"] = generator.random((6, 4, len(features)), dtype=np.float32)
    texts = {"covariate": ["a", "b", "c"], "feature": list(features)}
    return Block(arrays, texts, {"soc": "%", "static": "1", "series": "1"})


def tables(**network):
    return SocTables.model_validate({"network": network})


@pytest.mark.parametrize(
    ("variant", "series", "expected"),
    [
        ("cnn", "evi", {"static": ("a", "b", "c")}),
        ("lstm", "evi", {"series": ("evi",)}),
        ("lstm", "lsp", {"series": ("lsp_1", "lsp_2")}),
        ("cnn-lstm", "evi_lsp", {"static": ("a", "b", "c"), "series": ("evi", "lsp_1", "lsp_2")}),
    ],
)
def test_a_variant_sees_its_inputs(variant, series, expected):
    made = task.samples(tables(variant=variant, series=series), variables())
    assert {name: item.names for name, item in made.inputs.items()} == expected
    network = task.make(tables(variant=variant, series=series), signature(made))
    batch = {name: torch.from_numpy(np.ascontiguousarray(item.values)) for name, item in made.inputs.items()}
    assert task.predict(network, batch).shape == (6,)


def test_features_are_joined_evi_first_whatever_their_order_on_disk():
    data = variables(features=("lsp_1", "evi", "lsp_2"))
    made = task.samples(tables(variant="lstm", series="evi_lsp"), data)
    assert made.inputs["series"].names == ("evi", "lsp_1", "lsp_2")
    np.testing.assert_array_equal(made.inputs["series"].values, data.arrays["series"][:, :, [1, 0, 2]])


def test_all_features_in_order_are_not_copied():
    data = variables()
    assert np.shares_memory(task.samples(tables(variant="lstm"), data).inputs["series"].values, data.arrays["series"])


def test_the_baselines_table_is_the_centre_pixel_and_every_year():
    made = task.samples(tables(variant="cnn-lstm"), variables())
    table, names = task.features(made)
    assert table.shape == (6, 3 + 4 * 3)
    assert names[:4] == ["a", "b", "c", "evi[0]"] and names[-1] == "lsp_2[3]"
    np.testing.assert_array_equal(table[:, 1], made.inputs["static"].values[:, 1, 2, 2])
    np.testing.assert_array_equal(table[:, 3 + 2 * 3 + 1], made.inputs["series"].values[:, 2, 1])


@pytest.mark.parametrize(
    ("given", "data", "error", "message"),
    [
        ({"variant": "lstm"}, variables(series=False), SettingsError, "evi_lsp' asks .*no yearly series.*variant=cnn"),
        ({"variant": "lstm", "series": "lsp"}, variables(features=("evi",)), SettingsError, r"do not hold \(evi\)"),
        ({"variant": "cnn"}, variables(window=7), DataError, "windows are 7 pixels wide, .* Prepare with --window 5"),
    ],
)
def test_data_that_do_not_fit_are_refused(given, data, error, message):
    with pytest.raises(error, match=message):
        task.samples(tables(**given), data)


def test_initial_weights_are_the_papers():
    torch.manual_seed(1)
    made = task.samples(tables(), variables())
    network = task.make(tables(), signature(made))
    for name, parameter in network.named_parameters():
        if name.startswith("fc") and name.endswith("bias"):
            assert bool((parameter == 0.01).all())
        if name.endswith("weight") or "weight_" in name:
            fan_in, fan_out = nn.init._calculate_fan_in_and_fan_out(parameter)
            bound = (6 / (fan_in + fan_out)) ** 0.5
            assert float(parameter.detach().abs().max()) <= bound
            assert float(parameter.detach().std()) == pytest.approx(bound / 3**0.5, rel=0.35)


def state(**changes):
    made = task.samples(tables(), variables(features=("evi", *(f"lsp_{k}" for k in range(1, 12)))))
    network = task.make(tables(), signature(made))
    return {**network.state_dict(), **changes}


def test_a_released_state_says_which_network_it_is():
    found = released({f"module.{name}": value for name, value in state().items()})
    assert found.tables["network"] == {"variant": "cnn-lstm", "series": "evi_lsp", "hidden": 8, "layers": 2}
    assert found.signature.inputs["series"].shape == (10, 12)
    assert found.signature.inputs["static"].names == ("covariate_1", "covariate_2", "covariate_3")
    assert "conv1.weight" in found.weights


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("fc_final.bias"), r"fc_final\.bias is missing"),
        (lambda s: s.update(extra=torch.ones(1)), "extra is unknown"),
        (
            lambda s: s.update({"fc_final.weight": torch.ones(1, 3)}),
            r"fc_final\.weight has shape \[1, 3\], not \[1, 32\]",
        ),
        (lambda s: s.clear(), r"neither conv1\.weight nor lstm\.weight_ih_l0 \(it has nothing\)"),
        (lambda s: s.update({"conv1.weight": torch.ones(2)}), r"conv1\.weight has shape \[2\]"),
    ],
)
def test_a_state_that_is_not_whole_is_named(change, message):
    weights = dict(state())
    change(weights)
    with pytest.raises(DataError, match=message):
        released(weights)
