"""`prepare fluxnet` on towers as FLUXNET and AmeriFlux ship them."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from geoml_cli.dataset.store import Dataset
from geoml_cli.sources.fluxnet.dryness import deficit

DAILY = ["AU-Lox", "CN-Cng", "DE-Hai", "DE-Seh", "US-ARM"]
CHAMAU = "exampledata_FLUXNET-FULLSET-HH-CSV-30MIN_FLX_CH-Cha_FLUXNET2015_FULLSET_HH_2005-2020_beta-3.csv"
HAINICH = "FLX_DE-Hai_FLUXNET2015_SUBSET_DD_2000-2012_1-4.csv"


@pytest.fixture
def prepare(geoml, tmp_path):
    def run(raw, *options, code=0):
        done = geoml("prepare", "fluxnet", raw, "--data", tmp_path, "--json", *options)
        assert done.code == code, done.err
        return (Dataset(tmp_path / "fluxnet"), json.loads(done.out)["funnel"]) if code == 0 else done.err

    return run


def test_the_folder_gives_its_five_daily_sites(real_data, prepare):
    dataset, funnel = prepare(real_data("fluxnet"))
    assert dataset.labels("station") == DAILY
    assert (funnel["read"], funnel["kept"]) == (731 + 1461 + 4749 + 1461 + 3653, 11249)
    assert funnel["dropped"] == {"a driver is missing": 806}
    assert {site: counts["with target"] for site, counts in funnel["per_station"].items()}["DE-Hai"] == 4351
    told = "\n".join(funnel["notes"])
    assert "3 of other resolutions were left out (AMF_US-CRT" in told and "--resolution HH" in told
    assert "Example_DETha98.txt" in told
    assert len(dataset.labels("dynamic")) == 10
    classes = [dataset.labels("category_name")[code] for code in dataset.array("category")]
    assert classes == ["deciduous broadleaf forest", "grassland", "deciduous broadleaf forest", "cropland", "cropland"]


def test_values_and_climate_are_those_of_the_file(real_data, prepare):
    dataset, _ = prepare(real_data(f"fluxnet/{HAINICH}"))
    raw = pd.read_csv(real_data(f"fluxnet/{HAINICH}"))
    np.testing.assert_array_equal(dataset.array("CO2_F_MDS"), raw.CO2_F_MDS.to_numpy(np.float32))
    expected = raw.NEE_VUT_REF.where(raw.NEE_VUT_REF_QC >= 0.75).to_numpy(np.float32)
    np.testing.assert_array_equal(dataset.array("NEE_VUT_REF"), expected)
    assert 8 < float(dataset.array("mean_temperature")[0]) < 9 and float(dataset.array("elevation")[0]) == 430
    assert 600 < float(dataset.array("mean_precipitation")[0]) < 900


@pytest.mark.parametrize("target", ["GPP_DT_VUT_REF", "GPP_NT_VUT_REF", "RECO_DT_VUT_REF", "LE_F_MDS", "H_F_MDS"])
def test_years_of_no_target_are_taken_for_another_unit(real_data, prepare, target):
    """Harvests of DE-Seh and US-ARM leave a twentieth of the carbon uptake of other years."""
    dataset, _ = prepare(real_data("fluxnet"), "--target", target, "--extra", "none")
    assert dataset.labels("station") == DAILY
    assert np.isfinite(dataset.array(target)).sum() > 4000


def test_two_years_of_a_field_are_not_taken_for_another_unit(real_data, prepare, tmp_path):
    [path] = real_data("fluxnet").glob("FLX_DE-Seh*.csv")
    fields = pd.read_csv(path, dtype=str)
    short = tmp_path / "raw" / path.name
    short.parent.mkdir()
    fields[fields.TIMESTAMP.str[:4].isin(["2007", "2008"])].to_csv(short, index=False)
    (short.parent / "siteinfo.csv").write_bytes(real_data("fluxnet/siteinfo_fluxnet2015.csv").read_bytes())
    dataset, _ = prepare(short.parent, "--target", "GPP_DT_VUT_REF", "--extra", "none")
    assert len(dataset.array("GPP_DT_VUT_REF")) == 731


def test_half_hours_that_are_all_filled_are_refused_with_what_to_relax(real_data, prepare):
    told = prepare(real_data(f"fluxnet/{CHAMAU}"), code=3)
    assert "99 of 99 values were left out because NEE_VUT_REF_QC is not class 1 or better" in told
    assert "the best class among them is 3" in told and "Relax the filter with --quality 3" in told
    dataset, funnel = prepare(real_data(f"fluxnet/{CHAMAU}"), "--quality", "3")
    assert len(dataset.labels("dynamic")) == 7 and funnel["kept"] == 99
    assert dataset.unit("NEE_VUT_REF") == "umol CO2 m-2 s-1"
    np.testing.assert_allclose(dataset.array("NEE_VUT_REF")[:2], [11.5578, 9.04856], rtol=1e-6)


def test_base_without_a_deficit_gets_it_from_humidity_and_is_read_without_it(real_data, prepare, tmp_path):
    raw = real_data("fluxnet/AMF_US-CRT_BASE_HH_2-5.csv")
    drivers = [part for name in ("TA_F", "SW_IN_F", "PA_F", "P_F") for part in ("--dynamic", name)]
    (tmp_path / "sites.csv").write_text(
        "SITE_ID,LOCATION_LAT,LOCATION_LONG,LOCATION_ELEV,IGBP\nUS-CRT,41.6,-83.3,180,CRO\n"
    )
    _, funnel = prepare(raw, "--extra", "none", "--sites", tmp_path / "sites.csv")
    assert f"{raw.name} has no VPD_F: it is computed from TA and RH [hPa]" in funnel["notes"]
    given = (*drivers, "--extra", "none", "--sites", tmp_path / "sites.csv")
    dataset, funnel = prepare(raw, *given)
    found = pd.read_csv(raw, skiprows=2).replace(-9999, np.nan)
    complete = found[["TA", "SW_IN", "PA", "P"]].notna().all(axis=1)
    assert funnel["kept"] == complete.sum() == 53
    np.testing.assert_array_equal(dataset.array("NEE_VUT_REF"), found.NEE_PI[complete].to_numpy(np.float32))
    told = "\n".join(funnel["notes"])
    assert "PA as PA_F" in told and "NEE_PI as NEE_VUT_REF" in told and "that of 2 days, less than a year" in told
    assert dataset.labels("category_name")[dataset.array("category")[0]] == "cropland"


def test_the_tower_year_of_reddyproc_is_read_as_half_hours(real_data, prepare):
    raw = real_data("fluxnet/Example_DETha98.txt")
    assert "line 2: has no column LW_IN_F" in prepare(raw, code=3)
    dataset, funnel = prepare(raw, "--dynamic", "SW_IN_F,TA_F,VPD_F", "--extra", "none")
    found = pd.read_csv(raw, sep="\t", skiprows=[1], na_values=-9999)
    complete = found[["Rg", "Tair", "VPD"]].notna().all(axis=1)
    assert (funnel["read"], funnel["kept"]) == (17520, complete.sum()) and complete.sum() == 17363
    np.testing.assert_array_equal(dataset.array("NEE_VUT_REF"), found.NEE[complete].to_numpy(np.float32))
    minutes = np.array(dataset.array("time"))[np.array(dataset.array("index"))]
    ends = np.datetime64("1998-01-01") + ((found.DoY - 1) * 1440 + found.Hour * 60).astype(int).to_numpy("m8[m]")
    starts = ends[complete.to_numpy()] - np.timedelta64(30, "m")
    np.testing.assert_array_equal(np.datetime64("1970-01-01", "m") + minutes.astype("m8[m]"), starts)
    assert dataset.labels("station") == ["DE-Tha"] and dataset.unit("NEE_VUT_REF") == "umol CO2 m-2 s-1"


def test_the_deficit_computed_is_that_of_a_file_that_holds_all_three(real_data):
    found = pd.read_csv(real_data("fluxnet/Example_DETha98.txt"), sep="\t", skiprows=[1], na_values=-9999)
    difference = deficit(found.Tair.to_numpy(float), found.rH.to_numpy(float)) - found.VPD
    assert np.sqrt((difference**2).mean()) < 0.05 and difference.abs().max() < 0.25, "VPD is written to 0.1 hPa"
