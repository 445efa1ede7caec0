"""Runs of Geo-Mamba on synthetic tables of cells: division, scores, tables, maps, export."""

from __future__ import annotations

import json
import os
import shutil

import numpy as np
import onnxruntime
import pandas as pd
import pytest
import rasterio
import torch
import xarray
from matplotlib.figure import Figure

from geoml_cli.config.load import load
from geoml_cli.dataset.store import Dataset
from geoml_cli.errors import SettingsError
from geoml_cli.inference.inputs.cells import cell_grid
from geoml_cli.inference.load import open_trained
from geoml_cli.inference.map_files import page_mark
from geoml_cli.models.geomamba import task
from geoml_cli.models.geomamba.spec import SPEC
from geoml_cli.models.spec import Call
from geoml_cli.sources.gwsa.source import SOURCE
from geoml_cli.stages.prepare import Raw, prepare
from geoml_cli.stages.train import RunLocation, train
from geoml_cli.training.plan import plan_run
from geoml_cli.work.reporting import NullReporter

QUICK = ["network.embedding=8", "network.width=8", "network.layers=1", "train.threads=1", "split.block_km=60"]
QUICK += ["train.steps=12", "train.evaluate_steps=6", "train.batch_size=64", "evaluate.n_bootstrap=100"]
QUICK += ["evaluate.importance_repeats=0", 'evaluate.baselines=["climatology","ridge"]']


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gwsa")
    return folder, SOURCE.synthetic(folder, 3)


@pytest.fixture(scope="module")
def data(raw, tmp_path_factory):
    return Dataset(prepare(Raw("gwsa", *raw), tmp_path_factory.mktemp("data") / "gwsa", NullReporter()).folder)


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    place = RunLocation(tmp_path_factory.mktemp("runs") / "geomamba" / "gwsa-blocks" / "a")
    return train(load("geomamba", "gwsa-blocks", None, {}, QUICK), data, place, None, NullReporter())


class Hearing(NullReporter):
    def __init__(self):
        self.said = []

    def info(self, text):
        self.said.append(text)


@pytest.mark.parametrize(("compiles", "times"), [(True, 1), (False, 0)])
def test_a_training_says_that_loops_are_compiled_first(data, tmp_path, monkeypatch, compiles, times):
    monkeypatch.setattr("geoml_cli.models.geomamba.backend.compiles", lambda _: compiles)
    hearing, settings = Hearing(), load("geomamba", "gwsa-blocks", None, {}, [*QUICK, "train.calibrate=false"])
    train(settings, data, RunLocation(tmp_path / "run"), None, hearing)
    assert sum("are compiled for this processor first" in text for text in hearing.said) == times


@pytest.mark.parametrize("preset", ["gwsa", "gwsa-blocks"])
def test_baselines_see_every_quantity_once(data, preset):
    """A forest draws a column that is there twice twice as often."""
    [network] = SPEC.networks(load("geomamba", preset, None, {}, QUICK).own).values()
    found, names = network.table(network.samples(data))
    assert len(set(names)) == len(names) == found.shape[1] and "year" in names
    assert not {"month", "day-of-year"} & set(names)
    np.testing.assert_array_equal(found[:, names.index("year")], np.asarray(data.array("year")))


def test_test_rows_are_of_blocks_or_years_that_training_never_sees(run, data):
    split, years = run.split("all"), np.asarray(data.array("year"))
    loaded = set(years[split.test]) - set(years[split.train])
    assert loaded
    rest = split.test[~np.isin(years[split.test], list(loaded))]
    cells = np.asarray(data.array("cell"))
    assert len(rest)
    assert not set(cells[rest]) & set(cells[split.train])


def test_the_papers_rows_are_divided_at_random_nine_to_one_and_say_so(data):
    settings = load("geomamba", None, None, {}, ["network.embedding=8"])
    split = plan_run(settings, data).members["all"][0]
    rows = [len(split.rows(part)) for part in ("train", "validation", "test")]
    assert rows[2] == round(0.1 * sum(rows))
    assert "both sides" in settings.shared.summary
    cells = np.asarray(data.array("cell"))
    assert set(cells[split.test]) <= set(cells[split.train])


def test_factors_are_scaled_and_places_and_clocks_are_not(run):
    scaling = run.scaling("all").inputs
    assert list(scaling) == ["dynamic", "static", "land_cover", "position", "year", "time"]
    for name in ("land_cover", "position", "time"):
        assert set(scaling[name].shift) == {0.0} and set(scaling[name].scale) == {1.0}
    assert 2003 <= scaling["year"].shift[0] <= 2010
    assert scaling["dynamic"].shift[0] > 0


def test_scores_stand_beside_the_baselines_by_year_and_by_what_is_new(run, geoml):
    done = geoml("evaluate", run.folder, "--json", "--quiet")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert list(found["network"]["scores"]) == ["RMSE", "MAE", "R2", "NSE", "KGE", "R", "bias"]
    assert found["network"]["scores"]["NSE"] == found["network"]["scores"]["R2"]
    assert found["target"] == {"name": "GWS", "unit": "cm"}
    new = {(c["name"], c["model"]) for c in found["groups"] if c["quantity"] == "novelty"}
    assert new == {
        (k, m)
        for k in ("unseen block", "unseen year", "unseen block and unseen year")
        for m in ("geomamba", "climatology", "ridge")
    }
    for quantity in ("year", "land cover", "novelty"):
        rows = sum(c["rows"] for c in found["groups"] if (c["quantity"], c["model"]) == (quantity, "ridge"))
        assert rows == found["network"]["n"]


def test_a_table_of_cells_is_predicted_like_the_samples_it_was_prepared_from(run, raw, geoml, tmp_path):
    table = next(raw[0].glob("*.csv"))
    assert geoml("predict", run.folder, "--table", table, "--out", tmp_path / "t.csv", "--quiet").code == 0
    assert geoml("predict", run.folder, "--out", tmp_path / "s.csv", "--quiet").code == 0
    found, samples = pd.read_csv(tmp_path / "t.csv"), pd.read_csv(tmp_path / "s.csv")
    given = pd.read_csv(table)
    assert len(found) == len(given)
    filled = (given == -99999).any(axis=1)
    assert filled.any() and set(found["reason"][filled & found["GWS"].isna()]) == {"fill value (not above -9998)"}
    assert (found["reason"].notna() == found["GWS"].isna()).all()
    samples["year"] = samples["time"].str[:4].astype(int)
    both = found.merge(samples, left_on=["lon", "lat", "time"], right_on=["lon", "lat", "year"], suffixes=("", "_s"))
    assert len(both) == len(samples) <= found["GWS"].notna().sum()
    np.testing.assert_allclose(both["GWS"], both["GWS_s"], rtol=1e-5, atol=1e-5)


def test_classes_and_places_without_training_rows_are_said(run, raw, geoml, tmp_path):
    """The weights of such a class are as they were drawn; cells that were turned to the south are likely a slip."""
    given = pd.read_csv(next(raw[0].glob("*.csv")))
    given = given[(given != -99999).all(axis=1)].head(300)
    seen = run.scaling(run.planned()[0]).inputs["land_cover"].classes
    unseen = next(code for code in range(17) if code not in seen)
    assert set(given["LC"]) <= {*seen, *run.scaling(run.planned()[-1]).inputs["land_cover"].classes}
    some = given.assign(LC=np.where(np.arange(300) % 4 == 0, unseen, given["LC"]))
    some.to_csv(tmp_path / "some.csv", index=False)
    done = geoml("predict", run.folder, "--table", tmp_path / "some.csv", "--out", tmp_path / "some.out.csv")
    assert done.code == 0 and "land_cover 25 % (of classes that no training row has; these have " in done.err
    given.assign(LC=unseen).to_csv(tmp_path / "all.csv", index=False)
    command = ("predict", run.folder, "--table", tmp_path / "all.csv", "--out", tmp_path / "all.out.csv")
    refused = geoml(*command)
    assert (
        refused.code == 3 and "land_cover 100 % (of classes" in refused.err and "Check that classes are" in refused.err
    )
    assert geoml(*command, "--set", "predict.out_of_range=1").code == 0
    given.assign(lat=-given["lat"]).to_csv(tmp_path / "south.csv", index=False)
    done = geoml("predict", run.folder, "--table", tmp_path / "south.csv", "--out", tmp_path / "south.out.csv")
    assert done.code == 0 and "outside the range of the training rows: lat 100 % (from -" in done.err


def test_a_prediction_is_not_written_over_raw_files(run, raw, data, geoml, tmp_path):
    [table] = [path for path in raw[0].glob("*.csv")]
    before = table.read_bytes()
    for given in ((), ("--index", "3"), ("--table", shutil.copy(table, tmp_path / "cells.csv"))):
        done = geoml("predict", run.folder, *given, "--out", table)
        assert done.code == 2 and "would be written over or among what is read" in done.err
    assert table.read_bytes() == before
    other = table.with_name("of another data set.csv")
    other.write_text("a,b\n")
    os.utime(other, (1e9, 1e9))
    done = geoml("predict", run.folder, "--out", other)
    assert done.code == 2 and "before these were prepared" in done.err and other.read_text() == "a,b\n"
    for _ in range(2):
        assert geoml("predict", run.folder, "--index", "3", "--out", table.with_name("predicted.csv")).code == 0
    for made in (other, table.with_name("predicted.csv")):
        made.unlink()


def test_records_are_filled_of_stations_alone(run, geoml):
    done = geoml("predict", run.folder, "--with", "mds", "--index", "1")
    assert done.code == 2 and "'mds' is not a baseline that can predict here." in done.err
    assert "mds" not in done.err.partition("Choices")[2]


@pytest.mark.parametrize("by", ["network", "ridge"])
def test_chunks_of_which_no_row_has_values_stay_empty(run, raw, geoml, tmp_path, by):
    """Such as the sea, in a table that is sorted by latitude."""
    given = pd.read_csv(next(raw[0].glob("*.csv")))
    given = given[(given != -99999).all(axis=1)].head(60)
    given.assign(tmp=given["tmp"].where(np.arange(60) >= 50)).to_csv(tmp_path / "t.csv", index=False)
    command = ("predict", run.folder, "--table", tmp_path / "t.csv", "--out", tmp_path / "o.csv", "--quiet")
    done = geoml(*command, "--set", "predict.rows=20", *(("--with", by) if by != "network" else ()))
    assert done.code == 0, done.err
    assert pd.read_csv(tmp_path / "o.csv")["GWS"].isna().tolist() == [True] * 50 + [False] * 10


def test_a_panel_becomes_a_map_a_year(run, data, geoml, tmp_path, monkeypatch):
    drawn = []

    def page(content):  # eight pages would take as many seconds
        drawn.append(content)
        return Figure()

    assert geoml("predict", run.folder, "--map", "--out", tmp_path / "m.nc", "--quiet").code == 0
    assert page_mark(run.id) in (tmp_path / "m.png").read_bytes()[:4096]
    monkeypatch.setattr("geoml_cli.inference.map_files.map_page", page)
    done = geoml("predict", run.folder, "--map", "--out", tmp_path / "m.tif", "--quiet", "--json")
    assert done.code == 0 and len(json.loads(done.out)["figures"]) == len(drawn) > 1
    assert [content.title.split(", ")[:2] for content in drawn] == [
        ["GWS [cm]", path.stem.removeprefix("m-")] for path in sorted(tmp_path.glob("m-*.tif"))
    ]
    assert {path.stem for path in tmp_path.glob("m-*.qml")} == {path.stem for path in tmp_path.glob("m-*.png")}
    assert geoml("predict", run.folder, "--out", tmp_path / "s.csv", "--quiet").code == 0
    samples = pd.read_csv(tmp_path / "s.csv", parse_dates=["time"])
    with xarray.open_dataset(tmp_path / "m.nc") as maps:
        points = {name: xarray.DataArray(samples[name], dims="s") for name in ("time", "lat", "lon")}
        np.testing.assert_allclose(maps["GWS"].sel(points, method="nearest"), samples["GWS"], rtol=1e-5)
        assert int(maps["GWS"].notnull().sum()) == len(samples)
        assert maps["GWS"].attrs["units"] == "cm"
        years = maps["time"].dt.year.values
        ends = [[f"{year}-01-01", f"{year + 1}-01-01"] for year in years]
        np.testing.assert_array_equal(maps[maps["time"].attrs["bounds"]].values, np.array(ends, "datetime64[ns]"))
        assert sorted(path.stem for path in tmp_path.glob("m-*.tif")) == [f"m-{year}" for year in years]
        for number, year in enumerate(years):
            with rasterio.open(tmp_path / f"m-{year}.tif") as file:
                np.testing.assert_array_equal(file.read(1), maps["GWS"][number].values)
                row = samples[samples["time"].dt.year == year].iloc[0]
                [[value, *_]] = file.sample([(row["lon"], row["lat"])])
                assert value == pytest.approx(row["GWS"], rel=1e-5)


def test_cells_that_lie_on_no_grid_are_refused(run, data, geoml, tmp_path, monkeypatch):
    plain = Dataset.array

    def moved(self, name):
        values = np.array(plain(self, name))
        if name == "lat":
            values[0] += 0.0371
        return values

    monkeypatch.setattr(Dataset, "array", moved)
    told = geoml("predict", run.folder, "--map", "--out", tmp_path / "m.nc")
    assert told.code == 3
    assert "cells lie on no regular grid" in told.err
    assert "--out predicted.csv" in told.err


def changed_grid(dataset, monkeypatch, change):
    """Return the grid of a data set before and after its coordinates change, by name."""
    plain, before = Dataset.array, cell_grid(dataset)
    monkeypatch.setattr(Dataset, "array", lambda self, name: change(name, np.array(plain(self, name))))
    return before, cell_grid(dataset)


def test_a_map_goes_on_past_the_date_line(data, monkeypatch):
    turn = 180.0 - np.median(np.unique(data.array("lon")))

    def change(name, values):
        return (values + turn + 180) % 360 - 180 if name == "lon" else values

    before, after = changed_grid(data, monkeypatch, change)
    assert after.longitude[0] < 180 < after.longitude[-1] < 190
    np.testing.assert_allclose(after.longitude, before.longitude + turn, atol=1e-6)
    np.testing.assert_array_equal(after.column_N, before.column_N)


def test_cells_written_with_two_decimals_lie_on_their_grid(data, monkeypatch):
    def change(name, values):
        return np.round(values, 2) if name in ("lon", "lat") else values

    before, after = changed_grid(data, monkeypatch, change)
    assert after.side == pytest.approx(before.side, rel=1e-9)
    for name in ("longitude", "latitude"):
        np.testing.assert_allclose(getattr(after, name), getattr(before, name), atol=1e-6)
    np.testing.assert_array_equal(after.column_N, before.column_N)
    np.testing.assert_array_equal(after.row_N, before.row_N)


@pytest.mark.parametrize("form", ["pt2", "onnx"])
def test_an_exported_graph_is_proven_and_gives_nothing_for_numbers_of_no_class(form, run, data, geoml):
    """A graph cannot refuse; a wrong class would have answered as another one."""
    done = geoml("export", run.folder, "--format", form, "--json")
    assert done.code == 0, done.err
    [proven] = json.loads(done.out)
    assert proven["format"] == form and proven["difference"] <= proven["allowed"]
    categories = open_trained(run).settings.own.network.categories
    note = f"numbers that are no whole ones of 0 to {categories - 1} give NaN"
    assert "gives the input land_cover so: the number of the class, from 0, in category_name" in done.err
    assert note in done.err and note in (run.export / "geomamba.md").read_text(encoding="utf-8")
    numbers = sorted({k for name in run.planned() for k in run.scaling(name).inputs["land_cover"].classes})
    card = (run.export / "geomamba.md").read_text(encoding="utf-8")
    assert f"training rows have {', '.join(map(str, numbers))}, of other classes weights are as they were drawn" in card
    samples = open_trained(run).samples(data)
    inputs = [np.array(item.values[:6], dtype=np.float32) for item in samples.inputs.values()]
    place = list(samples.inputs).index("land_cover")
    changed = inputs[place].copy()
    changed[:4] = np.array([-1, 12.9, categories, np.nan], dtype=np.float32).reshape(-1, 1, 1)
    given = [*inputs[:place], changed, *inputs[place + 1 :]]
    path = run.export / f"geomamba.{form}"
    if form == "onnx":
        session = onnxruntime.InferenceSession(path)
        names = [one.name for one in session.get_inputs()]
        plain, found = (session.run(None, dict(zip(names, values, strict=True)))[0] for values in (inputs, given))
    else:
        program = torch.export.load(path).module()
        plain, found = (
            program(*(torch.from_numpy(value) for value in values))[0].detach().numpy() for values in (inputs, given)
        )
    assert np.isfinite(plain).all() and np.isnan(found[:4]).all()
    np.testing.assert_allclose(found[4:], plain[4:], rtol=1e-5)


def test_the_environment_names_what_computed_the_loops(run):
    assert json.loads((run.folder / "environment.json").read_text())["kernels"] == "fused"


@pytest.fixture
def checkpoint(run, tmp_path):
    """Give a run's own weights as a paper would release them."""
    from safetensors.torch import load_file

    loaded = load_file(run.member("all").checkpoint("best").weights)
    unused = {"final_layernorm.weight": torch.ones(8), "mamba_encoder_64.LayerNorm.weight": torch.ones(20)}
    torch.save({"model_state_dict": {f"module.{k}": v for k, v in {**loaded, **unused}.items()}}, tmp_path / "w.pth")
    return tmp_path / "w.pth"


def test_a_released_checkpoint_predicts_under_scaling_fitted_on_data(run, data, checkpoint, geoml, tmp_path):
    told = geoml("import", "geomamba", checkpoint, "--data", data.folder, "--run", tmp_path / "i", "--json")
    assert told.code == 0, told.err
    taken = json.loads((tmp_path / "i/members/released/scaling.json").read_text())["inputs"]
    values = np.asarray(data.array("LST"), dtype=np.float64)
    place = data.labels("dynamic").index("LST")
    assert taken["dynamic"]["shift"][place] == pytest.approx(values.mean())
    assert taken["dynamic"]["scale"][place] == pytest.approx(values.std())
    for folder, name in ((tmp_path / "i", "i.csv"), (run.folder, "r.csv")):
        assert geoml("predict", folder, "--data", data.folder, "--out", tmp_path / name, "--quiet").code == 0
    imported, own = pd.read_csv(tmp_path / "i.csv"), pd.read_csv(tmp_path / "r.csv")
    # The same weights; the scalers were fitted on other rows.
    assert np.corrcoef(imported["GWS"], own["GWS"])[0, 1] > 0.9


def test_data_with_the_paper_s_factors_in_another_order_are_refused(data, checkpoint, geoml, tmp_path):
    """They have the shapes of the checkpoint, and would give other numbers without a word."""
    words = ("import", "geomamba", checkpoint, "--run", tmp_path / "i", "--data")
    order = data.manifest.options["dynamic"]
    assert len(order) == 17
    turned = (
        "--dynamic",
        ",".join([order[1], order[0], *order[2:]]),
        "--static",
        ",".join(data.manifest.options["static"]),
    )
    made = geoml("prepare", "gwsa", data.manifest.raw, *turned, "--data", tmp_path / "d", "--quiet")
    assert made.code == 0, made.err
    told = geoml(*words, tmp_path / "d")
    assert told.code == 3 and f"dynamic: number 1 is {order[1]}, the checkpoint was trained with {order[0]}" in told.err
    # Nor is such a data set predicted by what was imported with one in the right order.
    assert geoml(*words, data.folder).code == 0
    told = geoml("predict", tmp_path / "i", "--data", tmp_path / "d", "--out", tmp_path / "x.csv")
    assert told.code == 3 and f"dynamic: number 1 is {order[1]}" in told.err, told


def test_a_checkpoint_of_other_factors_is_refused(data, checkpoint, geoml, tmp_path):
    import torch

    from geoml_cli.models.geomamba.network import GeoMamba, Shape
    from geoml_cli.models.geomamba.settings import NetworkSettings

    network = GeoMamba(NetworkSettings(embedding=4, heads=1, width=4, layers=1), Shape(5, 3))
    torch.save(network.state_dict(), checkpoint)
    told = geoml("import", "geomamba", checkpoint, "--data", data.folder, "--run", tmp_path / "i")
    assert told.code == 3
    assert "dynamic has shape [1, 17] a sample, the checkpoint takes [1, 5]" in told.err
    assert not (tmp_path / "i").exists()


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (["network.steps=3"], "steps = 3, but the samples are single points in time.*network.steps=1"),
        (["loss.kind=cross-entropy"], "'cross-entropy' does not fit a target of a quantity.*loss.kind=huber"),
    ],
)
def test_settings_that_do_not_fit_the_data_are_refused(settings, told, data):
    own = load("geomamba", "gwsa-blocks", None, {}, settings).own
    with pytest.raises(SettingsError, match=told):
        task.samples(own, data)


def test_land_cover_without_a_place_in_the_network_is_refused(data, geoml, tmp_path):
    told = geoml("train", "geomamba", "--data", data.folder, "--set", "network.categories=3", "--run", tmp_path / "r")
    assert told.code == 3
    assert "the network has 3" in told.err and "network.categories=17" in told.err


@pytest.mark.parametrize("scale", ["week/7", "year", "month/-3", "day/0"])
def test_scales_are_a_clock_and_a_period(scale):
    with pytest.raises(SettingsError, match=r"geomamba.*\[network\] scales|network.scales"):
        load("geomamba", None, None, {}, [f'network.scales=["{scale}"]'])


@pytest.mark.parametrize("kind", ["huber", "mse", "mae"])
def test_the_loss_is_the_one_asked_for(kind, data):
    import torch

    own = load("geomamba", "gwsa-blocks", None, {}, [*QUICK, f"loss.kind={kind}", "loss.delta=0.5"]).own
    [network_record] = SPEC.networks(own).values()
    samples = network_record.samples(data)
    from geoml_cli.samples.batches import Batches
    from geoml_cli.samples.samples import signature
    from geoml_cli.samples.scaling import unscaled

    batch = Batches(samples, unscaled(signature(samples)), torch.device("cpu"))(np.arange(4))
    network = network_record.build(signature(samples))
    error = (network_record.predict(network, batch) - batch["target"]).abs()
    huber = torch.where(error < 0.5, error**2 / 2, 0.5 * (error - 0.25))
    expected = {"huber": huber, "mse": error**2, "mae": error}[kind].mean()
    torch.testing.assert_close(network_record.loss(network, batch, Call(1, 4)), expected)


def test_samples_without_series_have_no_sums(run, geoml, tmp_path):
    told = geoml("predict", run.folder, "--sums", "year", "--out", tmp_path / "sums.csv")
    assert told.code == 2
    assert "the samples of gwsa are no series" in told.err and "--sums" in told.err
    assert not list(tmp_path.iterdir())
