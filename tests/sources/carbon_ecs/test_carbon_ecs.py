"""Yearly HDF5 files of Carbon-ECS: values, land and months; what is refused is named."""

from __future__ import annotations

import re
import shutil

import h5py
import numpy as np
import pytest

from geoml_cli.dataset.grid import GridFacts
from geoml_cli.dataset.store import Dataset
from geoml_cli.errors import DataError
from geoml_cli.sources.carbon_ecs.options import CarbonEcsOptions
from geoml_cli.sources.carbon_ecs.reading import GROUP, axes
from geoml_cli.sources.carbon_ecs.source import SOURCE
from geoml_cli.stages.prepare import Raw, prepare
from geoml_cli.work.reporting import NullReporter

KEYS = [f"{year}{month:02d}" for year in range(2003, 2011) for month in range(1, 13)]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("carbon") / "raw é"
    SOURCE.synthetic(folder, 2)
    return folder


@pytest.fixture
def raw(made, tmp_path):
    return shutil.copytree(made, tmp_path / "raw")


def prepared(raw, **options):
    source = Raw("carbon-ecs", raw, CarbonEcsOptions(**options))
    return Dataset(prepare(source, raw.parent / "carbon-ecs", NullReporter(), force=True).folder)


def refused(raw, *texts):
    with pytest.raises(DataError) as error:
        prepared(raw)
    assert error.value.where and error.value.fix
    for text in texts:
        assert re.search(text, str(error.value)), str(error.value)


def file_of(raw, year):
    return next(raw.glob(f"*{year}.h5"))


def changed(raw, attributes, change=lambda values: values):
    """Give every month attributes and other stored numbers."""
    for path in raw.glob("*.h5"):
        with h5py.File(path, "a") as file:
            for month in file[GROUP].values():
                if month.name.rpartition("/")[2] in KEYS:
                    month[...] = change(month[...])
                    month.attrs.update(attributes)


@pytest.mark.parametrize(
    ("attributes", "change"),
    [
        ({"scale_factor": 0.01}, lambda values: values / 0.01),
        ({"scale_factor": np.float32(0.5), "add_offset": 2.0}, lambda values: (values - 2) / 0.5),
        ({"_FillValue": np.float32(-9.99)}, lambda values: np.where(np.isnan(values), -9.99, values)),
        ({"missing_value": np.array([0], "f4")}, lambda values: np.where(np.isnan(values), 0, values)),
        ({"units": "mol m^-2 yr^-1"}, lambda values: values),
    ],
)
def test_what_attributes_state_counts(raw, attributes, change):
    expected = prepared(raw).array("fco2")
    changed(raw, attributes, change)
    np.testing.assert_allclose(prepared(raw).array("fco2"), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("unit", ["mmol m-2 d-1", b"gC m-2 yr-1"])
def test_another_unit_is_refused(raw, unit):
    changed(raw, {"units": np.bytes_(unit) if isinstance(unit, bytes) else unit})
    refused(raw, "its unit is '.+', not 'mol m-2 yr-1'. Convert all months, or correct the attribute")
    changed(raw, {"units": "mol m-2 yr-1"})  # the remedy
    prepared(raw)


def test_an_attribute_that_is_no_number_is_named(raw):
    changed(raw, {"scale_factor": "ten"})
    refused(raw, r"fco2_processed/\d{6}: its attribute scale_factor is 'ten', not a number")


def test_months_come_out_as_they_are(raw):
    dataset = prepared(raw)
    flux = dataset.array("fco2")
    assert flux.dtype == np.float32 and flux.shape == (96, 42, 26)
    for place, key in enumerate(KEYS):
        with h5py.File(file_of(raw, key[:4])) as file:
            np.testing.assert_array_equal(flux[place], file[GROUP][key][...])
    with h5py.File(file_of(raw, 2003)) as file:
        np.testing.assert_array_equal(dataset.array("land"), file["land_mask"][...])
    assert dataset.unit("fco2") == "mol m-2 yr-1" and dataset.array("time")[[0, -1]].tolist() == [12053, 14944]


def test_facts_hold_the_papers_cut_and_the_step(raw):
    facts = prepared(raw).manifest.facts_as(GridFacts)
    assert facts.paper is not None and facts.paper.model_dump() == {"top": 800, "left": 300, "size": 1024}
    assert str(facts.step) == "month" and facts.regular and facts.land_from == "file" and facts.variable == "fco2"


def test_the_real_grid_has_cells_of_a_hundredth_degree():
    found = axes((2100, 1300))
    np.testing.assert_allclose([found.lat[0], found.lat[-1]], [41.995, 21.005])
    np.testing.assert_allclose([found.lon[0], found.lon[-1]], [117.005, 129.995])


def test_without_a_mask_land_is_where_no_month_has_a_value(raw):
    with h5py.File(file_of(raw, 2003), "a") as file:
        mask = file["land_mask"][...]
        del file["land_mask"]
    dataset = prepared(raw)
    np.testing.assert_array_equal(dataset.array("land"), mask)
    assert dataset.manifest.facts["land_from"] == "never valid"


def test_a_mask_in_the_group_counts_too(raw):
    with h5py.File(file_of(raw, 2003), "a") as file:
        file.move("land_mask", f"{GROUP}/land_mask")
    assert prepared(raw).manifest.facts["land_from"] == "file"


def test_a_period_is_chosen(raw):
    dataset = prepared(raw, start="2004-03", end="2005")
    assert len(dataset.array("time")) == 22 and dataset.manifest.funnel.dropped == {"outside of --start and --end": 74}


def test_a_missing_month_and_a_missing_year_are_named(raw):
    with h5py.File(file_of(raw, 2005), "a") as file:
        del file[GROUP]["200507"]
    refused(raw, "1 of 96 time steps are missing: 2005-07")
    file_of(raw, 2006).unlink()
    refused(raw, "13 of 96 time steps are missing: 2005-07, 2006-01")


def test_a_month_twice_and_in_the_wrong_file(raw):
    shutil.copy(file_of(raw, 2005), raw / "copy.h5")
    refused(raw, r"time is there twice: 2005-01-01 \(.*\) is followed by 2005-01-01")
    (raw / "copy.h5").unlink()
    with h5py.File(file_of(raw, 2005), "a") as file:
        file.move(f"{GROUP}/200507", f"{GROUP}/200607")
    refused(raw, "month 200607 is in the file of 2005")


def test_a_month_that_is_all_zero_or_all_missing(raw):
    """The reference code turns what it cannot read into zeros: such a frame equals nothing around it."""
    with h5py.File(file_of(raw, 2005), "a") as file:
        file[GROUP]["200507"][...] = np.nan
    refused(raw, r"has no valid value at 2005-07-01 \(.*2005\.h5\)")
    with h5py.File(file_of(raw, 2005), "a") as file:
        file[GROUP]["200507"][...] = 0
    refused(raw, r"has the value 0 in all cells at 2005-07-01 \(.*2005\.h5\)")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda group: group.create_dataset("2005", data=np.zeros((42, 26))), "key '2005' is not a month YYYYMM"),
        (lambda group: group.create_dataset("200513", data=np.zeros((42, 26))), "key '200513' is not a month"),
        (lambda group: resized(group), r"grids differ \(42 x 26 and 40 x 26 cells\)"),
        (lambda group: typed(group), r"200507: is int32 of shape \[42, 26\], not a map of floats"),
        (
            lambda group: turned(group),
            r"200507: has 26 rows and 42 columns.* are exchanged.*transpose",
        ),
        (
            lambda group: resized(group, 21),
            "200507: has 21 rows and 26 columns, which are no square cells",
        ),
        (lambda group: group.parent.move(GROUP, "other"), "has no group fco2_processed; it has other"),
        (lambda group: emptied(group), "group fco2_processed is empty"),
        (lambda group: group.create_dataset("land_mask", data=np.full((42, 26), 3)), "is not a map of 0 and 1"),
        (lambda group: group.create_dataset("land_mask", data=np.zeros((4, 26))), r"land_mask has shape \[4, 26\]"),
        (lambda group: group.create_dataset("land_mask", data=np.zeros((42, 26))), "land_mask differs from that of"),
    ],
)
def test_files_of_another_form(raw, change, text):
    with h5py.File(file_of(raw, 2005), "a") as file:
        change(file[GROUP])
    refused(raw, text)


def resized(group, rows=40):
    del group["200507"]
    group.create_dataset("200507", data=np.zeros((rows, 26), dtype=np.float32))


def turned(group):
    stored = group["200507"][...].T
    del group["200507"]
    group.create_dataset("200507", data=stored)


def typed(group):
    del group["200507"]
    group.create_dataset("200507", data=np.zeros((42, 26), dtype=np.int32))


def emptied(group):
    for key in list(group):
        del group[key]


def test_an_empty_folder_and_another_format(tmp_path):
    (tmp_path / "raw").mkdir()
    refused(tmp_path / "raw", r"no HDF5 file \(\.h5\) here")
    (tmp_path / "raw" / "a.h5").write_bytes(b"CDF\x01")
    refused(tmp_path / "raw", r"a\.h5: is not HDF5")


def test_land_of_0_without_a_mask_is_told(raw):
    expected = prepared(raw)
    land = ~np.isfinite(expected.array("fco2")).any(axis=0)
    upwards = expected.array("lat")[0] < expected.array("lat")[-1]  # files begin in the north
    for path in sorted(raw.glob("*.h5")):
        with h5py.File(path, "a") as file:
            file.pop("land_mask", None)
            for stored in file[GROUP].values():
                stored[...] = np.where(land[::-1] if upwards else land, 0.0, stored[...])
    notes = [note for note in prepared(raw).manifest.funnel.notes if "at every time" in note]
    assert len(notes) == 1 and notes[0].startswith(f"{land.sum()} cells are 0 at every time")
    found = prepared(raw, nodata=("fco2=0",)).array("fco2")
    assert land.sum() > 10 and np.isnan(found[:, land]).all()


def test_the_fields_drift_and_change_with_the_season(made, tmp_path):
    """The demo is worth a forecast: a month resembles the last one, and the same month of another year."""
    flux = prepared(shutil.copytree(made, tmp_path / "raw")).array("fco2").reshape(96, -1)
    flux = flux[:, np.isfinite(flux).all(axis=0)]
    anomalies = flux - flux.mean(axis=0)

    def alike(lag):
        return np.corrcoef(anomalies[:-lag].ravel(), anomalies[lag:].ravel())[0, 1]

    assert alike(1) > 0.7 and alike(12) > 0.3 and alike(6) < 0


@pytest.mark.parametrize("factor", [30, 1000, 0.001])
def test_a_year_in_another_scale_is_refused(raw, factor):
    with h5py.File(file_of(raw, 2005), "a") as file:
        for key in (key for key in KEYS if key.startswith("2005")):
            file[GROUP][key][...] *= factor
    refused(raw, r"values at 2005-\d\d-\d\d \(\S*2005\.h5\) and \d+ more times are about .* than those of other times")
    assert prepared(raw, range="-1e6,1e6").array("time").size == len(KEYS)


def test_a_year_in_grams_of_carbon_is_refused(raw):
    with h5py.File(file_of(raw, 2006), "a") as file:
        for key in (key for key in file[GROUP] if key in KEYS):
            file[GROUP][key][...] = file[GROUP][key][...] * 12.011
    refused(raw, r"values at 2006-01.* and 11 more times are about 1\d\.?\d* times larger than those of other times")


def test_maps_that_run_the_other_way_than_their_mask_are_refused(raw):
    changed(raw, {}, lambda values: values[::-1])
    refused(raw, r"land mask is 1 at \d+ of the \d+ cells that have values, and upside down at 0: rows of the mask and")


def test_packed_months_are_read(made, raw):
    whole = np.array(prepared(shutil.copytree(made, raw.parent / "whole")).array("fco2"))
    for path in raw.glob("*.h5"):
        with h5py.File(path, "a") as file:
            for key in [name for name in file[GROUP] if name in KEYS]:
                values = file[GROUP][key][...]
                packed = np.where(np.isnan(values), -32768, np.round(values * 100)).astype("i2")
                del file[GROUP][key]
                month = file[GROUP].create_dataset(key, data=packed)
                month.attrs.update({"scale_factor": 0.01, "_FillValue": np.int16(-32768)})
    found = np.array(prepared(raw).array("fco2"))
    np.testing.assert_allclose(found, whole, atol=0.0051)
