"""`prepare fluxnet`: the data set that a user finds, through the command."""

from __future__ import annotations

import json

import numpy as np
import pytest
import xarray
from flux_case import balanced

from geoml_cli.dataset.store import Dataset
from geoml_cli.sources.fluxnet import preparing
from geoml_cli.sources.fluxnet import synthetic as made
from geoml_cli.sources.fluxnet.source import SOURCE


@pytest.fixture(scope="module")
def towers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("towers é")
    SOURCE.synthetic(folder, 5)
    return folder


@pytest.fixture
def prepare(geoml, tmp_path):
    def run(folder, *options, code=0):
        done = geoml("prepare", "fluxnet", folder, "--data", tmp_path / "data", "--json", *options)
        assert done.code == code, done.err
        return json.loads(done.out)["funnel"] if code == 0 else done.err

    return run


def found(tmp_path):
    return Dataset(tmp_path / "data" / "fluxnet")


def test_the_same_seed_writes_the_same_bytes(towers, tmp_path):
    SOURCE.synthetic(tmp_path, 5)
    written = {path.name: path.read_bytes() for path in towers.iterdir()}
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == written
    SOURCE.synthetic(tmp_path, 6)
    assert any(path.read_bytes() != written[path.name] for path in tmp_path.iterdir())


def test_made_up_towers_are_prepared_with_every_loss_told(towers, prepare, tmp_path):
    funnel = prepare(towers)
    dataset = found(tmp_path)
    assert balanced(dataset.manifest.funnel) and funnel["read"] == 6 * 1096
    assert dataset.labels("station") == [tower.site for tower in made.TOWERS]
    assert dataset.labels("dynamic")[-2:] == ["TS_F_MDS_1", "SWC_F_MDS_1"]
    told = "\n".join(funnel["notes"])
    assert "CO2_F_MDS was left out for all sites: XF-Wet lack it (--optional site" in told
    assert "1 auxiliary files were left out: FLX_XC-Gra_FLUXNET2015_ERAI_DD" in told
    assert "1 of other resolutions were left out (AMF_XD-Cro_BASE_HH_2-5.csv); read them with --resolution HH" in told
    assert f"{funnel['kept']} samples have a NEE_VUT_REF" in told
    assert all(counts["kept"] == counts["with target"] + counts["target of poor quality"]
               for counts in funnel["per_station"].values())  # fmt: skip


def test_the_site_goes_where_the_user_wants_the_variable(towers, prepare, tmp_path):
    funnel = prepare(towers, "--optional", "site")
    dataset = found(tmp_path)
    assert funnel["dropped"]["site lacks CO2_F_MDS"] == 1096 and balanced(dataset.manifest.funnel)
    assert "XF-Wet" not in dataset.labels("station") and "CO2_F_MDS" in dataset.labels("dynamic")
    funnel = prepare(towers, "--extra", "none")
    assert (len(found(tmp_path).labels("dynamic")), funnel["dropped"]) == (7, {})


def test_the_contract_of_a_series_holds(towers, prepare, tmp_path):
    prepare(towers)
    dataset = found(tmp_path)
    index, station, history = (dataset.array(name) for name in ("index", "station_index", "history"))
    factors = np.stack([dataset.array(name) for name in dataset.labels("dynamic")], axis=1)
    whole = np.isfinite(factors).all(axis=1)
    np.testing.assert_array_equal(np.flatnonzero(whole), index)
    record_site = np.repeat(np.arange(6), 1096)
    np.testing.assert_array_equal(record_site[index], station)
    for sample in (0, 500, 1056, len(index) - 1):
        reach = slice(index[sample] - history[sample] + 1, index[sample] + 1)
        assert whole[reach].all() and (record_site[reach] == station[sample]).all()
        before = index[sample] - history[sample]
        assert before < 0 or not whole[before] or record_site[before] != station[sample]
    year = dataset.array("time")[index].astype("datetime64[m]").astype("datetime64[Y]").astype(int) + 1970
    np.testing.assert_array_equal(dataset.array("year"), year)
    assert dataset.manifest.layout == "series" and dataset.array("step").tolist() == [1440]
    classes = [dataset.labels("category_name")[code] for code in dataset.array("category")]
    assert classes[:3] == ["evergreen needleleaf forest", "deciduous broadleaf forest", "grassland"]
    assert len(dataset.labels("category_name")) == 18
    assert all(np.isfinite(dataset.array(name)).all() for name in dataset.labels("static"))


def test_the_values_are_those_of_the_files_and_the_file_is_cf(towers, prepare, tmp_path):
    prepare(towers)
    path = towers / "FLX_XA-Fir_FLUXNET2015_SUBSET_DD_2010-2012_1-4.csv"
    raw = np.genfromtxt(path, delimiter=",", names=True)
    with xarray.open_dataset(tmp_path / "data/fluxnet/dataset.nc") as file:
        np.testing.assert_allclose(file.TA_F[:1096], raw["TA_F"], rtol=1e-6)
        rows = file["index"].values[:1056]
        good = raw["NEE_VUT_REF_QC"][rows] >= 0.75
        np.testing.assert_allclose(file.NEE_VUT_REF[:1056], np.where(good, raw["NEE_VUT_REF"][rows], np.nan), rtol=1e-6)
        np.testing.assert_allclose(file.mean_temperature[0], raw["TA_F"].mean(), rtol=1e-5)
        np.testing.assert_allclose(file.mean_precipitation[0], raw["P_F"].mean() * 365.25, rtol=1e-5)
        assert str(file.time.values[0])[:10] == "2010-01-01" and file.time.attrs["standard_name"] == "time"
        assert file.NEE_VUT_REF.attrs["units"] == "gC m-2 d-1" and file.Conventions == "CF-1.11"


def test_the_exchange_depends_on_the_drivers(towers, prepare, tmp_path):
    from sklearn.ensemble import HistGradientBoostingRegressor

    prepare(towers)
    dataset = found(tmp_path)
    rows, target = dataset.array("index"), np.array(dataset.array("NEE_VUT_REF"))
    drivers = np.stack([dataset.array(name)[rows] for name in dataset.labels("dynamic")], axis=1)
    drivers = np.column_stack([drivers, dataset.array("station_index")])
    late, known = dataset.array("year") == 2012, np.isfinite(target)
    fitted = HistGradientBoostingRegressor(max_iter=60).fit(drivers[~late & known], target[~late & known])
    assert fitted.score(drivers[late & known], target[late & known]) > 0.9


def test_the_second_time_is_a_no_op_and_a_new_option_is_not(towers, geoml, tmp_path):
    given = ("prepare", "fluxnet", towers, "--data", tmp_path / "data", "--json")
    assert json.loads(geoml(*given).out)["fresh"] and not json.loads(geoml(*given).out)["fresh"]
    first = found(tmp_path).manifest.digest()
    assert json.loads(geoml(*given, "--quality", "0.5").out)["fresh"]
    assert found(tmp_path).manifest.digest() != first


def test_only_some_sites_and_another_target(towers, prepare, tmp_path):
    funnel = prepare(towers, "--only", "XA-Fir", "--only", "XB-Oak", "--target", "GPP_NT_VUT_REF")
    dataset = found(tmp_path)
    assert dataset.labels("station") == ["XA-Fir", "XB-Oak"] and dataset.labels("target") == ["GPP_NT_VUT_REF"]
    assert "CO2_F_MDS" in dataset.labels("dynamic")
    own = "the quality of GPP_NT_VUT_REF is NEE_VUT_REF_QC, fraction 0.75 or more (GPP_NT_VUT_REF has no quality column"
    assert any(own in note for note in funnel["notes"])
    assert "there is no file of DE-Hai. Take it out of --only" in prepare(towers, "--only", "XA-Fir", "--only",
                                                                           "DE-Hai", code=3)  # fmt: skip


def test_a_class_that_nobody_tells_is_unknown(towers, prepare, tmp_path):
    rows = (towers / "siteinfo_fluxnet2015.csv").read_text().replace("classid", "note").replace("elv", "height")
    (tmp_path / "mine.csv").write_text(rows)
    funnel = prepare(towers, "--sites", tmp_path / "mine.csv", "--only", "XA-Fir")
    dataset = found(tmp_path)
    assert dataset.array("category").tolist() == [17] and dataset.labels("category_name")[17] == "unknown"
    assert dataset.labels("static") == ["mean_temperature", "mean_precipitation"]
    assert "the table of sites holds no IGBP class of XA-Fir: their class is `unknown`" in funnel["notes"]
    assert "elevation was left out for all sites: XA-Fir lack it" in funnel["notes"]


def test_series_that_fit_are_read_once_and_give_the_same(raw, prepared, monkeypatch):
    read, whole = [], preparing.read_site
    monkeypatch.setattr(preparing, "read_site", lambda *given: read.append(1) or whole(*given))
    once = prepared(raw).manifest
    assert len(read) == 2
    monkeypatch.setattr(preparing, "_KEPT_BYTES", 0)
    twice = prepared(raw).manifest
    assert len(read) == 6 and once.content == twice.content
