"""Fine-tuning: weights and scaling of another run, and what is refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from quick import QUICK
from safetensors.torch import load_file

from geoml_cli import registry
from geoml_cli.config.load import load, read_settings
from geoml_cli.dataset.store import Block, Dataset
from geoml_cli.errors import DataError, SettingsError
from geoml_cli.runs.data_record import checksum_of
from geoml_cli.runs.run import Run
from geoml_cli.samples.samples import WindowSpan
from geoml_cli.samples.scaling import Affine, Scaling, TargetScaling
from geoml_cli.sources.soc.source import SOURCE
from geoml_cli.splits.identity import Described, common_spans, recognised_by
from geoml_cli.splits.overlaps import overlapping, predicting_alike
from geoml_cli.stages.prepare import Raw, prepare
from geoml_cli.stages.train import RunLocation, train
from geoml_cli.training.fitting import remarks
from geoml_cli.training.plan import plan_run
from geoml_cli.training.start import described, start_of
from geoml_cli.training.start_scaling import scaling_of
from geoml_cli.work.reporting import NullReporter

SETTINGS = [QUICK[k] for k in range(1, len(QUICK), 2)]
ROWS, DAYS = np.arange(2), "minutes since 1970-01-01 00:00:00"


@pytest.fixture(scope="module")
def dataset(data_root) -> Dataset:
    return Dataset(data_root / "soc")


def tuned(trained: Path, dataset: Dataset, folder: Path, *more: str) -> Run:
    settings = load("soc", "map", None, {}, [*SETTINGS, f"train.start_run={trained}", *more])
    return train(settings, dataset, RunLocation(folder, cpu=True), None, NullReporter())


def test_members_start_from_the_weights_and_keep_the_scaling(trained, dataset, tmp_path):
    """With a learning rate that moves nothing, the weights are those of the other run."""
    found = tuned(trained, dataset, tmp_path / "run", "train.lr=1e-12", "train.epochs=1")
    for name in found.members():
        first, second = (load_file(run.member(name).best().weights) for run in (Run(trained), found))
        for key, value in first.items():
            torch.testing.assert_close(second[key], value, rtol=0, atol=1e-6)
        assert found.scaling(name) == Run(trained).scaling(name)


def test_weights_that_no_step_makes_better_are_kept_and_said(trained, dataset, tmp_path, monkeypatch):
    """A checkpoint that is worse than the weights it began with is no result of a fine-tuning."""
    told = []
    monkeypatch.setattr(NullReporter, "warn", lambda self, text: told.append(text))
    spoilt = tuned(trained, dataset, tmp_path / "spoilt", "train.lr=0.5", "train.epochs=2", "train.schedule=constant")
    for name in spoilt.members():
        first = spoilt.history(name)[0]
        assert (first["step"], first["loss"]) == (0, None) and first["val_loss"] < spoilt.history(name)[1]["val_loss"]
        assert spoilt.member(name).best().step() == 0
        weights = (load_file(run.member(name).best().weights) for run in (Run(trained), spoilt))
        one, other = weights
        assert all(torch.equal(one[key], value) for key, value in other.items())
    unimproved = [text for text in told if "no step is better on the validation rows" in text]
    assert len(unimproved) == len(spoilt.members()) and str(trained) in unimproved[0]
    # Ranges are those of the rows that the weights have seen; damage of the checkpoint is told where it is read.
    name = spoilt.members()[0]
    assert spoilt.scaling(name).inputs == Run(trained).scaling(name).inputs
    spoilt.member(name).best().meta.write_text("{")
    assert spoilt.scaling(name).inputs
    told.clear()
    better = tuned(trained, dataset, tmp_path / "better", "train.epochs=3")
    improved = [name for name in better.members() if better.member(name).best().step()]
    assert len(improved) + sum("no step is better" in text for text in told) == len(better.members())
    assert all(Run(trained).history(name)[0]["step"] > 0 for name in Run(trained).members())


def test_scaling_is_kept_unless_it_is_fitted_anew(trained, dataset):
    given = [*SETTINGS, f"train.start_run={trained}"]
    others = {"inputs.scaling": ("standard", "min-max"), "target.scaling": ("min-max", "standard")}
    for key, (asked, theirs) in others.items():
        wanted = [*given, f"{key}={asked}"]
        with pytest.raises(SettingsError, match=rf"'{theirs}', this one '{asked}'.*--set {key}={theirs}, or"):
            plan_run(load("soc", "map", None, {}, wanted), dataset)
        plan_run(load("soc", "map", None, {}, [*wanted, f"{key}={theirs}"]), dataset)  # the remedy
    anew = [*(f"{key}={asked}" for key, (asked, _) in others.items()), "train.rescale=true"]
    kept, fitted = (
        plan_run(load("soc", "map", None, {}, [*given, *more]), dataset).members["fold-1"] for more in ([], anew)
    )
    start = Run(trained).scaling("fold-1")
    assert kept[1].inputs == start.inputs
    # The smearing is that of residuals of the other run.
    assert kept[1].target == start.target.model_copy(update={"smearing": 1.0})
    static = dataset.array("static")[kept[0].train].astype(float)
    np.testing.assert_allclose(fitted[1].inputs["static"].shift[0], static[:, 0].mean(), rtol=1e-5)
    assert fitted[1].target.shift != kept[1].target.shift and fitted[1].target.transform == kept[1].target.transform


def test_another_transform_of_the_target_is_refused_unless_scaling_is_fitted_anew(trained, dataset):
    """Kept scaling brings its transform with it: what is asked for would be left out in silence."""
    given = [*SETTINGS, f"train.start_run={trained}", "target.transform=none"]
    with pytest.raises(SettingsError, match=r"has transform 'log1p', this one's 'none'.*transform=log1p, or"):
        plan_run(load("soc", "map", None, {}, given), dataset)
    for remedy in ("target.transform=log1p", "train.rescale=true"):
        plan_run(load("soc", "map", None, {}, [*given, remedy]), dataset)


def test_kept_scaling_knows_the_range_of_both_runs():
    there = Affine(shift=(0.0, 1.0), scale=(2.0, 3.0), low=(0.0, 1.0), high=(2.0, 4.0))
    both = there.with_range_of(Affine(shift=(5.0, 5.0), scale=(6.0, 6.0), low=(-1.0, 2.0), high=(1.0, 9.0)))
    assert both == Affine(shift=(0.0, 1.0), scale=(2.0, 3.0), low=(-1.0, 1.0), high=(2.0, 9.0))
    assert Affine(shift=(0.0,), scale=(1.0,)).with_range_of(there).low == (), "what is not known stays so"


@pytest.mark.parametrize("rescale", [False, True])
def test_weights_know_the_classes_that_they_were_trained_on(rescale):
    """Those of step 0 have seen no row of their own run, and frozen ones never will."""
    theirs = Affine(shift=(0.0,), scale=(1.0,), low=(1.0,), high=(4.0,), classes=(1, 4))
    own = Affine(shift=(0.5,), scale=(2.0,), low=(3.0,), high=(5.0,), classes=(3, 4))
    begun, fitted = (
        Scaling(inputs={"land_cover": one, "static": one}, trailing={}, target=TargetScaling()) for one in (theirs, own)
    )
    kept = None if rescale else begun

    def found(step: int | None, *frozen: str) -> dict[str, Affine]:
        made = scaling_of(SimpleNamespace(scaling=begun), kept, fitted, frozen)
        assert Scaling.model_validate_json(made.model_dump_json()) == made
        assert not made.at_step(step).started
        return made.at_step(step).inputs

    both, scale = ((3, 4), own) if rescale else ((1, 3, 4), theirs)
    assert found(5)["land_cover"].classes == found(None)["static"].classes == both
    assert found(5, "land_cover")["land_cover"].classes == (1, 4)
    assert found(5, "land_cover")["static"].classes == both
    for step in (0, 5):
        assert found(step)["static"].shift == scale.shift and found(step)["static"].scale == scale.scale
    assert found(0)["land_cover"].classes == (1, 4)
    assert found(0)["static"].low == (own if rescale else theirs).low
    assert fitted.at_step(0) == fitted, "weights that were drawn"


def test_rows_that_the_other_run_was_trained_on_are_not_tested(trained, dataset, tmp_path):
    with pytest.raises(DataError, match=r"was trained or chosen on \d+ of the rows that this run holds out\."):
        tuned(trained, dataset, tmp_path / "run", "split.seed=7")


def test_rows_that_the_run_before_was_trained_on_are_not_tested_either(trained, dataset, tmp_path, monkeypatch):
    """Weights that began as others have seen what these were trained on."""
    between = tuned(trained, dataset, tmp_path / "between", "train.epochs=1")
    split = Run.split
    monkeypatch.setattr(
        Run,
        "split",
        lambda self, name: (
            replace(split(self, name), train=np.empty(0, dtype=np.int64))
            if self.folder == between.folder
            else split(self, name)
        ),
    )
    with pytest.raises(
        DataError, match=rf"{trained}.*was trained or chosen on \d+ of the rows that this run holds out\."
    ):
        tuned(between.folder, dataset, tmp_path / "run", "split.seed=7")


def test_what_is_not_known_of_the_rows_that_weights_have_seen_is_told(trained, dataset, tmp_path, monkeypatch):
    settings = load("soc", "map", None, {}, [*SETTINGS, f"train.start_run={trained}"]).shared.train
    assert described(settings, dataset).endswith("with its scaling.")
    for folder in (str(tmp_path / "gone"), None):
        monkeypatch.setattr(Run, "data", lambda self, folder=folder: SimpleNamespace(digest="another", folder=folder))
        told = described(settings, dataset)
        assert f"run {trained.name} was trained on another data set, which is no longer in {folder}, so whether" in told
    monkeypatch.setattr(Run, "data", lambda self: SimpleNamespace(digest=None, folder=None))  # of a released checkpoint
    assert "does not say what it was trained on" in described(settings, dataset)
    gone = settings.model_copy(update={"start_run": str(tmp_path / "gone")})
    assert "run gone is no longer there" in described(gone, dataset)


def prepared_again(raw_soc: Path, folder: Path, change: Callable[[pd.DataFrame], pd.DataFrame]) -> Dataset:
    """Prepare soc's raw files with another table of points."""
    raw = shutil.copytree(raw_soc, folder / "raw")
    (table,) = raw.glob("*.csv")
    change(pd.read_csv(table)).to_csv(table, index=False)
    prepare(Raw("soc", raw, SOURCE.synthetic(folder / "spare", 3)), folder / "soc", NullReporter())
    return Dataset(folder / "soc")


def test_rows_of_another_data_set_are_recognised(trained, raw_soc, tmp_path):
    """A model of a country is tuned on points of a province, which it has seen: their numbers are others."""
    part = prepared_again(raw_soc, tmp_path, lambda table: table.iloc[::-2])
    with pytest.raises(
        DataError, match=r"on \d+ of the rows that this run holds out: its data set has rows of the same "
    ):
        tuned(trained, part, tmp_path / "run")


def test_the_same_places_are_recognised_whatever_was_measured_there(trained, raw_soc, tmp_path):
    """Their inputs were seen; without times nothing else is asked for. Digits of coordinates may be fewer."""

    def measured_again(table: pd.DataFrame) -> pd.DataFrame:
        return table.assign(soc=table["soc"] * 0.6).round({"lon": 5, "lat": 5}).iloc[::-1]

    other = prepared_again(raw_soc, tmp_path, measured_again)
    with pytest.raises(DataError, match=r"holds out: its data set has rows of the same place\."):
        tuned(trained, other, tmp_path / "run", "split.seed=7")


def test_other_rows_of_another_data_set_may_be_tested(raw_soc, tmp_path):
    (one, other) = (
        prepared_again(raw_soc, tmp_path / name, lambda table, k=k: table.iloc[k::2]) for k, name in enumerate("ab")
    )
    settings = load("soc", "map", None, {}, [*SETTINGS, "train.epochs=1"])
    first = train(settings, one, RunLocation(tmp_path / "first", cpu=True), None, NullReporter())
    run = tuned(first.folder, other, tmp_path / "second", "train.epochs=1")
    assert described(read_settings(run.config).shared.train, other).endswith("with its scaling.")


class Seen:
    """Two samples, and the steps that they touch."""

    def __init__(self, span):
        self.span = span

    def __len__(self):
        return len(ROWS)


def test_a_data_set_without_its_file_is_gone(trained, raw_soc, dataset, tmp_path):
    other = prepared_again(raw_soc, tmp_path, lambda table: table.iloc[::-2])
    settings = load("soc", "map", None, {}, [*SETTINGS, "train.epochs=1"])
    first = train(settings, other, RunLocation(tmp_path / "first", cpu=True), None, NullReporter())
    given = load("soc", "map", None, {}, [*SETTINGS, f"train.start_run={first.folder}"]).shared.train
    assert described(given, dataset).endswith("with its scaling.")
    (other.folder / "dataset.nc").unlink()
    assert f"which is no longer in {other.folder}, so whether" in described(given, dataset)


def described_block(lon, lat, day, reach=None) -> Described:
    rows = np.arange(len(lon))
    minutes = np.asarray(day) * 1440
    block = Block({"lon": np.asarray(lon), "lat": np.asarray(lat), "time": minutes}, {}, {"time": DAYS})
    span = None if reach is None else WindowSpan(rows * 0, rows - reach, rows, 24.0)
    return Described(block, Seen(span))


@pytest.mark.parametrize(
    ("lon", "lat", "same"),
    [
        ([100.2, 20.0], [-5.0, -6.0], [True, True]),
        ([100.3, 20.0], [-5.0, -6.1], [False, False]),
        (np.float32([100.2, 20.0]).astype(float), np.float32([-5.0, -6.0]).astype(float), [True, True]),
        ([100.2 - 360, 20.0 + 360], [-5.0, -6.0], [True, True]),
        ([100.200004, 19.999991], [-5.000009, -5.999992], [True, True]),
    ],
)
def test_places_are_the_same_in_other_digits_and_south_of_the_equator(lon, lat, same):
    one, other = described_block([100.2, 20.0], [-5.0, -6.0], [3, 4]), described_block(lon, lat, [3, 4])
    found = [predicting_alike(ROWS, ROWS, *both) for both in common_spans(one, other)]
    assert np.any(found, axis=0).tolist() == same
    later = described_block(lon, lat, [13, 14])
    assert not np.any([predicting_alike(ROWS, ROWS, *both) for both in common_spans(one, later)])


@pytest.mark.parametrize("latitude", [0.0, 41.8, -66.0, 84.0])
@pytest.mark.parametrize(("metres", "same"), [(1.9, True), (7.0, False)])
def test_metres_to_the_east_are_those_of_the_parallel(latitude, metres, same):
    east = metres / 111_195 / np.cos(np.radians(latitude))
    lon = np.array([100.2, -179.9999999])
    one, other = (described_block(lon + more, [latitude, latitude], [3, 4]) for more in (0.0, -east))
    found = np.any([predicting_alike(ROWS, ROWS, *both) for both in common_spans(one, other)], axis=0)
    assert found.tolist() == [same, same]


def test_windows_of_another_data_set_may_share_steps():
    place = ([100.2, 20.0], [-5.0, -6.0])
    one = described_block(*place, [10, 10], reach=2)
    for day, met in ((11, True), (12, True), (13, False), (8, True), (7, False)):
        both = list(common_spans(one, described_block(*place, [day, 40], reach=2)))
        assert np.any([overlapping(ROWS, ROWS, *spans) for spans in both], axis=0).tolist() == [met, False]


def test_stations_of_one_name_are_one_though_their_coordinates_differ():
    """Providers give two decimals here and four there; numbers of stations are of each data set."""

    def stations(names, lon, lat):
        found = described_block(lon, lat, [3, 4])
        arrays = {**found.dataset.arrays, "station_index": ROWS}
        return found._replace(dataset=Block(arrays, {"station": names}, {"time": DAYS}))

    one = stations(["DE-Tha", "CH-Cha"], [13.57, 8.41], [50.96, 47.21])
    other = stations(["CH-Cha", "DE-Tha"], [8.4104, 13.5651], [47.2102, 50.9624])
    spans = list(common_spans(one, other))
    assert np.any([predicting_alike(ROWS, ROWS[1:], *both) for both in spans], axis=0).tolist() == [False, False]
    later = stations(["CH-Cha", "DE-Tha"], [8.4104, 13.5651], [47.2102, 50.9624])
    later.dataset.arrays["time"] = later.dataset.arrays["time"][::-1]
    spans = list(common_spans(one, later))
    assert np.any([predicting_alike(ROWS, ROWS[1:], *both) for both in spans], axis=0).tolist() == [True, False]
    spelled = stations(["ch_cha", "DE Tha"], [8.4104, 13.5651], [47.2102, 50.9624])
    spelled.dataset.arrays["time"] = spelled.dataset.arrays["time"][::-1]
    spans = list(common_spans(one, spelled))
    assert np.any([predicting_alike(ROWS, ROWS[1:], *both) for both in spans], axis=0).tolist() == [True, False]
    close = stations(["other", "tower"], [8.4104, 13.5703], [47.2102, 50.9604])  # 45 m
    close.dataset.arrays["time"] = close.dataset.arrays["time"][::-1]
    spans = list(common_spans(one, close))
    assert np.any([predicting_alike(ROWS, ROWS[1:], *both) for both in spans], axis=0).tolist() == [True, False]
    numbered = [
        stations(["1", "2"], *place) for place in (([13.57, 8.41], [50.96, 47.21]), ([13.58, 8.41], [50.9624, 47.25]))
    ]
    assert not np.any([predicting_alike(ROWS, ROWS, *both) for both in common_spans(*numbered)])
    far = stations(["CH-Cha", "DE-Tha"], [8.41, 93.5], [47.21, 20.9])
    far.dataset.arrays["time"] = far.dataset.arrays["time"][::-1]
    assert not np.any([predicting_alike(ROWS, ROWS[1:], *both) for both in common_spans(one, far)])


def test_samples_are_the_same_by_place_and_time(tmp_path, data_root):
    """Values may have been filled otherwise."""
    found = {}
    for source in ("soc", "gwsa", "fluxnet", "ech", "clcd", "smap", "grid"):
        folder = tmp_path / source
        prepare(
            Raw(source, folder / "raw", registry.source(source).synthetic(folder / "raw", 1)),
            folder / "data",
            NullReporter(),
        )
        found[source] = recognised_by(Dataset(folder / "data"))
    assert found == {
        "soc": ("place",), "gwsa": ("place", "time"), "fluxnet": ("place", "time"), "clcd": ("place", "time"),
        "smap": ("place", "time"), "ech": (), "grid": (),
    }  # fmt: skip


def test_a_lost_checkpoint_is_told_as_such(trained, data_root, geoml, tmp_path):
    """To resume a member that is finished does nothing."""
    run = shutil.copytree(trained, tmp_path / "run")
    shutil.rmtree(run / "members/fold-1/checkpoints")
    done = geoml("predict", run, "--data", data_root, "--index", "1")
    assert done.code == 3 and "the checkpoint of member fold-1 is lost. Restore it from a copy" in done.err


def test_a_scaling_that_was_fitted_anew_is_audited(trained, dataset, data_root, geoml, tmp_path):
    for name, more in (("kept", ()), ("anew", ("train.rescale=true",))):
        run = tuned(trained, dataset, tmp_path / name, "train.epochs=1", *more)
        lines = {
            line["name"]: line
            for line in json.loads(geoml("audit", run.folder, "--data", data_root, "--json").out)["lines"]
        }
        assert lines["scaling"]["outcome"] == ("pass" if more else "not applicable")


def test_other_settings_of_the_network_and_what_is_not_known_are_warnings(trained, dataset, tmp_path, monkeypatch):
    """Weights fit a network whose layers have the same sizes, and mean something else in it."""
    told = []
    monkeypatch.setattr(NullReporter, "warn", lambda self, text: told.append(text))
    given = [*SETTINGS, f"train.start_run={trained}"]
    assert not remarks(load("soc", "map", None, {}, [*given, "train.epochs=1"]), dataset.manifest)
    [text] = remarks(load("soc", "map", None, {}, [*given, "network.variant=lstm"]), dataset.manifest)
    assert text.endswith("was trained with other settings: network.variant = 'lstm', there 'cnn'.")
    [text] = remarks(load("soc", "map", None, {}, [*given, "network.layers=3"]), dataset.manifest)
    assert text == "[network] layers = 3 has no effect: variant is 'cnn'."
    gone = load("soc", "map", None, {}, [*SETTINGS, f"train.start_run={tmp_path / 'gone'}"])
    assert not remarks(gone, dataset.manifest), "the error comes later"
    monkeypatch.setattr("geoml_cli.training.start._unknown", lambda dataset, folder: "it is not known")
    tuned(trained, dataset, tmp_path / "run", "train.epochs=1", "train.warmup_steps=1000000")
    assert [text for text in told if text.endswith("; it is not known.")]
    assert [text for text in told if "is never reached: 1000000 warmup_steps of" in text]


def test_a_run_without_the_network_is_told_so(trained):
    with pytest.raises(SettingsError, match=r"has no member of the regressor\. Start from a run that has one"):
        start_of(load("soc", "map", None, {}, [f"train.start_run={trained}"]).shared.train, "regressor", "regressor")


def test_the_member_must_be_clear(trained, dataset, tmp_path):
    with pytest.raises(SettingsError, match=r"has no member .*, and several others.*start_member=NAME"):
        tuned(trained, dataset, tmp_path / "run", "split.folds=1")
    with pytest.raises(SettingsError, match="'fold-9' is not a member of run"):
        tuned(trained, dataset, tmp_path / "run", "train.start_member=fold-9")


def test_other_inputs_are_refused(trained, dataset, tmp_path):
    with pytest.raises(
        DataError, match=r"was trained on other inputs or another target: series is an input here only\. Start from"
    ):
        tuned(trained, dataset, tmp_path / "run", "network.variant=cnn-lstm")


def of_signature(trained: Path, folder: Path, **changes: object) -> Path:
    """Copy a run, trained on data that differ in something."""
    run = shutil.copytree(trained, folder)
    record = json.loads((run / "data.json").read_text())
    for network in record["signatures"].values():
        network.update(changes)
    (run / "data.json").write_text(json.dumps(record))
    own = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(own | {"data": checksum_of(run / "data.json")}))
    return run


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"target_name": "clay"}, r"the target is \S+, there clay\. Start from"),
        ({"classes": ["forest", "shrub"]}, r"classes of the target: number 1 is nothing, there forest\. Start from"),
    ],
)
def test_another_target_is_refused(trained, dataset, tmp_path, changes, message):
    """The network's outputs would be called by other names."""
    run = of_signature(trained, tmp_path / "other", **changes)
    for more in ([], ["train.rescale=true"]):
        with pytest.raises(DataError, match=f"another target: {message}"):
            plan_run(load("soc", "map", None, {}, [*SETTINGS, f"train.start_run={run}", *more]), dataset)


def test_another_unit_of_the_target_needs_a_scaling_of_its_own(trained, dataset, tmp_path):
    run = of_signature(trained, tmp_path / "other", unit="%")
    given = [*SETTINGS, f"train.start_run={run}"]
    with pytest.raises(DataError, match=r"unit of the target is g kg-1, there %.*or use --set train\.rescale=true"):
        plan_run(load("soc", "map", None, {}, given), dataset)
    plan_run(load("soc", "map", None, {}, [*given, "train.rescale=true"]), dataset)  # the remedy


def test_a_kept_scaling_is_not_used_for_other_units(trained, dataset, tmp_path):
    """Resampled or new data are in one unit only where their files say so; fitted anew, scaling follows them."""
    run = shutil.copytree(trained, tmp_path / "run")
    record = json.loads((run / "data.json").read_text())
    (run / "data.json").write_text(json.dumps(record | {"file_units": {"slope": "degree"}}))
    own = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(own | {"data": checksum_of(run / "data.json")}))
    data = shutil.copytree(dataset.folder, tmp_path / "data")
    manifest = json.loads((data / "manifest.json").read_text())
    manifest["variables"]["static"]["file_units"] = {"slope": "%"}
    (data / "manifest.json").write_text(json.dumps(manifest))
    given = [*SETTINGS, f"train.start_run={run}"]
    with pytest.raises(DataError, match=r"slope is in %, and was in degree when run.*or use --set train.rescale=true"):
        plan_run(load("soc", "map", None, {}, given), Dataset(data))
    anew = plan_run(load("soc", "map", None, {}, [*given, "train.rescale=true"]), Dataset(data))
    assert anew.data.file_units == {"slope": "%"}
    manifest["variables"]["static"]["file_units"] = {"slope": "degrees"}
    (data / "manifest.json").write_text(json.dumps(manifest))
    assert plan_run(load("soc", "map", None, {}, given), Dataset(data)).data.file_units == {"slope": "degrees"}


def test_the_flag_names_a_run(trained, data_root, geoml, tmp_path):
    again = ("train", "soc", "--preset", "map", *QUICK, "--data", data_root, "--run", tmp_path / "run")
    result = geoml(*again, "--from", trained, "--set", "train.epochs=1", "--note", '[1] a "second" try')
    assert result.code == 0, result.err
    assert load("soc", None, tmp_path / "run" / "config.toml", {}).shared.train.note == '[1] a "second" try'
    assert f'start_run = "{trained}"' in (tmp_path / "run" / "config.toml").read_text()
    result = geoml(*again, "--from", tmp_path / "nothing")
    assert result.code == 3 and "nothing" in result.err


def test_a_target_that_is_the_same_everywhere_is_told(raw_soc, geoml, tmp_path):
    raw = Path(shutil.copytree(raw_soc, tmp_path / "raw"))
    table = pd.read_csv(raw / "points.csv")
    table.assign(soc=12.5).to_csv(raw / "points.csv", index=False)
    data = ("--data", tmp_path / "data")
    done = geoml("prepare", "soc", raw, *data, "--classes", "land_cover")
    assert done.code == 0, done.err
    done = geoml("train", "soc", "--preset", "map", *data, "--run", tmp_path / "run", "--cpu", *QUICK)
    assert done.code == 0 and "soc is 12.5 in every sample: there is nothing to learn." in done.err, done.err
