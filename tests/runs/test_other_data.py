"""Other data than a run was trained on: predicted where they are alike, refused where names, units or steps differ."""

from __future__ import annotations

import json
import re
import shutil

import pytest
import rasterio

from geoml_cli.dataset.manifest import read_manifest
from geoml_cli.errors import DataError
from geoml_cli.runs.data import same_units
from geoml_cli.runs.data_record import checksum_of
from geoml_cli.runs.run import Run


@pytest.fixture
def copies(trained, data_root, tmp_path):
    """Give copies of a run and of its data."""
    return shutil.copytree(trained, tmp_path / "run"), shutil.copytree(data_root / "soc", tmp_path / "soc")


def edit(path, change):
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")
    if path.name == "data.json":
        edit(path.with_name("run.json"), lambda record: record.update(data=checksum_of(path)))


def predicted(geoml, run, data, tmp_path):
    return geoml("predict", run, "--data", data, "--out", tmp_path / "x.csv")


def test_data_that_are_alike_are_predicted(geoml, copies, tmp_path):
    run, data = copies
    edit(data / "manifest.json", lambda content: content["funnel"].update(kept=1))  # another digest
    done = predicted(geoml, run, data, tmp_path)
    assert done.code == 0, done.err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda manifest: manifest.update(source="clcd"), "the source is 'clcd' here, run"),
        (lambda manifest: manifest["variables"]["soc"].update(unit="%"), "soc is in %, and was in g kg-1 when run"),
        (lambda manifest: manifest["facts"].update(step="day"), "the time step is 'day' here"),
    ],
)
def test_another_source_unit_or_step_is_refused(geoml, copies, tmp_path, change, message):
    run, data = copies
    edit(run / "data.json", lambda content: content.update(step="month" * ("step" in message)))
    edit(data / "manifest.json", change)
    done = predicted(geoml, run, data, tmp_path)
    assert done.code == 3 and message in done.err, done.err


def test_other_names_and_another_order_are_refused(geoml, copies, tmp_path):
    run, data = copies
    names = json.loads((run / "data.json").read_text())["signatures"][""]["inputs"]["static"]["names"]

    def exchanged(content):
        content["signatures"][""]["inputs"]["static"]["names"] = [names[1], names[0], *names[2:]]

    edit(run / "data.json", exchanged)
    done = geoml("predict", run, "--data", data, "--index", "0")
    assert done.code == 3
    assert f"static: number 1 is {names[0]}" in done.err and f"was trained with {names[1]} there" in done.err


def with_unit(path, unit, change=lambda values: values):
    with rasterio.open(path, "r+") as file:
        file.write(change(file.read()))
        file.units = (unit,) * file.count


@pytest.fixture
def prepared_in(geoml, raw_soc, data_root, tmp_path):
    """Give a function that prepares the run's raw files again, with the raster of slopes in some unit."""
    options = json.loads((data_root / "soc" / "manifest.json").read_text())["options"]
    words = [text for name in ("points", "covariates", "classes") for text in (f"--{name}", options[name])]
    words = [text if isinstance(text, str) else ",".join(text) for text in words]

    def run(unit, change=lambda values: values):
        shutil.copytree(raw_soc, tmp_path / "raw", dirs_exist_ok=True)
        with_unit(tmp_path / "raw" / "covs" / "slope.tif", unit, change)
        done = geoml("prepare", "soc", tmp_path / "raw", "--data", tmp_path / "new", "-q", *words)
        assert done.code == 0, done.err
        return tmp_path / "new"

    return run


def test_a_covariate_in_another_unit_is_refused_and_the_remedy_helps(geoml, copies, prepared_in, tmp_path):
    run, _ = copies
    edit(run / "data.json", lambda content: content.update(file_units={"slope": "degree"}))
    found = predicted(geoml, run, prepared_in("%", lambda values: values * 1.75), tmp_path)
    assert found.code == 3 and re.search("slope is in %, and was in degree when run soc/map/.* was trained", found.err)
    assert "Convert its values to degree, write this unit into its files, and prepare the data set again." in found.err
    assert not (tmp_path / "x.csv").exists()
    done = predicted(geoml, run, prepared_in("degree"), tmp_path)
    assert done.code == 0, done.err


@pytest.mark.parametrize(("own", "other"), [("degree", "degrees"), ("degree", ""), ("", "%"), (None, "%")])
def test_spellings_of_a_unit_and_unknown_units_are_not_refused(geoml, copies, prepared_in, tmp_path, own, other):
    """Runs of earlier versions know no units of files."""
    run, _ = copies
    edit(run / "data.json", lambda content: content.pop("file_units"))
    if own is not None:
        edit(run / "data.json", lambda content: content.update(file_units={"slope": own} if own else {}))
    done = predicted(geoml, run, prepared_in(other), tmp_path)
    assert done.code == 0, done.err


def test_times_from_another_reference_are_not_refused(copies):
    run, data = copies
    time = {"name": "time", "unit": "minutes since 2001-01-01 00:00:00", "long_name": "time"}
    edit(data / "manifest.json", lambda content: content["variables"].update(time=time))
    edit(run / "data.json", lambda content: content["units"].update(time="minutes since 1970-01-01 00:00:00"))
    manifest = read_manifest(data)
    same_units(Run(run), manifest, "")
    edit(run / "data.json", lambda content: content["units"].update(time="hours since 1970-01-01 00:00:00"))
    with pytest.raises(DataError, match="time is in minutes since 2001-01-01 00:00:00, and was in hours since"):
        same_units(Run(run), manifest, "")
