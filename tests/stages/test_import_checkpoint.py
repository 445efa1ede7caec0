"""Importing checkpoints: what cannot be read is said, and nothing in a file runs."""

from __future__ import annotations

import os
import pickle
import re
import shutil
import zipfile

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from weights import case, filled

from geoml_cli.errors import DataError, GeomlError
from geoml_cli.models.weights import is_same, plain_names
from geoml_cli.runs.create import RunFolder
from geoml_cli.runs.imported import notes_of
from geoml_cli.runs.run import Run
from geoml_cli.runs.state_dict import state_dict
from geoml_cli.stages.import_checkpoint import import_checkpoint


@pytest.fixture
def weights_of_cnn():
    described, _ = case("soc_cnn")
    return filled(described["state_dict"], described["seed"])


class Payload:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


@pytest.mark.parametrize("writer", ["zip", "legacy", "plain"])
def test_a_malicious_checkpoint_runs_nothing(tmp_path, writer):
    trap, file = tmp_path / "ran", tmp_path / "evil.pth"
    if writer == "plain":
        file.write_bytes(pickle.dumps({"conv1.weight": Payload(trap)}))
    else:
        torch.save({"conv1.weight": Payload(trap)}, file, _use_new_zipfile_serialization=writer == "zip")
    with pytest.raises(DataError, match=r"evil\.pth: (holds more than tensors|cannot be read)") as caught:
        import_checkpoint("soc", "paper", file, RunFolder(tmp_path / "run"))
    assert caught.value.exit_code == 3
    assert not trap.exists() and not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"there is no such file\. Name the checkpoint's file"),
        (b"", r"is no torch checkpoint\. Name the file of weights"),
        (b"lon,lat,soc\n1,2,3\n", "is no torch checkpoint"),
        (b"PK\x03\x04 but no archive", "cannot be read as a torch checkpoint"),
        (pickle.dumps([1, 2]), "cannot be read as a torch checkpoint|holds more than tensors|is not a state dict"),
    ],
)
def test_what_is_no_checkpoint_is_said(tmp_path, content, message):
    file = tmp_path / "w.pth"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(DataError, match=message):
        state_dict(file)


@pytest.mark.parametrize("found", [{}, {"epoch": 3}, [torch.ones(1)], {"state_dict": {}}])
def test_tensors_that_are_no_state_dict(tmp_path, found):
    torch.save(found, tmp_path / "w.pth")
    with pytest.raises(DataError, match="is not a state dict"):
        state_dict(tmp_path / "w.pth")


def test_a_flipped_bit_of_a_tensor_is_found_by_its_checksum(tmp_path, weights_of_cnn):
    torch.save(weights_of_cnn, tmp_path / "a.pth")
    content = bytearray((tmp_path / "a.pth").read_bytes())
    with zipfile.ZipFile(tmp_path / "a.pth") as archive:
        largest = max(archive.infolist(), key=lambda member: member.file_size)
    place = content.index(b"data/", largest.header_offset) + 200  # inside the tensor, past its name
    content[place] ^= 0x40
    (tmp_path / "a.pth").write_bytes(content)
    with pytest.raises(DataError, match="does not match its checksum"):
        state_dict(tmp_path / "a.pth")


def test_wrappers_are_opened(tmp_path, weights_of_cnn):
    torch.save({"epoch": 4, "model_state_dict": weights_of_cnn}, tmp_path / "w.pth")
    assert state_dict(tmp_path / "w.pth").keys() == weights_of_cnn.keys()


@pytest.mark.parametrize(
    "names",
    [("model", "ema"), ("state_dict", "ema"), ("model_state_dict", "ema"), ("model", "model_ema"),
     ("state_dict", "state_dict_ema"), ("model", "swa_model"), ("model_state_dict", "averaged_model_state_dict")],
)  # fmt: skip
def test_averaged_weights_come_before_those_of_the_last_step(tmp_path, weights_of_cnn, names):
    last, averaged = names
    other = {name: 1.5 * tensor for name, tensor in weights_of_cnn.items()}
    for content in (weights_of_cnn, {"decay": 0.99, "shadow": weights_of_cnn}):
        torch.save({last: other, averaged: content, "epoch": 3}, tmp_path / "w.pth")
        notes = []
        found = state_dict(tmp_path / "w.pth", notes)
        assert all(torch.equal(found[name], tensor) for name, tensor in weights_of_cnn.items())
        assert notes[:1] == [f"its weights are those of {averaged}; {last} is not used."]
    # How fast it is averaged, and how far.
    torch.save(
        {last: other, averaged: 0.99, "ema_schedule": {"step": 3}, "optimizer": {"state": {}}}, tmp_path / "w.pth"
    )
    assert state_dict(tmp_path / "w.pth").keys() == other.keys()


@pytest.mark.parametrize("name", ["net", "weights", "params", "generator", "my classifier"])
def test_the_one_entry_of_weights_is_taken_whatever_it_is_called(tmp_path, weights_of_cnn, name):
    moments = {number: {"exp_avg": tensor} for number, tensor in enumerate(weights_of_cnn.values())}
    others = {
        "optimizer": {"state": moments, "param_groups": [{"lr": 0.1}]},
        "average_meter": {"loss": torch.tensor(3.0)},
        "ema_losses": {"train": torch.ones(2), "validation": torch.ones(1)},
        "history": {"loss": torch.ones(5)},
        "rng": torch.zeros(8, dtype=torch.uint8),
        "best_loss": torch.tensor(0.3),
        "mean": torch.zeros(4),
        "epoch": 3,
    }
    for content in ({name: weights_of_cnn}, {"state": {name: weights_of_cnn, "epoch": 4}}):
        torch.save({**content, **others}, tmp_path / "w.pth")
        assert state_dict(tmp_path / "w.pth").keys() == weights_of_cnn.keys()


def test_two_entries_of_weights_are_named_with_a_remedy_that_works(tmp_path, weights_of_cnn):
    regressor = {f"other.{name}": tensor for name, tensor in weights_of_cnn.items()}
    torch.save({"classifier": weights_of_cnn, "regressor": regressor}, tmp_path / "w.pth")
    with pytest.raises(DataError, match=r"\(classifier, regressor\).*torch\.load\(FILE\)\['classifier'\], NEW"):
        state_dict(tmp_path / "w.pth")
    save_file(torch.load(tmp_path / "w.pth")["classifier"], tmp_path / "n.safetensors")
    assert state_dict(tmp_path / "n.safetensors").keys() == weights_of_cnn.keys()


def test_a_checkpoint_that_holds_itself_is_no_state_dict(tmp_path):
    content = {}
    content["model"] = content
    torch.save(content, tmp_path / "w.pth")
    with pytest.raises(DataError, match=r"is not a state dict: it holds model\..*save these alone"):
        state_dict(tmp_path / "w.pth")


@pytest.mark.parametrize(
    ("names", "unclear"),
    [
        (("model", "best_model"), "model, best_model"),
        (("model", "ema_0.9", "ema_0.99"), "ema_0.9, ema_0.99"),
        (("ema", "swa_model"), "ema, swa_model"),
    ],
)
@pytest.mark.parametrize("wrapped", [False, True])
def test_several_sets_of_weights_are_not_chosen_from(tmp_path, weights_of_cnn, names, unclear, wrapped):
    content = dict.fromkeys(names, weights_of_cnn)
    if wrapped and "model" not in unclear:  # averages whose names differ, as by a prefix
        content[names[-1]] = {f"module.{name}": tensor for name, tensor in weights_of_cnn.items()}
    torch.save(content, tmp_path / "w.pth")
    with pytest.raises(DataError, match=rf"has several sets of weights \({re.escape(unclear)}\).*Save one of them"):
        state_dict(tmp_path / "w.pth")


@pytest.mark.parametrize(
    "prefix", ["module.", "model.", "_orig_mod.", "model.module.", "module._orig_mod.", "classifier."]
)
def test_prefixes_that_programs_put_before_every_name_are_taken_off(weights_of_cnn, prefix):
    named = {f"{prefix}{name}": tensor for name, tensor in weights_of_cnn.items()}
    assert plain_names(named).keys() == weights_of_cnn.keys()


def test_an_average_of_torch_and_one_next_to_plain_weights(weights_of_cnn):
    of_torch = {"n_averaged": torch.tensor(3), **{f"module.{name}": each for name, each in weights_of_cnn.items()}}
    assert plain_names(of_torch).keys() == weights_of_cnn.keys()
    averaged = {f"ema_model.{name}": 2 * each for name, each in weights_of_cnn.items()}
    online = {f"online_model.{name}": each for name, each in weights_of_cnn.items()}
    found = plain_names({**online, **averaged, "step": torch.tensor(1)})
    assert all(torch.equal(found[name], 2 * each) for name, each in weights_of_cnn.items())


@pytest.mark.parametrize(
    ("counter", "none"), [("n_averaged", torch.tensor(0)), ("ema.initted", False), ("n_averaged", 0.0)]
)
def test_an_average_that_has_not_begun_is_no_trained_network(tmp_path, weights_of_cnn, counter, none):
    untrained = {counter: none} | {f"module.{name}": 0 * each for name, each in weights_of_cnn.items()}
    torch.save({"epoch": 3, "model": weights_of_cnn, "swa_model": untrained}, tmp_path / "w.pth")
    found = state_dict(tmp_path / "w.pth")
    assert all(torch.equal(found[name], tensor) for name, tensor in weights_of_cnn.items())
    torch.save({"epoch": 3, "model": weights_of_cnn, "swa_model": untrained | {counter: torch.tensor(2)}},
               tmp_path / "w.pth")  # fmt: skip
    assert counter in state_dict(tmp_path / "w.pth")
    for content in (untrained, {"swa_model": untrained}):
        torch.save(content, tmp_path / "w.pth")
        with pytest.raises(DataError, match="holds an average of weights that has not begun"):
            state_dict(tmp_path / "w.pth")


def test_variances_below_0_are_refused(tmp_path):
    torch.save(
        {"norm.running_mean": -torch.ones(3), "norm.running_var": torch.tensor([1, -2.5, 1])}, tmp_path / "w.pth"
    )
    with pytest.raises(DataError, match=r"1 of 3 variances of norm\.running_var are below 0 \(down to -2\.5\)"):
        state_dict(tmp_path / "w.pth")


def test_a_buffer_is_the_same_up_to_the_rounding_of_its_type():
    knots = torch.linspace(-2.2, 2.2, 12)
    for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
        assert is_same(knots.to(dtype), knots, 1e-6)
    assert not is_same((knots + 0.01).half(), knots, 1e-6) and not is_same(knots + 1e-5, knots, 1e-6)


def test_safetensors_are_read_too(tmp_path, weights_of_cnn):
    save_file(weights_of_cnn, tmp_path / "w.safetensors")
    found = state_dict(tmp_path / "w.safetensors")
    assert all(torch.equal(found[name], tensor) for name, tensor in weights_of_cnn.items())
    (tmp_path / "w.safetensors").write_bytes((tmp_path / "w.safetensors").read_bytes()[:-50])
    with pytest.raises(DataError, match="cannot be read as safetensors"):
        state_dict(tmp_path / "w.safetensors")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda name, tensor: tensor.to(torch.int64), "is of type int64, not a dense tensor of floats"),
        (lambda name, tensor: tensor.to(torch.complex64), "is of type complex64, not"),
        (lambda name, tensor: tensor.to_sparse(), "is sparse, not a dense"),
        (lambda name, tensor: torch.quantize_per_tensor(tensor, 0.1, 0, torch.qint8), "is of type qint8, not"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*quantiz:DeprecationWarning", "ignore:.*quantiz:UserWarning")
def test_weights_that_are_no_plain_floats_are_refused(tmp_path, weights_of_cnn, change, message):
    torch.save({name: change(name, tensor) for name, tensor in weights_of_cnn.items()}, tmp_path / "w.pth")
    with pytest.raises(DataError, match=message):
        import_checkpoint("soc", "paper", tmp_path / "w.pth", RunFolder(tmp_path / "run"))


def test_weights_of_one_name_with_and_without_the_prefix_of_parallel_training(tmp_path, weights_of_cnn):
    name = next(iter(weights_of_cnn))
    torch.save({**weights_of_cnn, f"module.{name}": 2 * weights_of_cnn[name]}, tmp_path / "w.pth")
    with pytest.raises(DataError, match=f"has {name} and module.{name}: which of them counts is not known"):
        import_checkpoint("soc", "paper", tmp_path / "w.pth", RunFolder(tmp_path / "run"))


def test_an_archive_with_a_path_outside_writes_nothing(tmp_path, weights_of_cnn):
    torch.save(weights_of_cnn, tmp_path / "w.pth")
    with zipfile.ZipFile(tmp_path / "w.pth", "a") as archive:
        archive.writestr("../../outside.txt", "x")
    try:
        state_dict(tmp_path / "w.pth")
    except DataError:
        pass
    assert not list(tmp_path.parent.glob("outside.txt"))


@given(place=st.integers(0, 20_000), damage=st.binary(min_size=1, max_size=8))
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_damaged_checkpoint_gives_our_error_and_no_half_run(tmp_path_factory, weights_of_cnn, place, damage):
    folder = tmp_path_factory.mktemp("fuzz")
    torch.save(weights_of_cnn, folder / "w.pth")
    content = bytearray((folder / "w.pth").read_bytes())
    content[place % len(content) : place % len(content) + len(damage)] = damage
    (folder / "w.pth").write_bytes(bytes(content))
    try:
        run = import_checkpoint("soc", "paper", folder / "w.pth", RunFolder(folder / "run"))
        assert Run(run.folder).members() == ["released"]
    except GeomlError as error:
        assert error.exit_code == 3
        assert not (folder / "run").exists()


@pytest.mark.parametrize("more", [[], ["--dry-run"]])
def test_a_dry_run_refuses_what_the_import_refuses(geoml, tmp_path, more):
    path = tmp_path / "weights.pth"
    path.write_text("x")
    result = geoml("import", "soc", path, "--run", tmp_path / "run", *more)
    assert result.code == 3
    assert "is no torch checkpoint" in result.err
    assert not (tmp_path / "run").exists()


def test_which_of_several_weights_of_a_file_were_taken_is_told(geoml, tmp_path, weights_of_cnn):
    """Papers score the average of the weights, and releases hold the last ones as well."""
    last = {name: 1.5 * tensor for name, tensor in weights_of_cnn.items()}
    torch.save({"state_dict": last, "ema_state_dict": weights_of_cnn}, tmp_path / "w.pth")
    done = geoml("import", "soc", tmp_path / "w.pth", "--run", tmp_path / "run")
    assert done.code == 0
    assert "w.pth: its weights are those of ema_state_dict; state_dict is not used." in done.err
    assert not notes_of(Run(import_checkpoint("soc", "paper", plain(tmp_path, last), RunFolder(tmp_path / "b")).folder))


def plain(folder, weights):
    torch.save(weights, folder / "plain.pth")
    return folder / "plain.pth"


def test_a_dry_run_of_an_import_writes_nothing(geoml, tmp_path, weights_of_cnn):
    torch.save(weights_of_cnn, tmp_path / "w.pth")
    result = geoml("import", "soc", tmp_path / "w.pth", "--run", tmp_path / "run", "--dry-run")
    assert result.code == 0, result.err
    assert f"would write  {tmp_path / 'run'}" in result.out
    assert not (tmp_path / "run").exists()


def test_weights_that_are_not_finite_are_refused(geoml, tmp_path, weights_of_cnn):
    name = next(iter(weights_of_cnn))
    torch.save(weights_of_cnn | {name: weights_of_cnn[name] * float("nan")}, tmp_path / "w.pth")
    done = geoml("import", "soc", tmp_path / "w.pth", "--run", tmp_path / "run")
    assert done.code == 3 and f"weights of {name} are no numbers" in " ".join(done.err.split())
    assert not (tmp_path / "run").exists()


def test_weights_that_are_infinite_are_refused(tmp_path, weights_of_cnn):
    name = next(iter(weights_of_cnn))
    tensor = weights_of_cnn[name].clone()
    tensor.view(-1)[0] = torch.inf
    torch.save(weights_of_cnn | {name: tensor}, tmp_path / "w.pth")
    with pytest.raises(DataError, match=f"1 of {tensor.numel()} weights of {name} are no numbers"):
        state_dict(tmp_path / "w.pth")


def test_data_that_nothing_is_scaled_by_do_not_hide_the_warning(geoml, tmp_path, trained, data_root):
    """The preset `paper` scales nothing, so that `--data` changes nothing; the remedy names what does."""
    weights = load_file(trained / "members/fold-1/checkpoints/best/weights.safetensors")
    torch.save(weights, tmp_path / "w.pth")
    data = ("--data", data_root / "soc")
    done = geoml("import", "soc", tmp_path / "w.pth", "--run", tmp_path / "a", *data, "--set", "network.variant=cnn")
    assert done.code == 0 and "the preset has none to be fitted on --data, so inputs enter unscaled" in done.err
    more = ("--preset", "map", "--set", "network.variant=cnn")
    done = geoml("import", "soc", tmp_path / "w.pth", "--run", tmp_path / "b", *data, *more)
    assert done.code == 0 and "unscaled" not in done.err, done.err


def test_infinite_buffers_and_tensors_of_other_kinds_are_no_fault(tmp_path, weights_of_cnn):
    more = {"mask": torch.tensor([0.0, -torch.inf]), "places": torch.eye(3).to_sparse(), "count": torch.tensor(3)}
    torch.save(weights_of_cnn | more, tmp_path / "w.pth")
    assert set(more) < set(state_dict(tmp_path / "w.pth"))


def test_a_prefix_of_some_names_is_a_part_of_a_network(weights_of_cnn):
    named = {f"model.{name}": tensor for name, tensor in weights_of_cnn.items()} | {"head.weight": torch.zeros(1)}
    assert plain_names(named).keys() == named.keys()


def test_weights_that_were_exported_are_no_released_checkpoint(geoml, tmp_path, trained, data_root):
    shutil.copytree(trained, tmp_path / "run")
    assert geoml("export", tmp_path / "run", "--data", data_root / "soc", "--format", "safetensors").code == 0
    refused = geoml("import", "soc", tmp_path / "run/export/soc.safetensors", "--preset", "map")
    assert refused.code == 3 and "as `geoml export` writes them" in refused.err
    assert geoml("bundle", tmp_path / "run", "--out", tmp_path / "bundle").code == 0
    assert geoml("check", next((tmp_path / "bundle").rglob("run.json")).parent, "--data", data_root / "soc").code == 0


def test_an_import_over_another_is_refused_and_the_same_one_is_finished(
    geoml, tmp_path, weights_of_cnn, trained, data_root
):
    """What was exported and evaluated is of the first; weights of a member that a kill left out are written."""
    run, data = tmp_path / "run", ("--data", data_root / "soc")
    cnn, scaled = ("--set", "network.variant=cnn"), ("--set", "inputs.scaling=standard")
    weights = load_file(trained / "members/fold-1/checkpoints/best/weights.safetensors")
    torch.save(weights, tmp_path / "w.pth")
    torch.save({name: value * 1.5 for name, value in weights.items()}, tmp_path / "other.pth")
    assert geoml("import", "soc", tmp_path / "w.pth", *cnn, "--run", run).code == 0
    kept = run / "members/released/checkpoints/best/weights.safetensors"
    before = kept.read_bytes()
    again = geoml("import", "soc", tmp_path / "other.pth", *cnn, "--run", run)
    assert again.code == 2 and "holds an import of other weights of released. Name another folder" in again.err
    again = geoml("import", "soc", tmp_path / "w.pth", *cnn, "--run", run, *data)
    assert again.code == 2 and "holds an import of other data" in again.err
    assert kept.read_bytes() == before and Run(run).data().source == "soc"
    again = geoml("import", "soc", tmp_path / "w.pth", *cnn, *scaled, "--run", run, *data)
    assert again.code == 2 and "holds a run with other settings. Name another folder with --run." in again.err
    assert "--resume" not in again.err
    shutil.rmtree(kept.parents[1])
    Run(run).mark("released", "waiting")
    assert geoml("import", "soc", tmp_path / "w.pth", *cnn, "--run", run).code == 0
    assert kept.read_bytes() == before and Run(run).members() == ["released"]
    both = (*cnn, *scaled, *data, "--run", tmp_path / "both")
    assert geoml("import", "soc", tmp_path / "w.pth", *both).code == 0
    assert "holds an import of other data" in geoml("import", "soc", tmp_path / "w.pth", *both[:4], *both[-2:]).err


def test_a_run_that_was_trained_is_not_imported_into(geoml, tmp_path, trained):
    shutil.copytree(trained, tmp_path / "run")
    weights = load_file(trained / "members/fold-1/checkpoints/best/weights.safetensors")
    torch.save(weights, tmp_path / "w.pth")
    done = geoml("import", "soc", tmp_path / "w.pth", "--preset", "map", "--run", tmp_path / "run")
    assert done.code == 2 and done.err.endswith("Name another folder with --run.\n"), done.err
