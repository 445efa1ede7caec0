"""TIDE-Net as a model: its windows and splits, its baselines and scores, forecasts from given dates."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import cf
import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr
from map_case import land_of, maps, write_maps
from PIL import Image
from safetensors.torch import load_file

from geoml_cli.config.load import load
from geoml_cli.dataset.store import Dataset
from geoml_cli.errors import DataError, SettingsError
from geoml_cli.evaluation import maps as maps_module
from geoml_cli.inference.load import open_trained, settings_of
from geoml_cli.inference.predictor import Ensemble, Predictor, ScaledNetwork
from geoml_cli.models.spec import Call
from geoml_cli.models.tidenet.baselines import BASELINES, climate_of
from geoml_cli.models.tidenet.spec import SPEC
from geoml_cli.runs.run import Run
from geoml_cli.samples import frames as frames_module
from geoml_cli.samples.batches import gathered_native
from geoml_cli.samples.coordinates import lon_lat_of_samples
from geoml_cli.samples.requests import PredictionRequest
from geoml_cli.samples.samples import signature
from geoml_cli.samples.scaling import fit
from geoml_cli.samples.settings import InputSettings, TargetSettings
from geoml_cli.stages.evaluate import Evaluation, evaluate
from geoml_cli.stages.export import export
from geoml_cli.stages.predict import Prediction, predict
from geoml_cli.stages.train import RunLocation, train
from geoml_cli.training.plan import plan_run
from geoml_cli.work.reporting import NullReporter

SHAPE = (10, 18)
MONTHS = 54
QUICK = ("train.epochs=2", "train.threads=1", "evaluate.n_bootstrap=100", "scores.threshold=290.0")
FEW_STEPS = ("train.steps=1", "train.evaluate_steps=1")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory) -> Dataset:
    return write_maps(tmp_path_factory.mktemp("maps"), maps(MONTHS, SHAPE), land_of(SHAPE))


@pytest.fixture(scope="module")
def run(dataset, tmp_path_factory) -> Run:
    settings = load("tidenet", "small", None, {}, QUICK)
    return train(settings, dataset, RunLocation(tmp_path_factory.mktemp("run") / "r", cpu=True), None, NullReporter())


@pytest.fixture(scope="module")
def evaluated(run, dataset) -> Evaluation:
    return evaluate(run, dataset, settings_of(run), "test", NullReporter())


def network_and_samples(dataset: Dataset, *assignments: str):
    settings = load("tidenet", "small", None, {}, assignments)
    [network] = SPEC.networks(settings.own).values()
    return network, network.samples(dataset)


def test_small_divides_54_months_into_32_11_and_11(dataset):
    """Windows of one subset share no month with another's."""
    plan = plan_run(load("tidenet", "small", None, {}, ()), dataset)
    [(split, _)] = plan.members.values()
    _, samples = network_and_samples(dataset)
    frames = samples.inputs["frames"].values, samples.target.values
    for name, first, last in (("train", 0, 31), ("validation", 32, 42), ("test", 43, 53)):
        months = np.concatenate([part.steps(split.rows(name)) for part in frames], axis=1)
        assert set(months.ravel().tolist()) == set(range(first, last + 1)), name
    assert (len(split.train), len(split.validation), len(split.test)) == (27, 6, 6) and split.overlaps_excluded == 10


def test_maps_that_are_not_all_kept_give_the_same_network_and_scores(run, evaluated, dataset, tmp_path, monkeypatch):
    """As of maps that are not shrunk; five of the 54 are kept, fewer than a window has."""
    monkeypatch.setattr(frames_module, "_MOST_KEPT", 5 * 4 * 16 * 24)
    settings = load("tidenet", "small", None, {}, QUICK)
    other = train(settings, dataset, RunLocation(tmp_path / "r", cpu=True), None, NullReporter())
    _, samples = network_and_samples(dataset)
    assert samples.inputs["frames"].values.shape[2:] == (16, 24)
    scored = evaluate(other, dataset, settings_of(other), "test", NullReporter())
    weights = [load_file(next(one.folder.rglob("best/weights.safetensors"))) for one in (run, other)]
    assert weights[0].keys() == weights[1].keys() and all(torch.equal(weights[0][k], weights[1][k]) for k in weights[0])
    for name in ("per_group.csv", "per_start.csv", "spectra.csv"):
        assert (scored.folder / name).read_bytes() == (evaluated.folder / name).read_bytes(), name


def test_the_scaler_is_the_range_of_the_training_months_for_input_and_target(tmp_path):
    """The highest value is in the last training month, which no training window sees as input."""
    values = maps(MONTHS, SHAPE)
    values[31, 6, 9] = values.max() + 5
    values[32, 6, 9] = values.max() + 5
    changed = write_maps(tmp_path / "maps", values, land_of(SHAPE))
    plan = plan_run(load("tidenet", "small", None, {}, ()), changed)
    [(_, scaling)] = plan.members.values()
    known = np.asarray(changed.array("sst"))[:32]
    assert scaling.target.shift == np.nanmin(known) and scaling.inputs["frames"].shift == (scaling.target.shift,)
    assert scaling.target.scale == pytest.approx(np.nanmax(known) - np.nanmin(known))


def test_years_and_shares_that_leave_nothing_are_refused(dataset):
    _, samples = network_and_samples(dataset)
    assert samples.target.step == "month" and samples.target.dims == ("lead_time", "y", "x")
    with pytest.raises(DataError, match=r"no window lies in the last 0\.05 of 54 time steps"):
        plan_run(load("tidenet", "small", None, {}, ("split.test=0.05",)), dataset)
    plan = plan_run(load("tidenet", "small", None, {}, ("split.kind=years", "split.test_years=[1973]")), dataset)
    [(split, _)] = plan.members.values()
    labels = [samples.target.values.series.labels[step] for step in samples.target.values.first[split.test]]
    assert labels[0] == "1973-01" and labels[-1] == "1973-12"


def test_a_buffer_in_space_is_refused_for_windows_of_maps(dataset):
    with pytest.raises(DataError, match="windows of maps have no place") as refused:
        plan_run(load("tidenet", "small", None, {}, ("split.buffer_km=100",)), dataset)
    assert "split.buffer_km = 0" in refused.value.fix


def test_too_short_a_series_and_other_layouts_are_refused(dataset, tmp_path):
    short = write_maps(tmp_path / "short", maps(5, SHAPE), land_of(SHAPE))
    with pytest.raises(DataError, match="5 time steps hold no window of 3 \\+ 3"):
        network_and_samples(short)
    with pytest.raises(SettingsError, match="begins at row 40, column 0 of maps of 10 x 18"):
        network_and_samples(dataset, "frames.crop=[40,0,8,8]")


def test_large_maps_are_shrunk_to_about_the_cells_asked_for(dataset):
    _, samples = network_and_samples(dataset, "frames.most_cells=128")
    assert samples.inputs["frames"].values.shape[2:] == (8, 16)
    _, samples = network_and_samples(dataset)
    assert samples.inputs["frames"].values.shape[2:] == (16, 24)


@pytest.mark.parametrize(("variant", "side", "multiple"), [("tidenet", 12, 8), ("simvp", 15, 2)])
def test_a_size_that_the_network_cannot_have_is_refused_with_the_settings(variant, side, multiple):
    """Before data are read or a network is built, so `--dry-run` says so too."""
    with pytest.raises(SettingsError, match=rf"frames.size = \[16, {side}\]: {side} is not a multiple of {multiple};"):
        load("tidenet", "short", None, {}, (f"network.variant={variant}", f"frames.size=[16,{side}]"))
    assert load(
        "tidenet",
        "short",
        None,
        {},
        (f"network.variant={variant}", f"frames.size=[16,{side + multiple - side % multiple}]"),
    )


def test_the_spread_of_resized_maps_is_that_of_the_members_own(dataset):
    """Not the resized spread: where two members cross between two cells of the network they agree."""
    network, samples = network_and_samples(dataset, "network.variant=simvp", "frames.most_cells=0", "frames.size=[8,8]")
    assert samples.spatial.geometry.resized
    seen, rows = signature(samples), np.arange(2)
    scaling = fit(samples, np.arange(9), InputSettings(), TargetSettings(scaling="standard"))
    members = []
    for seed in range(3):
        torch.manual_seed(seed)
        members.append(ScaledNetwork(network.build(seen), network, scaling).eval())
    task = network.task(seen)
    alone = [Predictor([one], task, None, torch.device("cpu")).outputs(samples, rows)[0] for one in members]
    mean, spread = Predictor(members, task, None, torch.device("cpu")).outputs(samples, rows)
    np.testing.assert_allclose(mean, np.mean(alone, axis=0), rtol=1e-6)
    np.testing.assert_allclose(spread, np.std(alone, axis=0, ddof=1), rtol=1e-5, atol=1e-6)
    assert np.nanmax(spread) > 0
    with torch.inference_mode():
        graph = Ensemble(members, task, samples.spatial).eval()(*gathered_native(samples, rows))
    np.testing.assert_allclose(graph[1].numpy(), spread, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("variant", ["tidenet", "simvp"])
def test_land_has_no_part_in_loss_and_forecast(dataset, variant):
    """Whatever the truth says on land, the loss and its gradient stay."""
    network, samples = network_and_samples(dataset, f"network.variant={variant}")
    torch.manual_seed(1)
    module = network.build(signature(samples)).eval()
    frames = torch.from_numpy(samples.inputs["frames"].values[:2]) / 300
    truth = torch.from_numpy(samples.target.values[np.arange(2)]) / 300
    assert torch.isnan(frames).any()
    losses = [network.loss(module, {"frames": frames, "target": t}, Call(1, 2)) for t in (truth, truth.clone())]
    assert torch.isfinite(losses[0]) and torch.equal(*losses)
    assert torch.isfinite(network.predict(module, {"frames": frames})).all()


def test_the_amplitude_weight_follows_the_number_of_the_call(dataset):
    network, samples = network_and_samples(dataset)
    torch.manual_seed(1)
    module = network.build(signature(samples)).eval()
    batch = {"frames": torch.rand(2, 3, 16, 24), "target": torch.rand(2, 3, 16, 24)}
    first, middle, late = (float(network.loss(module, batch, Call(number, 2)).detach()) for number in (1, 101, 200))
    assert first > middle > late
    assert first - middle == pytest.approx(middle - late, rel=0.02)  # linear, up to the odd step
    assert late == pytest.approx(float(network.loss(module, batch, Call(999, 2)).detach()))


def test_baselines_by_hand(tmp_path):
    """Two seasons of two cells: climatology, persistence of values and of anomalies."""
    values = np.zeros((30, 8, 8), dtype=np.float32)
    for month in range(30):
        values[month] = 10 + (month % 12) + (1.0 if month >= 24 else 0.0)
    flat = write_maps(tmp_path / "flat", values, np.zeros((8, 8), dtype=bool))
    _, samples = network_and_samples(flat)
    train, row = (
        np.arange(13),
        np.array([23]),
    )  # training windows end at month 17; the row sees 23..25, forecasts 26..28
    climate = climate_of(samples, train)
    predicted = {name: record.fit(samples, train, 1)(samples, row)[0, :, 0, 0] for name, record in BASELINES.items()}
    steps = samples.target.values.steps(row)[0]
    expected = [climate.at(int(step))[0, 0] for step in steps]
    np.testing.assert_allclose(predicted["climatology"], expected)
    last = values[samples.inputs["frames"].values.steps(row)[0, -1], 0, 0]
    np.testing.assert_allclose(predicted["persistence"], [last] * 3)
    anomaly = last - climate.at(int(steps[0]) - 1)[0, 0]
    np.testing.assert_allclose(predicted["anomaly-persistence"], np.array(expected) + anomaly)
    kept = (predicted["damped-persistence"] - expected) / anomaly if anomaly else np.zeros(3)
    assert ((kept >= 0) & (kept <= 1)).all()


def test_gaps_do_not_damp_what_anomalies_keep(tmp_path):
    """Of pairs of months that both have a value, the regression of the later anomaly on the first."""
    random = np.random.default_rng(3)
    anomaly = random.normal(size=(60, 8, 8))
    for month in range(1, 60):
        anomaly[month] = 0.8 * anomaly[month - 1] + 0.6 * anomaly[month]
    values = (10 + anomaly).astype(np.float32)
    values[random.random(values.shape) < 0.5] = np.nan
    values[:, 0, 0] = 10 + anomaly[:, 0, 0]
    _, samples = network_and_samples(write_maps(tmp_path / "gaps", values, np.zeros((8, 8), dtype=bool)))
    train, row = np.arange(40), np.array([50])
    climate = climate_of(samples, train)
    known = np.stack([values[step] - climate.at(step) for step in range(45)])  # of training: windows end at month 44
    kept = []
    for lead in (1, 2, 3):
        first, later = known[:-lead], known[lead:]
        both = np.isfinite(first) & np.isfinite(later)
        area = np.broadcast_to(climate.series.area, first.shape)[both]
        kept.append((area * first[both] * later[both]).sum() / (area * first[both] ** 2).sum())
    forecast = BASELINES["damped-persistence"].fit(samples, train, 1)(samples, row)[0, :, 0, 0]
    last = int(samples.inputs["frames"].values.steps(row)[0, -1])
    began = values[last, 0, 0] - climate.at(last)[0, 0]
    found = [(forecast[lead] - climate.at(last + lead + 1)[0, 0]) / began for lead in range(3)]
    np.testing.assert_allclose(found, np.clip(kept, 0, 1), rtol=1e-4)
    assert found[0] > 0.4, "half of it would be left with gaps counted"


def test_baselines_look_at_no_month_after_the_last_that_is_seen(dataset, tmp_path):
    """A future that is changed changes no forecast of a baseline."""
    _, samples = network_and_samples(dataset)
    train, row = np.arange(20), np.array([40])
    changed = np.asarray(dataset.array("sst")).copy()
    changed[43:] += 50
    other = write_maps(tmp_path / "other", changed, land_of(SHAPE))
    _, later = network_and_samples(other)
    for record in BASELINES.values():
        first, second = (record.fit(one, train, 1)(one, row) for one in (samples, later))
        np.testing.assert_array_equal(first, second)


def test_a_forecast_looks_at_no_later_map(run, dataset, tmp_path):
    changed = np.asarray(dataset.array("sst")).copy()
    changed[30:] = 300 - changed[30:] / 10
    other = write_maps(tmp_path / "other", changed, land_of(SHAPE))
    request = PredictionRequest(forecast=True, dates=("1972-07",))  # month 30
    found = []
    for number, data in enumerate((dataset, other)):
        predict(Prediction(open_trained(run), data, request, tmp_path / f"{number}.nc"), NullReporter())
        with xr.open_dataset(tmp_path / f"{number}.nc") as file:
            found.append(file.sst.values)
            assert str(file.time.values[0, 0])[:7] == "1972-07"
    np.testing.assert_array_equal(*found)


def test_scores_equal_a_calculation_from_the_file_of_forecasts(run, dataset, evaluated, tmp_path):
    """RMSE over sea, weighted by area, of all starts and lead times."""
    [network] = evaluated.networks.values()
    split = run.split("all")
    _, samples = network_and_samples(dataset)
    target = samples.target.values
    dates = tuple(target.series.labels[step] for step in target.first[split.test])
    predict(
        Prediction(open_trained(run), dataset, PredictionRequest(forecast=True, dates=dates), tmp_path / "f.nc"),
        NullReporter(),
    )
    truth = np.asarray(dataset.array("sst"))[target.steps(split.test)].astype(float)
    area = np.broadcast_to(np.asarray(dataset.array("cell_area")), truth.shape)
    with xr.open_dataset(tmp_path / "f.nc") as file:
        error = file.sst.values - truth
    known = np.isfinite(error)
    assert np.array_equal(~known[0, 0], land_of(SHAPE))
    expected = np.sqrt((area[known] * error[known] ** 2).sum() / area[known].sum())
    scores = network.result.network.scores
    assert scores["RMSE"].value == pytest.approx(expected, rel=1e-5)
    assert scores["bias"].value == pytest.approx(np.average(error[known], weights=area[known]), rel=1e-4)
    by_lead = [g for g in network.result.groupwise if g.quantity == "lead time [month]" and g.model == "tidenet"]
    last = known[:, 2]
    at_last = np.sqrt(np.average(error[:, 2][last] ** 2, weights=area[:, 2][last]))
    assert [g.name for g in by_lead] == ["1", "2", "3"] and by_lead[2].scores["RMSE"] == pytest.approx(
        at_last, rel=1e-5
    )
    assert "CSI >= 290 K" in scores


def test_few_starts_give_no_interval_and_the_words_say_why(evaluated):
    [network] = evaluated.networks.values()
    assert np.isnan(network.result.network.scores["RMSE"].low)
    assert "make 1 block(s) as long as a window: no interval or test is given below 9" in network.result.notes[0]
    assert "the rows do not allow an interval" in network.result.summary
    document = evaluated.document
    assert document["network"]["scores"]["RMSE"]["low"] is None
    assert set(document["baselines"]) == set(BASELINES)


def test_many_blocks_give_intervals(dataset, run, tmp_path):
    long = write_maps(tmp_path / "long", maps(120, SHAPE), land_of(SHAPE))
    settings = load("tidenet", "small", None, {}, [*QUICK, *FEW_STEPS, "network.variant=simvp"])
    trained = train(settings, long, RunLocation(tmp_path / "r", cpu=True), None, NullReporter())
    done = evaluate(trained, long, settings_of(trained), "train", NullReporter())
    [network] = done.networks.values()
    scores = network.result.network
    assert scores.groups >= 9 and scores.scores["RMSE"].low < scores.scores["RMSE"].value < scores.scores["RMSE"].high


def test_another_run_is_compared_like_a_baseline(run, dataset, tmp_path):
    settings = load("tidenet", "small", None, {}, [*QUICK, *FEW_STEPS, "network.variant=simvp"])
    other = train(settings, dataset, RunLocation(tmp_path / "simvp", cpu=True), None, NullReporter())
    against = Run(run.folder, [f"evaluate.runs=['{other.folder}']"])
    [network] = evaluate(against, dataset, settings_of(against), "test", NullReporter()).networks.values()
    found = {one.baseline.name: one.baseline.scores for one in network.result.baselines.comparisons}
    [alone] = evaluate(other, dataset, settings_of(other), "test", NullReporter()).networks.values()
    assert "the simvp network" in alone.result.summary and "tidenet" not in alone.result.summary
    assert found["run-simvp"]["RMSE"].value == pytest.approx(alone.result.network.scores["RMSE"].value)
    late = load("tidenet", "small", None, {}, [*QUICK, *FEW_STEPS, "network.variant=simvp", "split.test=0.12"])
    seen = train(late, dataset, RunLocation(tmp_path / "seen", cpu=True), None, NullReporter())
    against = Run(run.folder, [f"evaluate.runs=['{seen.folder}']"])
    with pytest.raises(DataError, match=r"was trained on .* of the time steps that are scored"):
        evaluate(against, dataset, settings_of(against), "validation", NullReporter())


def test_weights_that_have_seen_tested_maps_are_refused_and_audited(dataset, tmp_path, geoml, monkeypatch):
    """Rows are compared by the months of their windows: row 5 is another window at another stride."""
    quick = [*QUICK, *FEW_STEPS, "network.variant=simvp"]

    def trained(name: str, *more: str) -> Run:
        settings = load("tidenet", "small", None, {}, [*quick, *more])
        return train(settings, dataset, RunLocation(tmp_path / name, cpu=True), None, NullReporter())

    def from_(start: Run, *more: str) -> tuple[str, ...]:
        return (f"train.start_run={start.folder}", *more)

    alike, apart = trained("alike"), trained("apart", "frames.stride=3")
    overlapping = trained("overlapping", "split.exclude_overlaps=false")
    seen = r"trained or chosen on \d+ of the rows that this run holds out, or on time steps of theirs"
    for more in (from_(overlapping), from_(apart, "split.kind=years", "split.test_years=[1971]", "split.validation=0.1",
                                           "split.validation_by=time")):  # fmt: skip
        with pytest.raises(DataError, match=seen):
            plan_run(load("tidenet", "small", None, {}, [*quick, *more]), dataset)
    with monkeypatch.context() as patch:
        patch.setattr("geoml_cli.training.plan.refuse_seen", lambda *given: None)
        unchecked = trained("unchecked", *from_(overlapping))
    checked = trained("checked", *from_(alike))
    # Who lets windows of both sides overlap, lets those of the run before: targets alone are compared.
    trained("lax", *from_(overlapping, "split.exclude_overlaps=false"))
    for run, outcome in ((checked, "pass"), (unchecked, "fail")):
        told = geoml("audit", run.folder, "--data", dataset.folder, "--json")
        [line] = [line for line in json.loads(told.out)["lines"] if line["name"] == "start of training"]
        assert line["outcome"] == outcome and bool(line["count"]) == (outcome == "fail"), line
    shutil.rmtree(alike.folder)
    told = geoml("audit", checked.folder, "--data", dataset.folder, "--json")
    [line] = [line for line in json.loads(told.out)["lines"] if line["name"] == "start of training"]
    assert line["outcome"] == "warn" and "run alike is no longer there, or cannot be read" in line["detail"]


def test_a_cell_without_climatology_counts_for_no_model(tmp_path):
    land = land_of(SHAPE)
    values = maps(MONTHS, SHAPE)
    row, column = np.argwhere(~land)[0]
    values[:-4, row, column] = np.nan  # ice that retreats
    values[-4:, row, column] = 1e3
    data = write_maps(tmp_path / "data", values, land)
    settings = load("tidenet", "small", None, {}, [*QUICK, *FEW_STEPS, "network.variant=simvp"])
    done = train(settings, data, RunLocation(tmp_path / "ice", cpu=True), None, NullReporter())
    found = []
    for baselines in ([], ["evaluate.baselines=[]"]):
        run = Run(done.folder, baselines)
        [network] = evaluate(run, data, settings_of(run), "test", NullReporter()).networks.values()
        [note] = [text for text in network.result.notes if "no climatology" in text]
        assert note.startswith("1 cell(s) at sea have no value in the training maps")
        assert all(cells[0, row, column] == 0 for cells in network.result.maps.cells.values())
        models = [network.result.network, *(one.baseline for one in network.result.baselines.comparisons)]
        found.append([models[0].scores[name].value for name in ("RMSE", "ACC", "bias")])
        # An error of hundreds in one cell of some would be seen.
        assert all(0 < model.scores["RMSE"].value < 20 for model in models), [m.scores["RMSE"].value for m in models]
    assert found[0] == found[1] and np.isfinite(found).all(), "with baselines or without"


def test_maps_without_an_observed_cell_count_for_nothing(tmp_path):
    """A crop that lies under ice from January to March, of which other cells are known."""
    values = maps(MONTHS, SHAPE)
    values[np.arange(MONTHS) % 12 < 3, 8] = np.nan
    data = write_maps(tmp_path / "ice", values, np.zeros(SHAPE, bool))
    under_ice = ("frames.crop=[8,0,1,18]", "frames.most_cells=0", "network.variant=simvp", *FEW_STEPS)
    settings = load("tidenet", "small", None, {}, (*QUICK, *under_ice))
    run = train(settings, data, RunLocation(tmp_path / "run", cpu=True), None, NullReporter())
    [network] = evaluate(run, data, settings_of(run), "test", NullReporter()).networks.values()
    models = [network.result.network, *(one.baseline for one in network.result.baselines.comparisons)]
    assert all(np.isfinite(model.scores[name].value) for model in models for name in ("RMSE", "MAE", "bias"))
    assert np.isfinite(models[0].scores["ACC"].value), "without anomalies, climatology has none"
    never = np.where(np.arange(SHAPE[0])[:, None] == 8, np.nan, maps(MONTHS, SHAPE)).astype(np.float32)
    other = write_maps(tmp_path / "never", never, np.zeros(SHAPE, bool))
    with pytest.raises(DataError, match="none of the values of the training maps is known"):
        train(settings, other, RunLocation(tmp_path / "other", cpu=True), None, NullReporter())


def test_a_preset_with_a_limit_of_cells_takes_a_size():
    with pytest.raises(SettingsError, match="size and most_cells exclude each other; most_cells = 0 leaves the choice"):
        load("tidenet", "small", None, {}, ["frames.size=[16,8]"])
    assert load("tidenet", "small", None, {}, ["frames.size=[16,8]", "frames.most_cells=0"]).own.frames.size == (16, 8)
    with pytest.raises(SettingsError, match="most_cells is 64 or more, or 0 to shrink no maps, not 10"):
        load("tidenet", "small", None, {}, ["frames.most_cells=10"])


def test_a_model_named_twice_is_scored_once_and_two_runs_of_one_name_are_refused(run, dataset, geoml, tmp_path):
    words = ("evaluate", shutil.copytree(run.folder, tmp_path / "run"), "--data", run.data().folder)
    words = (*words, "--set", "evaluate.n_bootstrap=100")
    found = []
    for names in ("['climatology']", "['climatology','climatology']"):
        done = geoml(*words, "--json", "--set", f"evaluate.baselines={names}")
        assert done.code == 0, done.err
        found.append(json.loads((tmp_path / "run/evaluation/test/metrics.json").read_text()))
    assert found[0]["network"] == found[1]["network"] and found[0]["baselines"] == found[1]["baselines"]
    other = shutil.copytree(run.folder, tmp_path / "a" / "simvp")
    again = shutil.copytree(run.folder, tmp_path / "b" / "simvp")
    told = geoml(*words, "--set", f"evaluate.runs=['{other}','{again}']")
    assert told.code == 2 and "two runs are called 'simvp'. Name each run once" in told.err, told.err


def test_an_evaluation_in_parts_is_that_of_one_go_and_forecasts_nothing_again(run, geoml, tmp_path, monkeypatch):
    monkeypatch.setattr(maps_module, "_FORECASTS", 2)
    folder = shutil.copytree(run.folder, tmp_path / "run")
    shutil.rmtree(folder / "kept", ignore_errors=True)
    words = ("evaluate", folder, "--set", "evaluate.n_bootstrap=100", "--data", run.data().folder)
    written = folder / "evaluation/test/metrics.json"
    assert geoml(*words).code == 0
    alone = json.loads(written.read_text())
    shutil.rmtree(folder / "kept")
    done = geoml(*words, "--part", "2/2", "--json")
    assert done.code == 0 and json.loads(done.out)["made"] > 0, done.err
    early = geoml(*words, "--finish")
    assert early.code == 75 and "pieces are missing: 1" in early.err
    assert geoml(*words, "--part", "1/2").code == 0
    monkeypatch.setattr(maps_module, "_add", None)  # nothing is forecast any more but the example
    assert geoml(*words, "--finish").code == 0
    assert json.loads(written.read_text()) == alone
    again = geoml(*words)
    assert again.code == 0 and "Predictions that the run keeps were used" in again.err


def test_the_evaluation_leaves_its_files(evaluated):
    folder = evaluated.folder
    names = {path.name for path in folder.iterdir()}
    assert {"metrics.json", "per_group.csv", "per_start.csv", "spectra.csv", "score_maps.nc", "report.html"} <= names
    figures = {path.name for path in (folder / "figures").iterdir()}
    expected = {"lead_time.png", "start_lead.png", "cell_rmse.png", "spectra.png", "example.png", "events.png"}
    expected.add("cell_series.png")
    frames = {"frame_truth.png", "frame_forecast.png"}
    assert expected | frames | {"learning_curves.png", "calibration.png"} == figures
    for name in frames:
        with Image.open(folder / "figures" / name) as image:
            assert image.size == SHAPE[::-1], "a pixel a cell, and no axes"
    with xr.open_dataset(folder / "score_maps.nc") as file:
        assert np.array_equal(np.isnan(file.rmse_tidenet.values), land_of(SHAPE))
        assert file.rmse_climatology.attrs["units"] == "K"
    [network] = evaluated.networks.values()
    assert "the lower quartile, the median and the upper quartile" in network.figures.figures["cell_series.png"].caption
    power = network.result.maps.power
    assert (power["climatology"] == 0).all() and (power["observed"] > 0).any()


def test_steps_past_the_horizon_are_fed_by_the_network_itself(run, dataset, tmp_path):
    whole = PredictionRequest(forecast=True, dates=("1973-01",), steps=5)
    predict(Prediction(open_trained(run), dataset, whole, tmp_path / "five.nc"), NullReporter())
    predict(Prediction(open_trained(run), dataset, replace(whole, steps=None), tmp_path / "three.nc"), NullReporter())
    with xr.open_dataset(tmp_path / "five.nc") as five, xr.open_dataset(tmp_path / "three.nc") as three:
        np.testing.assert_allclose(five.sst.values[:, :3], three.sst.values, rtol=1e-6)
        assert "feeding the network its own maps" in five.attrs["comment"] and "comment" not in three.attrs
    # By hand: the first forecast is the input of the second.
    network, samples = network_and_samples(dataset)
    member = open_trained(run).load_network("all")
    frames = torch.from_numpy(samples.inputs["frames"].values[np.array([33])])
    with torch.inference_mode():
        first = member(frames)
        again = member(network.next_inputs({"frames": frames}, first)["frames"])
        expected = samples.spatial.inverse(torch.cat([first, again], dim=1)[:, :5])
    with xr.open_dataset(tmp_path / "five.nc") as five:
        np.testing.assert_allclose(five.sst.values[0], expected[0].numpy(), rtol=1e-5)


def test_a_cf_checker_has_no_complaint_about_outputs(run, dataset, evaluated, tmp_path):
    predict(Prediction(open_trained(run), dataset, PredictionRequest(forecast=True), tmp_path / "f.nc"), NullReporter())
    for path in (tmp_path / "f.nc", evaluated.folder / "score_maps.nc"):
        assert cf.complaints(path, tmp_path)["high"] == [], path


def test_a_day_of_a_month_is_that_month(run, dataset, tmp_path):
    found = []
    for place, dates in enumerate((("1973-02",), ("1973-02-16",), ("1973-02-03T12:00", "1973-02"))):
        request = PredictionRequest(forecast=True, dates=dates)
        predict(Prediction(open_trained(run), dataset, request, tmp_path / f"{place}.nc"), NullReporter())
        with xr.open_dataset(tmp_path / f"{place}.nc") as opened:
            found.append(opened.sst.values)
    np.testing.assert_array_equal(found[1], found[0])
    np.testing.assert_array_equal(found[2], found[0])


def test_dates_that_cannot_be_forecast_are_refused(run, dataset, tmp_path):
    trained = open_trained(run)
    nowhere = r"is no step of the data set\. .* Maps after that are those of a forecast with --steps N"
    refused = [((date,), nowhere) for date in ("1973-1", "1973-02-32", "1973-02 noon", "2001-01", "1973-02-1")]
    for dates, message in (*refused, (("1970-02",), "needs 3 maps before it")):
        with pytest.raises((SettingsError, DataError), match=message):
            predict(
                Prediction(trained, dataset, PredictionRequest(forecast=True, dates=dates), tmp_path / "f.nc"),
                NullReporter(),
            )
    with pytest.raises(SettingsError, match="0 steps cannot be forecast"):
        predict(
            Prediction(trained, dataset, PredictionRequest(forecast=True, steps=0), tmp_path / "f.nc"), NullReporter()
        )
    with pytest.raises(SettingsError, match="is not a forecast format"):
        predict(Prediction(trained, dataset, PredictionRequest(forecast=True), tmp_path / "f.tif"), NullReporter())


def test_an_exported_graph_takes_and_gives_maps_of_the_data_set(run, dataset):
    [done] = export(run, dataset, ["safetensors"], [], NullReporter())
    assert done.difference <= done.allowed
    card = next(run.export.glob("*.md")).read_text()
    assert "float32 [1, 3, 10, 18]" in card and "Missing cells are NaN" in card
    assert "; in K, oldest first, one month apart, the last before the first forecast; rows from " in card
    assert "first cell at " in card and "takes them by their place" in card


def test_an_exported_graph_gives_no_map_where_a_frame_is_missing(run, dataset):
    export(run, dataset, ["pt2"], [], NullReporter())
    graph = torch.export.load(next(run.export.glob("*.pt2"))).module()
    [frames] = gathered_native(open_trained(run).samples(dataset), np.array([0]))
    [whole] = graph(frames)
    assert np.isfinite(whole.detach().numpy()).any()
    some, none = frames.clone(), frames.clone()
    some[0, 1, 2:, 2:] = torch.nan  # gaps of a frame are filled, as in a prediction
    none[0, 1] = torch.nan
    assert np.isfinite(graph(some)[0].detach().numpy()).any()
    assert np.isnan(graph(none)[0].detach().numpy()).all()


def test_restore_names_a_validation_score(dataset, tmp_path):
    with pytest.raises(SettingsError, match=r"'cis' is not a choice of train\.restore\. Did you mean csi"):
        plan_run(load("tidenet", "small", None, {}, ("train.restore=cis",)), dataset)
    settings = load("tidenet", "small", None, {}, [*QUICK, "train.epochs=1", "train.restore=csi"])
    trained = train(settings, dataset, RunLocation(tmp_path / "r", cpu=True), None, NullReporter())
    member = trained.member("all")
    assert member.best().meta.is_file() and member.best("loss").meta.is_file() and not member.best("csi").meta.is_file()


def test_maps_of_another_unit_or_grid_are_refused(run, tmp_path):
    other = write_maps(tmp_path / "unit", maps(20, SHAPE) - 273.15, land_of(SHAPE), unit="degC")
    request = PredictionRequest(forecast=True)
    with pytest.raises(DataError, match=r"the unit of the maps is 'degC', run .* was trained on 'K'"):
        predict(Prediction(open_trained(run), other, request, tmp_path / "f.nc"), NullReporter())
    larger = write_maps(tmp_path / "grid", maps(20, (20, 18)), land_of((20, 18)))
    with pytest.raises(DataError, match=r"the network's maps are 24 x 24 of this data set, 16 x 24 of run"):
        predict(Prediction(open_trained(run), larger, request, tmp_path / "f.nc"), NullReporter())


def test_maps_of_the_unit_spelled_otherwise_are_forecast(run, tmp_path):
    other = write_maps(tmp_path / "kelvin", maps(20, SHAPE), land_of(SHAPE), unit="kelvin")
    predict(Prediction(open_trained(run), other, PredictionRequest(forecast=True), tmp_path / "f.nc"), NullReporter())
    assert (tmp_path / "f.nc").exists()


@pytest.mark.parametrize(
    ("moved", "elsewhere"), [((0, 0), False), ((0, -360), False), ((-60, 0), True), ((0, 9), True)]
)
def test_maps_of_another_place_are_told(run, tmp_path, moved, elsewhere):
    class Hearing(NullReporter):
        def warn(self, text):
            heard.append(text)

    heard = []
    other = write_maps(tmp_path / "moved", maps(20, SHAPE), land_of(SHAPE), moved=moved)
    predict(Prediction(open_trained(run), other, PredictionRequest(forecast=True), tmp_path / "f.nc"), Hearing())
    assert any("the maps lie elsewhere (latitude, longitude" in text for text in heard) == elsewhere


@pytest.mark.parametrize(
    ("turned", "found"),
    [
        ((True, False), "rows from north to south, columns from west to east"),
        ((False, True), "rows from south to north, columns from east to west"),
    ],
)
def test_maps_that_run_the_other_way_are_refused(run, tmp_path, turned, found):
    other = write_maps(tmp_path / "turned", maps(20, SHAPE), land_of(SHAPE), turned=turned)
    known = "rows from south to north, columns from west to east"
    with pytest.raises(DataError, match=rf"the maps have {found}, run .* was trained on {known}"):
        predict(
            Prediction(open_trained(run), other, PredictionRequest(forecast=True), tmp_path / "f.nc"), NullReporter()
        )


def test_the_file_names_the_data_that_were_read(run, tmp_path):
    other = write_maps(tmp_path / "later", maps(20, SHAPE, seed=5), land_of(SHAPE))
    predict(Prediction(open_trained(run), other, PredictionRequest(forecast=True), tmp_path / "f.nc"), NullReporter())
    with xr.open_dataset(tmp_path / "f.nc") as file:
        assert file.attrs["data_digest"] == other.manifest.digest() != run.data().digest
    assert {path.name for path in tmp_path.glob("f.*")} == {"f.nc", "f.png", "f.gif"}


def test_a_forecast_is_not_drawn_where_no_page_is_wanted(run, dataset, tmp_path):
    plain = open_trained(Run(run.folder, ("predict.page=false",)))
    predict(Prediction(plain, dataset, PredictionRequest(forecast=True), tmp_path / "f.nc"), NullReporter())
    assert {path.name for path in tmp_path.glob("f.*")} == {"f.nc"}


def test_scores_by_lead_time_are_one_table(evaluated):
    """Scaled maps have scores of their own: each has a column, empty for the others."""
    found = pd.read_csv(evaluated.folder / "per_group.csv")
    physical, scaled = (found[found.quantity == f"lead time [month]{more}"] for more in ("", ", scaled maps"))
    assert physical.RMSE.notna().all() and physical.PSNR.isna().all()
    assert scaled.PSNR.notna().all() and scaled.RMSE.isna().all()
    by_lead = pd.read_csv(evaluated.folder / "per_lead_time.csv")
    first = physical.model.iloc[0]
    assert by_lead["lead time [month]"].tolist() == [1, 2, 3]
    assert by_lead[f"RMSE_{first}"].tolist() == physical[physical.model == first].RMSE.tolist()
    assert (evaluated.folder / "per_lead_time_scaled_maps.csv").is_file()


def test_windows_of_maps_have_no_place(dataset):
    """Latitudes and longitudes of such a data set are those of its rows and columns."""
    assert np.isnan(lon_lat_of_samples(dataset, 49)).all() and lon_lat_of_samples(dataset, 49).shape == (49, 2)


def test_blocks_of_land_do_not_split_windows_of_maps(dataset):
    with pytest.raises(DataError, match="windows of maps have no place"):
        plan_run(load("tidenet", "small", None, {}, ("split.kind=blocks",)), dataset)


@pytest.mark.parametrize("ahead", [1, 3])
def test_one_map_forecasts_several_in_one_range(dataset, ahead):
    sizes = ("network.frames_in=1", f"network.frames_out={ahead}")
    plan = plan_run(load("tidenet", "small", None, {}, [*QUICK, *sizes]), dataset, None)
    [(split, scaling)] = plan.members.values()
    [network] = SPEC.networks(load("tidenet", "small", None, {}, [*QUICK, *sizes]).own).values()
    samples = network.samples(dataset)
    values = [samples.inputs["frames"].values[split.train], samples.target.values[split.train]]
    assert scaling.target.shift == pytest.approx(min(np.nanmin(each) for each in values))
    assert scaling.target.scale == pytest.approx(np.ptp([f(each) for each in values for f in (np.nanmin, np.nanmax)]))


@pytest.mark.parametrize("scaling", ["standard", "none"])
def test_maps_have_their_scores_in_the_range_of_min_max(dataset, scaling):
    with pytest.raises(SettingsError, match=r"have their thresholds.*--set inputs.scaling=min-max"):
        plan_run(load("tidenet", "small", None, {}, [*QUICK, f"inputs.scaling={scaling}"]), dataset, None)
