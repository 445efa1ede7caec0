"""Whole trainings on small synthetic data: stopped, killed, resumed, shared by processes."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from geoml_cli.config.load import load, read_settings
from geoml_cli.dataset.store import Dataset
from geoml_cli.errors import DataError, GeomlError, SettingsError, StoppedError
from geoml_cli.layers import widths
from geoml_cli.runs.run import Run
from geoml_cli.samples.batches import Batches
from geoml_cli.stages.evaluate import evaluate
from geoml_cli.stages.train import RunLocation, start, train
from geoml_cli.training.launch import _free_port
from geoml_cli.training.precision import layer_reasons
from geoml_cli.training.trainer import Trainer
from geoml_cli.work.reporting import NullReporter

KILLS = int(os.environ.get("GEOML_KILLS", "2"))
TINY = ("network.variant=cnn-lstm", "split.folds=2", "split.seeds=[1]", "train.epochs=4", "train.batch_size=64")


def settings(*more: str):
    return load("soc", "map", None, {}, [*TINY, *more])


def weights(run: Path, which: str = "best") -> dict[str, dict[str, torch.Tensor]]:
    paths = sorted(run.glob(f"members/*/checkpoints/{which}/weights.safetensors"))
    assert paths
    return {path.parts[-4]: load_file(path) for path in paths}


def assert_same(one: Path, other: Path) -> None:
    for which in ("best", "last"):
        first, second = weights(one, which), weights(other, which)
        assert first.keys() == second.keys()
        for member, tensors in first.items():
            for name, value in tensors.items():
                assert torch.equal(value, second[member][name]), (which, member, name)
    for member in weights(one):
        histories = [(run / "members" / member / "history.jsonl").read_text().splitlines() for run in (one, other)]
        entries = [[{k: v for k, v in json.loads(x).items() if k != "seconds"} for x in lines] for lines in histories]
        assert entries[0] == entries[1]


@pytest.fixture(scope="module")
def dataset(data_root):
    return Dataset(data_root / "soc")


@pytest.fixture(scope="module")
def whole(dataset, tmp_path_factory):
    """A training that nothing disturbs."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    return train(settings(), dataset, RunLocation(folder), None, NullReporter()).folder


def test_a_run_holds_what_it_must(whole):
    run = Run(whole)
    assert run.record().status == "finished" and run.members() == ["fold-1", "fold-2"]
    names = {path.relative_to(whole).as_posix() for path in whole.rglob("*") if path.is_file()}
    expected = {"config.toml", "origin.json", "environment.json", "data.json", "run.json"}
    for member in run.members():
        expected |= {f"members/{member}/{name}" for name in ("split.json", "scaling.json", "history.jsonl")}
        for which in ("last", "best"):
            files = ("weights.safetensors", "state.safetensors", "meta.json")
            expected |= {f"members/{member}/checkpoints/{which}/{file}" for file in files}
    assert expected <= names
    assert {Path(name).suffix for name in names} <= {".toml", ".json", ".jsonl", ".safetensors", ".lock", ".npz"}
    environment = json.loads((whole / "environment.json").read_text())
    assert environment["versions"]["torch"] == torch.__version__.split("+")[0] or "+" in torch.__version__
    origin = json.loads((whole / "origin.json").read_text())
    assert origin["train.epochs"] == {"value": 4, "from": "--set train.epochs"}
    assert origin["train.clip_norm"] == {"value": None, "from": "default"}


def test_the_loss_falls_and_the_best_is_the_lowest(whole):
    run = Run(whole)
    for member in run.members():
        history = run.history(member)
        assert [entry["epoch"] for entry in history] == [1, 2, 3, 4]
        losses = [entry["val_loss"] for entry in history]
        meta = json.loads((whole / "members" / member / "checkpoints/last/meta.json").read_text())
        assert meta["counters"]["best"] == {"loss": min(losses)}
        assert history[-1]["loss"] < history[0]["loss"]


def test_the_same_training_again_gives_the_same_bits(whole, dataset, tmp_path):
    train(settings("train.checkpoint_seconds=0"), dataset, RunLocation(tmp_path / "again"), None, NullReporter())
    assert_same(whole, tmp_path / "again")


def test_members_trained_one_by_one_are_the_same(whole, dataset, tmp_path):
    place = RunLocation(tmp_path / "array")
    train(settings(), dataset, place, ["fold-2"], NullReporter())
    assert Run(place.run).members() == ["fold-2"] and Run(place.run).record().status == "interrupted"
    train(settings(), dataset, place, ["fold-1"], NullReporter())
    assert Run(place.run).record().status == "finished"
    assert_same(whole, place.run)


def test_accumulation_and_threads_change_nothing_but_rounding(whole, dataset, tmp_path):
    train(settings("train.accumulate=3"), dataset, RunLocation(tmp_path / "parts"), None, NullReporter())
    for member, tensors in weights(tmp_path / "parts", "last").items():
        for name, value in tensors.items():
            torch.testing.assert_close(value, weights(whole, "last")[member][name], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("steps", [5, 7, 9, 11])
def test_stopped_at_a_step_and_resumed_it_ends_the_same(whole, dataset, tmp_path, monkeypatch, steps):
    """The stop is asked for after so many steps, again and again until the end."""
    place, rounds = RunLocation(tmp_path / "stopped"), 0
    original = Trainer.run
    while True:
        left = [steps]

        def counted(self, stop, advance, left=left):
            def now():
                left[0] -= 1
                return left[0] < 0

            original(self, now, advance)

        monkeypatch.setattr(Trainer, "run", counted)
        rounds += 1
        try:
            train(settings(), dataset, place, None, NullReporter())
            break
        except StoppedError as error:
            assert error.exit_code == 75 and f"Resume with `geoml train {place.run}`" in str(error)
            assert Run(place.run).record().status == "interrupted"
    assert rounds > 2
    assert_same(whole, place.run)


def command(data_root: Path, run: Path, *more: str) -> list[str]:
    sets = [part for text in (*TINY, "train.checkpoint_seconds=0") for part in ("--set", text)]
    fresh = [] if (run / "run.json").exists() else sets
    resume = ["--resume"] if (run / "run.json").exists() else ["--preset", "map"]
    arguments = ["--data", str(data_root), "--run", str(run), *resume, *fresh, *more]
    return [sys.executable, "-m", "geoml_cli", "train", "soc", *arguments]


@pytest.mark.slow
def test_killed_at_random_moments_and_resumed_it_ends_the_same(dataset, data_root, tmp_path):
    """Of kill -9 at random moments; the run folder is readable after each."""
    long = ("train.epochs=70", "train.patience=100")
    whole = train(settings(*long), dataset, RunLocation(tmp_path / "whole"), None, NullReporter()).folder
    run, generator, kills = tmp_path / "killed", random.Random(4), 0
    sets = [part for text in long for part in ("--set", text)]
    while kills < KILLS:
        more = [] if (run / "run.json").exists() else sets
        process = subprocess.Popen(command(data_root, run, *more), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        # Most kills fall into the steps; the others anywhere, starting included.
        if generator.random() < 0.7:
            wait_for_steps(process, run)
            time.sleep(generator.uniform(0, 0.2))
        else:
            time.sleep(generator.uniform(0.2, 2.5))
        if process.poll() is not None:  # a fast machine comes to the end before
            break
        process.kill()
        process.wait()
        kills += 1
        if (run / "run.json").exists():
            Run(run).record()
            for member in Run(run).planned():
                assert Run(run).split(member).seed == 1 and Run(run).scaling(member).inputs
                Run(run).history(member)
    assert kills
    done = subprocess.run(command(data_root, run), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert_same(whole, run)


def wait_for_steps(process: subprocess.Popen, run: Path) -> None:
    """Wait until this process writes checkpoints, or ends."""
    started = time.time()
    while process.poll() is None:
        newest = max((path.stat().st_mtime for path in run.glob("members/*/checkpoints/*/meta.json")), default=0)
        if newest > started:
            return
        time.sleep(0.01)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGUSR1"])
def test_a_signal_saves_and_ends_with_75(data_root, tmp_path, name):
    run = tmp_path / "signalled"
    process = subprocess.Popen(
        command(data_root, run, "--set", "train.epochs=100000"), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    wait_for_steps(process, run)
    process.send_signal(getattr(signal, name))
    message = process.communicate(timeout=120)[1].decode()
    assert process.returncode == 75, message
    assert f"saved. Resume with `geoml train {run}`." in " ".join(message.split()) and "Traceback" not in message
    assert Run(run).record().status == "interrupted"


@pytest.mark.slow
def test_two_processes_train_to_the_same_losses(whole, data_root, tmp_path):
    run = tmp_path / "two"
    done = subprocess.run(command(data_root, run, "--processes", "2"), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for member in Run(whole).members():
        for one, two in zip(Run(whole).history(member), Run(run).history(member), strict=True):
            assert two["val_loss"] == pytest.approx(one["val_loss"], rel=1e-4)
            assert two["loss"] == pytest.approx(one["loss"], rel=1e-4)


@pytest.mark.slow
def test_processes_started_by_someone_else_are_joined(whole, data_root, tmp_path):
    """As torchrun does: RANK and WORLD_SIZE are set, and no run folder is named; they fine-tune, two parts frozen."""
    tuned = (*TINY, f"train.start_run={whole}", 'train.freeze=["conv1","lstm"]')
    sets = [part for text in tuned for part in ("--set", text)]
    started, port = [], str(_free_port())
    for rank in range(2):
        own = {**os.environ, "RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2", "GEOML_RUNS": str(tmp_path)}
        own |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "ACCELERATE_USE_CPU": "true"}
        arguments = ["train", "soc", "--preset", "map", "--cpu", "--data", str(data_root), *sets]
        started.append(
            subprocess.Popen([sys.executable, "-m", "geoml_cli", *arguments], env=own, stderr=subprocess.PIPE)
        )
    errors = [process.communicate(timeout=120)[1].decode() for process in started]
    assert [process.returncode for process in started] == [0, 0], errors
    [made] = tmp_path.glob("soc/map/*/run.json")
    for member, before in weights(whole).items():
        after = weights(made.parent, "last")[member]
        same = {name for name, value in after.items() if torch.equal(value, before[name])}
        assert same == {name for name in after if name.startswith(("conv1.", "lstm."))}


@pytest.mark.slow
def test_two_nodes_of_torchrun_are_killed_and_go_on(whole, data_root, tmp_path):
    """Two agents over loopback stand for two nodes; the run ends with the losses of one process."""
    run = tmp_path / "nodes"

    def nodes() -> list[subprocess.Popen[bytes]]:
        port = str(_free_port())
        own = {**os.environ, "ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"}
        asked = ["--nnodes", "2", "--nproc-per-node", "1", "--master-addr", "127.0.0.1", "--master-port", port]
        words = ["-m", "--", *command(data_root, run, "--cpu")[2:]]
        return [
            subprocess.Popen(
                [sys.executable, "-m", "torch.distributed.run", *asked, "--node-rank", str(rank), *words],
                env=own, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
            )
            for rank in range(2)
        ]  # fmt: skip

    killed = nodes()
    deadline = time.monotonic() + 120
    while not list(run.glob("members/*/checkpoints/last/weights.safetensors")):
        assert all(node.poll() is None for node in killed) and time.monotonic() < deadline
        time.sleep(0.01)
    for node in killed:
        os.killpg(node.pid, signal.SIGKILL)
        node.communicate(timeout=60)
    again = nodes()
    errors = [node.communicate(timeout=240)[1].decode() for node in again]
    assert [node.returncode for node in again] == [0, 0], errors
    assert Run(run).record().status == "finished"
    for member in Run(whole).members():
        for one, two in zip(Run(whole).history(member), Run(run).history(member), strict=True):
            assert two["val_loss"] == pytest.approx(one["val_loss"], rel=1e-4)


def test_a_loss_that_is_not_finite_names_member_step_rows_and_layer(dataset, tmp_path):
    with pytest.raises(GeomlError) as caught:
        train(
            settings("train.lr=1e30", "train.optimiser=sgd", "train.batch_size=32"),
            dataset,
            RunLocation(tmp_path / "run"),
            None,
            NullReporter(),
        )
    assert caught.value.exit_code == 1
    text = str(caught.value)
    assert text.startswith("member fold-1: the loss is not finite at step ") and "rows " in text
    assert "first: " in text and "Lower train.lr" in text
    assert Run(tmp_path / "run").record().status == "failed"


def test_a_bad_input_is_named(dataset, tmp_path, monkeypatch):
    from geoml_cli.models.soc import task
    from geoml_cli.models.soc.spec import SPEC
    from geoml_cli.models.spec import Spec

    def spoilt(variables):
        samples = task.samples(settings().own, variables)
        samples.inputs["static"] = type(samples.inputs["static"])(
            np.array(samples.inputs["static"].values), 1, samples.inputs["static"].names
        )
        return samples

    broken = []

    def samples(variables):
        samples = spoilt(variables)
        if broken:  # after the scaling was fitted
            samples.inputs["static"].values[:, 2, 1, 1] = np.inf
        broken.append(True)
        return samples

    from dataclasses import replace

    [record] = SPEC.networks(settings().own).values()
    broken_spec = Spec(networks=lambda tables: {"": replace(record, samples=samples)})
    monkeypatch.setattr("geoml_cli.models.soc.spec.SPEC", broken_spec)
    with pytest.raises(DataError, match=r"first: input 'static' at \d+ of \d+ rows of the batch"):
        train(settings(), dataset, RunLocation(tmp_path / "run"), None, NullReporter())


def test_a_member_in_training_is_not_trained_twice(dataset, tmp_path):
    from filelock import FileLock

    run = start(settings(), dataset, RunLocation(tmp_path / "run"))
    with (
        FileLock(run.member("fold-1").lock),
        pytest.raises(SettingsError, match="member fold-1: is being trained by another process"),
    ):
        train(settings(), dataset, RunLocation(run.folder), ["fold-1"], NullReporter())


def test_a_folder_of_other_things_is_no_run(dataset, tmp_path):
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "points.csv").write_text("id\n")
    with pytest.raises(SettingsError, match=r"raw: holds no run, but points.csv\. Name another folder with --run"):
        start(settings(), dataset, RunLocation(tmp_path / "raw"))
    assert [path.name for path in (tmp_path / "raw").iterdir()] == ["points.csv"]
    (tmp_path / "raw" / "points.csv").rename(tmp_path / "raw" / "job-1.out")  # a scheduler's log
    start(settings(), dataset, RunLocation(tmp_path / "raw"))
    (tmp_path / "raw" / "run.json").unlink()  # as of a kill while the folder was filled
    assert start(settings(), dataset, RunLocation(tmp_path / "raw")).folder == tmp_path / "raw"


def test_other_settings_or_other_data_are_refused(whole, dataset, tmp_path, raw_soc):
    with pytest.raises(SettingsError, match=r"holds a run with other settings\. Name another folder with --run"):
        train(settings("train.lr=0.5"), dataset, RunLocation(whole), None, NullReporter())
    from geoml_cli.sources.soc.options import SocOptions
    from geoml_cli.stages.prepare import Raw, prepare

    options = SocOptions.model_validate({"window": 5, "classes": [], "unit": "kg"})
    prepare(Raw("soc", raw_soc, options), tmp_path / "other", NullReporter())
    with pytest.raises(DataError, match=r"holds other data .* Name that data set with --data"):
        train(settings(), Dataset(tmp_path / "other"), RunLocation(whole), None, NullReporter())
    with pytest.raises(SettingsError, match=r"'fold-9' is not a member\. Did you mean fold-"):
        train(settings(), dataset, RunLocation(whole), ["fold-9"], NullReporter())


def test_a_setting_that_the_run_does_not_write_is_another_setting(whole, dataset):
    """`clip_norm` is unset in the run, and so not in its config.toml."""
    assert "clip_norm" not in Run(whole).config.read_text()
    with pytest.raises(SettingsError, match="holds a run with other settings"):
        train(settings("train.clip_norm=1.0"), dataset, RunLocation(whole), None, NullReporter())


def test_a_run_from_before_a_setting_was_known_is_resumed(whole, dataset, tmp_path):
    shutil.copytree(whole, tmp_path / "run")
    run = Run(tmp_path / "run")
    kept = [line for line in run.config.read_text().splitlines() if not line.startswith("calibrate")]
    run.config.write_text("\n".join(kept) + "\n")
    done = train(read_settings(run.config), dataset, RunLocation(run.folder), None, NullReporter())
    assert done.record().status == "finished"


def test_a_mean_of_weights_is_what_is_kept(dataset, tmp_path):
    done = train(
        settings("train.ema_decay=0.5", "train.restore=last"),
        dataset,
        RunLocation(tmp_path / "run"),
        None,
        NullReporter(),
    )
    last, best = weights(done.folder, "last")["fold-1"], weights(done.folder, "best")["fold-1"]
    state = load_file(done.folder / "members/fold-1/checkpoints/last/state.safetensors")
    for name, value in best.items():
        assert torch.equal(value, state[f"average.{name}"])
    assert any(not torch.equal(value, last[name]) for name, value in best.items())


@pytest.mark.parametrize(("most", "rows"), [(4096, "all"), (8, 32)])
def test_validation_takes_as_many_rows_as_suit_the_network(dataset, tmp_path, monkeypatch, most, rows):
    sizes, in_order = [], Batches.in_order
    monkeypatch.setitem(widths.MOST, "cpu", most)
    monkeypatch.setattr(Batches, "in_order", lambda self, *given: sizes.append(given) or in_order(self, *given))
    # Never fewer than those of which gradients are computed.
    few = ("split.folds=2", "train.accumulate=2", "train.epochs=1", "target.smearing=false", "train.calibrate=false")
    train(settings(*few), dataset, RunLocation(tmp_path / "run"), None, NullReporter())
    assert sizes and {size for _, size in sizes} == {most if rows == "all" else rows}


def test_patience_ends_a_member_early(dataset, tmp_path):
    more = ("train.patience=2", "train.lr=1e-12", "train.epochs=50")
    done = train(settings(*more), dataset, RunLocation(tmp_path / "run"), ["fold-1"], NullReporter())
    assert len(done.history("fold-1")) < 50


def test_a_schedule_that_was_cut_off_is_told_with_its_remedy(dataset, tmp_path):
    """Trained as long as the note says, the rate falls to its end."""

    def notes(folder: Path, *more: str) -> str:
        cheap = ("evaluate.baselines=[]", "evaluate.importance_repeats=0", "evaluate.n_bootstrap=100")
        given = settings("train.patience=2", "train.lr=1e-12", *cheap, *more)
        run = train(given, dataset, RunLocation(folder), None, NullReporter())
        return " ".join(evaluate(run, dataset, given, "test", NullReporter()).networks[""].result.notes)

    told = notes(tmp_path / "cut", "train.epochs=50")
    assert "2 of 2 members stopped early (train.patience = 2), with the learning rate still at 9" in told
    [remedy] = re.findall(r"train\.steps=\d+", told)
    assert "stopped early" not in notes(tmp_path / "whole", remedy)


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_trackers_get_the_history(dataset, tmp_path):
    done = train(
        settings('train.trackers=["tensorboard"]'), dataset, RunLocation(tmp_path / "run"), ["fold-1"], NullReporter()
    )
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    folder = next((done.folder / "trackers").rglob("events*")).parent
    events = EventAccumulator(str(folder)).Reload()
    found = [event.value for event in events.Scalars("fold-1/val_loss")]
    np.testing.assert_allclose(found, [entry["val_loss"] for entry in done.history("fold-1")], rtol=1e-6)


@pytest.mark.parametrize("name", ["mlflow", "wandb"])
def test_a_tracker_that_is_not_installed_is_said(dataset, tmp_path, name):
    if __import__("importlib.util").util.find_spec(name):
        pytest.skip(f"{name} is installed")
    with pytest.raises(SettingsError, match=rf"{name} is not installed\. Install it with"):
        train(settings(f'train.trackers=["{name}"]'), dataset, RunLocation(tmp_path / "run"), None, NullReporter())


def test_bf16_trains_to_nearly_the_same(whole, dataset, tmp_path):
    """On any processor: what it cannot compute in bf16 runs in float32, and is said."""
    reporter, place = NullReporter(), RunLocation(tmp_path / "run", cpu=True)
    done = train(settings("train.precision=bf16"), dataset, place, ["fold-1"], reporter)
    failing = [layer for layer, reason in layer_reasons(torch.device("cpu"), "bf16").items() if reason]
    told = [line for line in reporter.said if line.startswith("Precision bf16: ")]
    assert len(told) == bool(failing) and all(layer in told[0] for layer in failing)
    for one, two in zip(Run(whole).history("fold-1"), done.history("fold-1"), strict=True):
        assert one["val_loss"] == pytest.approx(two["val_loss"], rel=0.05)
    assert any(
        one["loss"] != two["loss"]
        for one, two in zip(Run(whole).history("fold-1"), done.history("fold-1"), strict=True)
    )
    assert all(value.dtype == torch.float32 for value in weights(done.folder)["fold-1"].values())


def test_fp16_needs_a_gpu(dataset, tmp_path):
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(SettingsError, match="fp16 needs a GPU"):
        train(settings("train.precision=fp16"), dataset, RunLocation(tmp_path / "run"), None, NullReporter())
