"""Other data than a run was trained on: predicted where they are alike, refused where names, units or steps differ."""

from __future__ import annotations

import json
import shutil

import pytest


@pytest.fixture
def copies(trained, data_root, tmp_path):
    """Give copies of a run and of its data."""
    return shutil.copytree(trained, tmp_path / "run"), shutil.copytree(data_root / "soc", tmp_path / "soc")


def edit(path, change):
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")


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
        (lambda manifest: manifest["variables"]["soc"].update(unit="%"), "the unit of soc is '%' here"),
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
