"""What the network knows of the site itself, and the season of southern stations."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from geoml_cli.config.load import load, read_settings
from geoml_cli.errors import SettingsError
from geoml_cli.inference.load import open_trained
from geoml_cli.models.geomamba import features, task
from geoml_cli.models.geomamba.network import GeoMamba, Shape
from geoml_cli.models.geomamba.settings import GeoMambaTables, NetworkSettings
from geoml_cli.samples.samples import signature
from geoml_cli.samples.times import read_clock
from geoml_cli.stages.train import RunLocation, train
from geoml_cli.work.reporting import NullReporter

SMALL = ["network.embedding=8", "network.width=8", "network.layers=1", "train.threads=1", "split.folds=3"]
SMALL += ["train.steps=2", "train.evaluate_steps=2", "train.batch_size=64", "split.seeds=[1]"]
STATIONS = 6


def tables(**network) -> GeoMambaTables:
    return GeoMambaTables(network=NetworkSettings(embedding=8, width=8, layers=1, categories=18, **network))


@pytest.mark.parametrize(("given", "fewest", "chosen"), [("auto", 7, "off"), ("auto", 6, "on"), ("on", 7, "on"),
                                                         ("off", 6, "off")])  # fmt: skip
def test_auto_is_off_where_there_are_few_stations(given, fewest, chosen, flux, monkeypatch):
    monkeypatch.setattr(task, "FEWEST_STATIONS", fewest)
    assert task.with_site_choice(tables(site_inputs=given), flux).network.site_inputs == chosen
    assert len(flux.labels("station")) == STATIONS
    seen = set(task.samples(tables(site_inputs=given), flux).inputs)
    site = {"static", "land_cover", "position"}
    assert seen & site == (site if chosen == "on" else set()) and {"dynamic", "year", "time"} <= seen


def test_data_without_stations_keep_their_places():
    cells = SimpleNamespace(has=lambda name: False)
    assert task.with_site_choice(tables(site_inputs="auto"), cells).network.site_inputs == "on"


def test_without_the_site_every_weight_takes_part():
    torch.manual_seed(1)
    network = GeoMamba(NetworkSettings(embedding=8, width=8, layers=1, heads=2), Shape(4, 0, site=False))
    time = torch.cat([torch.randn(9, 1, 1), torch.rand(9, 1, 1) + 2010], dim=-1)  # the scaled year, and the year
    network(torch.randn(9, 1, 4), None, None, None, time).square().sum().backward()
    assert not [name for name, weight in network.named_parameters() if weight.grad is None or not weight.grad.any()]
    names = " ".join(name for name, _ in network.named_parameters())
    assert not [part for part in ("LC_", "static_encoder", "position_encoder", "cross_attn_all1") if part in names]


def test_a_run_keeps_what_was_chosen_and_predicts_by_it(flux, geoml, tmp_path, monkeypatch):
    told = []
    reporter = NullReporter()
    monkeypatch.setattr(reporter, "info", told.append)
    settings = load("geomamba", "fluxnet", None, {}, [*SMALL, "network.site_inputs=auto"])
    run = train(settings, flux, RunLocation(tmp_path / "run"), ["fold-1"], reporter)
    assert "network.site_inputs = auto is 'off' for these data." in told
    assert read_settings(run.config).own.network.site_inputs == "off"
    monkeypatch.setattr(task, "FEWEST_STATIONS", 1)  # as data of more stations would be
    done = geoml("predict", run.folder, "--member", "fold-1", "--data", flux.folder, "--out", tmp_path / "s.csv")
    assert done.code == 0, done.err
    assert pd.read_csv(tmp_path / "s.csv")["NEE_VUT_REF"].notna().all()


def test_baselines_see_the_station_as_a_class_and_nothing_else_of_the_site(flux):
    without = tables(site_inputs="off", scales=("month/12",))
    samples = task.samples(without, flux)
    found, names = features.table(without, samples)
    assert names[:2] == ["class of month", "class of place"] and len(found) == len(samples)
    np.testing.assert_array_equal(found[:, 1], flux.array("station_index"))
    assert not {"lat", "lon", *flux.labels("static")} & set(names) and set(flux.labels("dynamic")) <= set(names)
    cover = features.groups(samples, flux)["land cover"]
    assert cover.tolist() == features.groups(task.samples(tables(), flux), flux)["land cover"].tolist()
    assert "static" not in signature(samples).inputs


def test_southern_seasons_are_half_a_year_on_and_years_are_not(flux):
    scales = ("month/12", "day-of-year/365")
    plain, shifted = (task.samples(tables(scales=scales, southern_season=shift), flux) for shift in (False, True))
    south = np.asarray(flux.array("lat"))[flux.array("station_index")] < 0
    assert 0 < south.sum() < len(south)
    before, after = (loaded.inputs["time"].values[:][:, 0] for loaded in (plain, shifted))
    np.testing.assert_array_equal(after[~south], before[~south])
    months = {int(own): int(other) for own, other in zip(before[south, 0], after[south, 0], strict=True)}
    assert months == {1: 7, 2: 8, 3: 9, 4: 10, 5: 11, 6: 12, 7: 1, 8: 2, 9: 3, 10: 4, 11: 5, 12: 6}
    days = (after - before)[south, 1]
    assert set(days) == {183, -183} and after[:, 1].min() == 1 and after[:, 1].max() == 366
    np.testing.assert_array_equal(plain.inputs["year"].values[:], shifted.inputs["year"].values[:])


def test_an_export_says_how_southern_clocks_are_given(flux, geoml, tmp_path):
    """Calendar values, shifted as the card says, give what `predict` gives; unshifted ones do not."""
    own = ["network.site_inputs=off", "network.southern_season=true"]
    settings = load("geomamba", "fluxnet", None, {}, [*SMALL, *own, "train.calibrate=false"])
    run = train(settings, flux, RunLocation(tmp_path / "run"), ["fold-1"], NullReporter())
    done = geoml("export", run.folder, "--member", "fold-1", "--data", flux.folder, "--format", "pt2")
    assert done.code == 0, done.err
    card = next(run.export.glob("*.md")).read_text(encoding="utf-8")
    assert "south of the equator month is (n - 1 + 6) mod 12 + 1" in card
    assert "gives the input time so: south of the equator month is" in done.err
    trained = open_trained(run, ["fold-1"])
    samples = trained.samples(flux)
    south = np.flatnonzero(np.asarray(flux.array("lat"))[flux.array("station_index")] < 0)[:5]
    inputs = [torch.from_numpy(np.array(item.values[south])) for item in samples.inputs.values()]
    place, clocks = list(samples.inputs).index("time"), samples.inputs["time"].names
    unit, ends = flux.unit("time"), np.asarray(flux.array("index"))[south]
    calendar = [read_clock(flux.array("time"), unit, clock)[ends] for clock in clocks]
    length = {"month": 12, "day-of-year": 366}
    shifted = [
        (n - 1 + length[clock] // 2) % length[clock] + 1 if clock in length else n
        for clock, n in zip(clocks, calendar, strict=True)
    ]
    program = torch.export.load(next(run.export.glob("*.pt2"))).module()
    found = {}
    for name, columns in (("calendar", calendar), ("shifted", shifted)):
        time = inputs[place].clone()
        time[:, -1] = torch.from_numpy(np.stack(columns, axis=1).astype(np.float32))
        found[name] = program(*[*inputs[:place], time, *inputs[place + 1 :]])[0].detach().numpy()
    expected = trained.predictor().outputs(samples, south)[0]
    np.testing.assert_allclose(found["shifted"], expected, rtol=1e-4, atol=1e-5)
    assert not np.allclose(found["calendar"], expected, rtol=1e-4, atol=1e-5)


def test_cells_have_no_seasons_of_stations():
    cells = SimpleNamespace(has=lambda name: False)
    with pytest.raises(SettingsError, match=r"no series of stations.*network\.southern_season=false"):
        task._is_south(cells)


def test_the_card_of_half_hours_says_that_hours_are_whole():
    settings = load("geomamba", "fluxnet-gaps", None, {}, []).own.network
    assert task.input_notes(settings)["time"].startswith(
        "hours are whole, of 00:30 0; south of the equator day-of-year"
    )
