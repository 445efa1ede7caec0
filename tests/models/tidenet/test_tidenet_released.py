"""Released checkpoints: which entry is taken, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import xarray as xr
from map_case import land_of, maps, write_maps

from geoml_cli.errors import DataError, SettingsError
from geoml_cli.inference.load import open_trained
from geoml_cli.models.tidenet.network import Shape, TideNet
from geoml_cli.models.tidenet.pretrained import entry, simvp, tidenet
from geoml_cli.models.tidenet.simvp import SimVP
from geoml_cli.runs.create import RunFolder
from geoml_cli.runs.run import Run
from geoml_cli.samples.requests import PredictionRequest
from geoml_cli.stages.import_checkpoint import import_checkpoint
from geoml_cli.stages.predict import Prediction, predict
from geoml_cli.work.reporting import NullReporter

SHAPE = Shape(2, 3, 16, 24, hidden=32, spectral_number=3)
PRESET = Shape(6, 6, 128, 128)


@pytest.fixture(scope="module")
def state():
    torch.manual_seed(0)
    return TideNet(SHAPE).state_dict()


def test_an_imported_checkpoint_forecasts_like_its_averaged_weights(tmp_path):
    """A file with `model` and `ema` becomes a run whose forecasts are those of the averaged network itself."""
    shape = Shape(2, 3, 16, 24, hidden=32, spectral_number=3)
    torch.manual_seed(1)
    plain, averaged = TideNet(shape), TideNet(shape)
    ema = {"step": torch.tensor(5), **{f"ema_model.{key}": value for key, value in averaged.state_dict().items()}}
    torch.save({"model": plain.state_dict(), "ema": ema}, tmp_path / "ckpt-100.pt")
    dataset = write_maps(tmp_path / "maps", maps(20, (16, 24)), land_of((16, 24)))
    run = import_checkpoint("tidenet", "short", tmp_path / "ckpt-100.pt", RunFolder(tmp_path / "run"), None)
    assert run.data().signature.target_shape == (3, 16, 24)
    run = Run(run.folder, ["frames.crop=[]", "frames.square=false"])
    predict(Prediction(open_trained(run), dataset, PredictionRequest(forecast=True), tmp_path / "f.nc"), NullReporter())
    frames = torch.from_numpy(np.array(dataset.array("sst")[-2:]))[None]
    with torch.inference_mode():
        expected = averaged.eval()(torch.where(torch.isfinite(frames), frames, 0.0))[0].numpy()
    with xr.open_dataset(tmp_path / "f.nc") as file:
        sea = ~land_of((16, 24))
        np.testing.assert_allclose(file.fco2.values[0][:, sea], expected[:, sea], rtol=1e-4, atol=1e-3)


def test_with_data_an_import_takes_their_quantity_unit_and_range(tmp_path):
    """The preset `small`, whose maps are shrunk to a number of cells, takes the checkpoint's size all the same."""
    torch.manual_seed(1)
    network = TideNet(SHAPE).eval()
    torch.save({"model": network.state_dict()}, tmp_path / "ckpt-1.pt")
    dataset = write_maps(tmp_path / "maps", maps(20, (16, 24)), land_of((16, 24)))
    whole = ("frames.crop=[]", "frames.square=false")
    location = RunFolder(tmp_path / "run")
    run = import_checkpoint("tidenet", "small", tmp_path / "ckpt-1.pt", location, dataset, *whole)
    assert (run.data().signature.target_name, run.data().signature.unit) == ("sst", "K")
    assert (run.data().source, run.data().units["sst"], run.data().signature.target_step) == ("grid", "K", "month")
    predict(Prediction(open_trained(run), dataset, PredictionRequest(forecast=True), tmp_path / "f.nc"), NullReporter())
    values = np.array(dataset.array("sst"))
    low, high = np.nanmin(values), np.nanmax(values)
    frames = torch.from_numpy((values[-2:] - low) / (high - low))[None]
    with torch.inference_mode():
        expected = network(torch.where(torch.isfinite(frames), frames, 0.0))[0].numpy() * (high - low) + low
    with xr.open_dataset(tmp_path / "f.nc") as file:
        sea = ~land_of((16, 24))
        assert file.sst.attrs["units"] == "K"
        np.testing.assert_allclose(file.sst.values[0][:, sea], expected[:, sea], rtol=1e-4)


def test_settings_of_an_import_do_not_change_what_the_checkpoint_says(tmp_path):
    torch.save({"model": TideNet(SHAPE).state_dict()}, tmp_path / "ckpt-1.pt")
    asked = ("network.frames_in=5", "frames.clip=true")
    run = import_checkpoint("tidenet", "short", tmp_path / "ckpt-1.pt", RunFolder(tmp_path / "run"), None, *asked)
    own = open_trained(run).settings.own
    assert own.network.frames_in == 2 and own.frames.clip


def test_data_of_another_size_are_refused(tmp_path):
    torch.save({"model": TideNet(SHAPE).state_dict()}, tmp_path / "ckpt-1.pt")
    dataset = write_maps(tmp_path / "maps", maps(20, (16, 24)), land_of((16, 24)))
    with pytest.raises(
        SettingsError, match=r"begins at row 800, column 300 of maps of 16 x 24 cells.*--set frames.crop"
    ):
        import_checkpoint("tidenet", "short", tmp_path / "ckpt-1.pt", RunFolder(tmp_path / "run"), dataset)
    assert not (tmp_path / "run").exists()


def test_sizes_are_read_off_the_shapes_and_weights_load(state):
    shape, weights = tidenet(state, PRESET)
    assert shape == SHAPE
    network = TideNet(shape)
    network.load_state_dict(weights)
    assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items())


def test_without_buffers_the_preset_says_how_large_frames_are(state):
    kept = {name: value for name, value in state.items() if name.rpartition(".")[2] not in ("spec_mask", "uv")}
    shape, weights = tidenet(kept, replace(PRESET, height=16, width=24, spectral_number=3))
    assert shape == SHAPE
    assert torch.equal(weights["phasenet.uv"], state["phasenet.uv"])
    assert torch.equal(weights["spec_mask"], state["spec_mask"])


def test_maps_of_a_size_that_nothing_says_are_refused_with_a_remedy_that_works(state, tmp_path):
    kept = {name: value for name, value in state.items() if name.rpartition(".")[2] not in ("spec_mask", "uv")}
    torch.save(kept, tmp_path / "w.pt")
    location = RunFolder(tmp_path / "run")
    asked = [f"network.{name}={getattr(SHAPE, name)}" for name in ("frames_out", "spectral_number")]
    with pytest.raises(DataError, match="rows and columns the network's maps have is not in the file") as caught:
        import_checkpoint("tidenet", "small", tmp_path / "w.pt", location, None, *asked)
    fix = caught.value.fix
    assert "--set frames.most_cells=0 --set 'frames.size=[ROWS,COLUMNS]'" in fix
    size = f"frames.size=[{SHAPE.height},{SHAPE.width}]"
    sized = (*asked, "frames.most_cells=0", size)
    with pytest.raises(SettingsError, match="--data: what the checkpoint predicts is not in the file, and source grid"):
        import_checkpoint("tidenet", "small", tmp_path / "w.pt", location, None, *sized)
    dataset = write_maps(tmp_path / "maps", maps(20, (16, 24)), land_of((16, 24)))
    run = import_checkpoint("tidenet", "small", tmp_path / "w.pt", location, dataset, *sized)
    assert run.data().signature.inputs["frames"].shape[1:] == (SHAPE.height, SHAPE.width)
    assert (run.data().signature.target_name, run.data().signature.unit) == ("sst", "K")
    with pytest.raises(SettingsError, match=r"network.spectral_number is not in the file.*the preset has 8") as caught:
        import_checkpoint(
            "tidenet", "small", tmp_path / "w.pt", RunFolder(tmp_path / "b"), dataset, sized[0], *sized[2:]
        )
    assert caught.value.fix.endswith("--set network.spectral_number=NUMBER.") and "w.pt" in caught.value.where


@pytest.mark.parametrize("name", ["ema", "model"])
def test_an_entry_of_a_checkpoint_is_taken(state, name):
    other = {key: value + 1 for key, value in state.items()}
    content = {"step": 3, "model": state, "ema": other}
    expected = state if name == "model" else other
    assert all(torch.equal(value, expected[key]) for key, value in entry(content, name).items())


def test_averaged_weights_are_taken_from_beside_the_plain_ones(state):
    averaged = {f"ema_model.{key}": value + 1 for key, value in state.items()}
    plain = {f"online_model.{key}": value for key, value in state.items()}
    content = {"ema": {**averaged, **plain, "step": torch.tensor(3)}, "model": state}
    found = entry(content)
    assert set(found) == set(state) and all(torch.equal(found[key], state[key] + 1) for key in state)


def test_parallel_training_left_its_prefix(state):
    assert set(entry({f"module.{key}": value for key, value in state.items()})) == set(state)


def test_an_entry_that_is_not_there_is_named(state):
    with pytest.raises(DataError, match="has no entry ema; it has model, step"):
        entry({"model": state, "step": 3})
    with pytest.raises(DataError, match="lr of entry model is not a tensor"):
        entry({"model": {**state, "lr": 0.1}}, "model")


def test_missing_and_unknown_keys_and_other_shapes_are_named(state):
    damaged = dict(state)
    del damaged["alphamixer.unet.conv_out.bias"]
    damaged["extra.weight"] = torch.zeros(1)
    damaged["amplinet.layers.0.amptime.b1"] = torch.zeros(2, 3)
    with pytest.raises(DataError) as error:
        tidenet(damaged, PRESET)
    text = str(error.value)
    assert "alphamixer.unet.conv_out.bias is missing" in text and "extra.weight is unknown" in text
    assert "amplinet.layers.0.amptime.b1 has shape [2, 3], not [2, 1, 1, 1, 3]" in text


def test_buffers_of_other_values_are_refused(state):
    with pytest.raises(DataError, match=r"phasenet\.uv holds other values than the network computes for 16 x 24"):
        tidenet({**state, "phasenet.uv": state["phasenet.uv"] * 2}, PRESET)
    with pytest.raises(DataError, match=r"alphamixer\.spec_mask holds other values"):
        tidenet({**state, "alphamixer.spec_mask": 1 - state["spec_mask"]}, PRESET)


def test_buffers_of_half_precision_are_those_that_the_network_computes(state):
    shape, found = tidenet({name: tensor.half() for name, tensor in state.items()}, PRESET)
    assert shape.height == 16 and torch.equal(found["phasenet.uv"], state["phasenet.uv"])
    with pytest.raises(DataError, match="holds other values"):
        tidenet({**state, "phasenet.uv": (state["phasenet.uv"] + 0.02).half()}, PRESET)


def test_another_network_is_refused():
    with pytest.raises(DataError, match=r"amplinet\.tmlp\.0\.weight is missing"):
        tidenet(SimVP(1, 1).state_dict(), PRESET)


def test_simvp_says_how_many_frames_it_sees():
    state = SimVP(3, 3).state_dict()
    frames, weights = simvp(state)
    assert frames == 3 and set(weights) == set(state)
    with pytest.raises(DataError, match=r"dec\.readout\.bias is missing"):
        simvp({key: value for key, value in state.items() if key != "dec.readout.bias"})
    with pytest.raises(DataError, match=r"hid\.enc\.0\.conv1\.weight has shape \[2\], not 4 axes"):
        simvp({**state, "hid.enc.0.conv1.weight": torch.zeros(2)})
