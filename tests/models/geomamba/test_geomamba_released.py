"""Released checkpoints: what is dropped, what is checked, and what is said."""

from functools import partial

import numpy as np
import pytest
import torch
from weights import case, filled

from geoml_cli.config.load import load
from geoml_cli.errors import DataError
from geoml_cli.inference.load import open_trained
from geoml_cli.models.geomamba.kan import knots
from geoml_cli.models.geomamba.pretrained import read
from geoml_cli.models.geomamba.settings import NetworkSettings
from geoml_cli.runs.create import RunFolder
from geoml_cli.stages.import_checkpoint import import_checkpoint

released = partial(read, NetworkSettings())


@pytest.fixture(params=["geomamba_point_small", "geomamba_sequence"])
def state(request):
    described, _ = case(request.param)
    return filled(described["state_dict"], described["seed"])


def test_sizes_are_read_off(state):
    found = released(state)
    several = "mambablock_init.layer_norm.weight" in state
    assert found.tables["network"] == {
        "embedding": 128 if several else 16,
        "layers": 2,
        "width": 128,
        "steps": 3 if several else 1,
        "categories": 17,
        "year_term": True,
        "scales": ("year/2024",),
        "site_inputs": "on",
    }
    assert found.signature.inputs["dynamic"].shape == ((3, 6) if several else (1, 5))
    assert found.signature.inputs["static"].shape[-1] == 3


def test_layers_that_are_never_used_are_dropped(state):
    dropped = set(state) - set(released(state).weights)
    assert {"final_layernorm.weight", "mamba_encoder2_64.LayerNorm.weight", "dynamic_embed2.0.base_weight"} <= dropped
    assert not any("LayerNorm_x" in name or name.startswith("mamba_encoder_64.tmpembed") for name in dropped)


def test_the_prefix_of_parallel_training_is_taken_off(state):
    prefixed = released({f"module.{name}": tensor for name, tensor in state.items()})
    assert prefixed.weights.keys() == released(state).weights.keys()


def test_keys_too_many_and_too_few_are_named(state):
    del state["LC_Encoder.spline_scaler"]
    state["classifier.weight"] = torch.zeros(1)
    with pytest.raises(DataError, match=r"LC_Encoder.spline_scaler is missing; classifier.weight is unknown"):
        released(state)


def test_shapes_that_do_not_fit_are_named(state):
    state["timeRMSNorm.weight"] = torch.ones(3)
    with pytest.raises(DataError, match=r"timeRMSNorm.weight has shape \[3\], not "):
        released(state)


def test_grids_are_checked_where_they_are(state):
    state["LC_Encoder.grid"] = knots()[None]
    state["timeEncoder.grid"] = knots().repeat(6, 1)
    released(state)
    released({name: tensor.half() for name, tensor in state.items()})  # rounded as its type rounds
    state["timeEncoder.grid"][2, 5] = 0.0
    with pytest.raises(DataError, match=r"timeEncoder.grid is not the uniform grid on \[-2.2, 2.2\]"):
        released(state)


def test_something_else_is_said_to_be_so():
    with pytest.raises(
        DataError, match=r"dynamic_embed.0.base_weight is missing.* It is not a checkpoint of Geo-Mamba"
    ):
        released({"conv1.weight": torch.zeros(1)})


def test_what_the_file_does_not_say_is_the_presets(state):
    own = NetworkSettings(scales=("month/12",), southern_season=True, heads=4)
    network = read(own, state).tables["network"]
    assert network["scales"] == ("month/12",) and not {"southern_season", "heads"} & set(network)
    state["timeEncoder.base_weight"] = torch.zeros(16, 8)
    with pytest.raises(
        DataError, match=r"2 time scales; the preset has 1.*--set 'network\.scales=\[\"month/12\","
    ) as caught:
        released(state)
    settings = load("geomamba", "gwsa", None, {}, (str(caught.value).rpartition("--set '")[2].partition("'")[0],))
    assert len(settings.own.network.scales) == 2
    own = NetworkSettings(scales=("month/12", "day-of-year/366"))
    with pytest.raises(DataError, match=r"timeEncoder.\w+ has shape"):  # the case's other weights are of one
        read(own, state)


@pytest.mark.parametrize("name", ["geomamba_point_small", "geomamba_point_paper"])
def test_a_run_of_a_released_checkpoint_gives_the_papers_numbers(name, tmp_path):
    described, arrays = case(name)
    torch.save({"model_state_dict": filled(described["state_dict"], described["seed"])}, tmp_path / "w.pth")
    preset = tmp_path / "own.toml"
    heads = f"[network]\nheads = {described['num_heads']}\n"
    preset.write_text(f'model = "geomamba"\nsource = "gwsa"\n{heads}', encoding="utf-8")
    run = import_checkpoint("geomamba", str(preset), tmp_path / "w.pth", RunFolder(tmp_path / "run"))
    given = {name.removeprefix("in_"): torch.from_numpy(values) for name, values in arrays.items()}
    position = torch.stack([given["lat"], given["lon"]], dim=-1)
    inputs = {
        "dynamic": given["dynamic"],
        "static": given["static"][:, :1],
        "land_cover": given["land_cover"][:, :1, None].float(),
        "position": position[:, :1],
        "year": given["year_scaled"][..., None],
        "time": given["time_value"][..., None],
    }
    assert list(run.data().signature.inputs) == list(inputs)
    with torch.inference_mode():
        found = open_trained(run, ["released"]).load_network("released")(*inputs.values())
    np.testing.assert_allclose(found, arrays["out_prediction"][:, 0], rtol=1e-4, atol=1e-5)
